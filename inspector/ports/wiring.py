"""What is wired between the station and the plant, by the names of its settings."""

from dataclasses import dataclass, field
from enum import Enum


class Way(Enum):
    """Which way a signal goes, as the station sees it."""

    FROM_PLC = "from_plc"
    TO_PLC = "to_plc"
    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A bit or a word. ``name``: as the symbol list or the settings call it; ``place``: table, address and bit.

    ``kind``: "bit", "word" or "text".
    """

    name: str
    way: Way
    place: str
    meaning: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """All of one station. ``role``: "client", "server", "remote_io", or "" where no plant is wired.

    ``device``, ``module``: PLC and remote I/O module in the station's words; "" for none. ``sinks``: the names of
    receivers that a follower serves.
    """

    role: str = ""
    device: str = ""
    module: str = ""
    signals: tuple[Signal, ...] = field(default=())
    sinks: tuple[str, ...] = field(default=())
