"""The model packages of this PC: what each says of itself, who answers for it, and how fast it is here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from inspector.ports.model import ModelCard


class Signature(Enum):
    """How a package is signed. BROKEN: it is not what was signed; no line runs it."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimePace:
    """One runtime on one model. ``runtime``: in its own words; ``trouble``: why it cannot be taken, "" if it can.

    Figures that were not measured are None. ``p99_ms`` and ``memory_mb`` come from a bench, not from a line's choice.
    """

    kind: str
    runtime: str
    median_ms: float | None
    p99_ms: float | None = None
    memory_mb: float | None = None
    chosen: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceTable:
    """Runtimes that were measured side by side on this PC. ``frame``: what they were shown, in words."""

    measured_utc: datetime
    frame: str
    paces: tuple[RuntimePace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A folder of models_dir with a card.

    ``card``: None where it cannot be read; ``trouble``: why no line of this station runs it, "" for none.
    ``signed_by``: the key's short name; ``signed_utc``: as the signature says; ``trusted``: a key that this PC trusts,
    None where it trusts none and asks for none. ``story``: MODEL_CARD.md, "" without one. ``chosen``: what lines of
    this station measured when they chose their runtime; ``benched``: the newest bench on this PC, if any.
    """

    name: str
    card: ModelCard | None
    trouble: str
    signature: Signature
    signed_by: str
    signed_utc: str
    trusted: bool | None
    size_bytes: int
    story: str
    chosen: tuple[PaceTable, ...]
    benched: PaceTable | None


class ModelShelf(Protocol):
    """Reads the packages. Any thread may call; what did not change on the disk is not read twice."""

    def packages(self) -> Sequence[Package]:
        """Every folder with a card, by name."""
        ...

    def named_in(self, recipe: str) -> str:
        """The package that a recipe's text names; "" for a text that names none."""
        ...


class ModelBench(Protocol):
    """Measures one package at a time, while no line of this PC runs. Any thread may call."""

    def hindrance(self) -> str:
        """Why nothing can be measured now: the station whose line runs; "" if it can."""
        ...

    def running(self) -> str:
        """The package that is being measured; "" for none."""
        ...

    def start(self, package: str) -> None:
        """Measure this package; its figures stand in ``ModelShelf`` afterwards.

        A line that starts meanwhile ends the measurement at once.

        Raises:
            BusyError: a line runs, or a package is being measured.
        """
        ...


Benched = Mapping[str, PaceTable]
"""By the sha256 of the model's file."""
