"""Inputs and outputs at the belt, without a PLC between."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Output(Enum):
    """What an output is for. On means what the name says; which level that is, the adapter's settings say."""

    EJECTOR = "ejector"
    UNDECIDED_BIN = "undecided_bin"
    RUN_PERMIT = "run_permit"
    STOP_REQUEST = "stop_request"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    HORN = "horn"
    MARKER = "marker"
    STROBE = "strobe"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInputs:
    """Everything that is wired, as it was at ``at`` (monotonic seconds); None: not wired.

    ``at`` is when the answer was there; ``asked_at`` when it was asked for (None: the same): what it does not tell yet
    came after that, however long this PC stood still in between.

    ``encoder``, ``trigger_encoder``: 32-bit counts that wrap, now and at the newest trigger. ``trigger_seq``: the
    module's own count of triggers (0: none yet). ``good_count``, ``reject_count``: 32-bit counts of the sensors behind
    the ejector. ``tripped``: the module's watchdog has dropped its outputs, and takes no write until it is re-armed.
    """

    at: float
    trigger_seq: int
    trigger_encoder: int | None = None
    encoder: int | None = None
    belt_at_speed: bool | None = None
    good_count: int | None = None
    reject_count: int | None = None
    bin_full: bool = False
    air_low: bool = False
    acknowledge: bool = False
    tripped: bool = False
    asked_at: float | None = None

    @property
    def nothing_later(self) -> float:
        """What came after this moment may not be in here."""
        return self.at if self.asked_at is None else self.asked_at


class FieldIo(Protocol):
    """A remote I/O module. Owned by one thread; both calls block at most 100 ms."""

    @property
    def device(self) -> str:
        """Which one, in the station's words."""
        ...

    def read(self) -> FieldInputs:
        """Read every input that is wired.

        Raises:
            DeviceError: it does not answer, or refuses; the next call connects anew.
        """
        ...

    def write(self, outputs: Mapping[Output, bool], *, re_arm: bool = False) -> None:
        """Set every output that is wired; one that is not named is off. Keeps the module's watchdog quiet.

        ``re_arm``: the watchdog had tripped, and the caller has drawn its conclusions.

        Raises:
            DeviceError: not set, refused, or read back differently. A write that was not answered may be carried out
                later: this is not stale-safe, and the module's watchdog must stand behind it.
        """
        ...
