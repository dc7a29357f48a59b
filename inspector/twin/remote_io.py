"""The logic of a simulated remote I/O module: counters and inputs of the belt, outputs, and an output watchdog.

As a bus coupler does it: whoever writes outputs keeps the watchdog quiet; once it has tripped the outputs are 0, and
further writes are refused until the coil "re-arm" is written. Pure: times are arguments.
"""

import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

INPUT_WORDS = 10
COILS = 16
DISCRETES = 16
_KEPT = 20_000


class Coil(IntEnum):
    """Outputs, by their address."""

    EJECTOR = 0
    UNDECIDED_BIN = 1
    RUN_PERMIT = 2
    STOP_REQUEST = 3
    GREEN = 4
    AMBER = 5
    RED = 6
    HORN = 7
    MARKER = 8
    STROBE = 9
    RE_ARM = 15


class Discrete(IntEnum):
    """Inputs, by their address."""

    BELT_AT_SPEED = 0
    BIN_FULL = 1
    AIR_LOW = 2
    TRIPPED = 3
    ACKNOWLEDGE = 4


@dataclass(slots=True, kw_only=True)
class RemoteIo:
    """The module. Written by its server's thread, and by the belt's, which moves its counters."""

    watchdog_s: float
    active_low: bool
    coils: list[bool] = field(default_factory=lambda: [False] * COILS)
    inputs: list[bool] = field(default_factory=lambda: [False] * DISCRETES)
    tripped: bool = False
    trips: int = 0
    good: int = 0
    rejected: int = 0
    _triggers: tuple[int, int] = (0, 0)
    _written_at: float | None = None
    _moments: list[float] = field(default_factory=list)
    _states: list[bool] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def light_gate(self, edge: int) -> None:
        """Count one edge and latch the encoder's count at it."""
        with self._lock:
            self._triggers = ((self._triggers[0] + 1) % (1 << 32) or 1, edge)

    def write(self, address: int, values: Sequence[bool], now: float) -> bool:
        """Set coils; False: refused, the watchdog has tripped."""
        with self._lock:
            self._watch(now)
            if self.tripped:
                if not (address <= Coil.RE_ARM < address + len(values) and values[Coil.RE_ARM - address]):
                    return False
                self.tripped = False
            self._written_at = now
            for place, value in enumerate(values, start=address):
                if place != Coil.RE_ARM:
                    self.coils[place] = value
            self._note(now)
            return True

    def watch(self, now: float) -> None:
        """Trip if nobody has written for too long."""
        with self._lock:
            self._watch(now)

    def restart(self, now: float) -> None:
        """Power fails and comes back: outputs 0, counters 0."""
        with self._lock:
            self.coils = [False] * COILS
            self._triggers, self._written_at, self.tripped = (0, 0), None, False
            self.good = self.rejected = 0
            self._note(now)

    def words(self, encoder: int) -> list[int]:
        """Input registers: encoder, triggers, encoder at the last one, good and reject count; high word first."""
        with self._lock:
            numbers = (encoder, *self._triggers, self.good, self.rejected)
        return [word for number in numbers for word in (number >> 16 & 0xFFFF, number & 0xFFFF)]

    def ejecting_at(self, moment: float) -> bool:
        """Whether the ejector's output ejected at this moment (monotonic seconds).

        The watchdog is the module's own: it has dropped the outputs by then, also where its server's thread sleeps.
        """
        with self._lock:
            self._watch(moment)
            place = bisect_right(self._moments, moment) - 1
            return self._states[place] if place >= 0 else self.active_low

    @property
    def permit(self) -> bool:
        """Whether the belt may run."""
        return self.coils[Coil.RUN_PERMIT] and not self.tripped

    def _watch(self, now: float) -> None:
        silent = self._written_at is not None and now - self._written_at > self.watchdog_s
        if silent and self.watchdog_s and not self.tripped:
            self.tripped = True
            self.trips += 1
            self.coils = [False] * COILS
            self._note(self._written_at + self.watchdog_s if self._written_at is not None else now)

    def _note(self, now: float) -> None:
        ejecting = self.coils[Coil.EJECTOR] != self.active_low
        if not self._states or self._states[-1] != ejecting:
            self._moments.append(now)
            self._states.append(ejecting)
            if len(self._states) > _KEPT:
                del self._moments[: _KEPT // 2], self._states[: _KEPT // 2]
