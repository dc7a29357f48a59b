"""The results on their way to the PLC: shown one at a time until acknowledged. Pure: times are given.

Not thread-safe: its owner holds a lock around every call.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from inspector.adapters.gate_modbus.layout import ResultCode
from inspector.domain.inspection import GateTold

BUFFER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What is known of one part now."""

    part_seq: int
    told: GateTold


@dataclass(slots=True, kw_only=True)
class Result:
    """One result. ``deadline``: monotonic seconds; from then on it is no OK. ``words``: its status words by name.

    ``told``: what the PLC made of it so far: NOTHING until it was read as what it is.
    """

    part_seq: int
    code: ResultCode
    deadline: float
    words: Mapping[str, int] = field(default_factory=dict)
    read: bool = False
    changed: bool = False
    told: GateTold = GateTold.NOTHING

    def settle(self, now: float, *, error: bool) -> None:
        """Never an OK beside the error bit or after the deadline, and never one again."""
        if self.code is ResultCode.OK and (error or now >= self.deadline):
            self.code, self.changed = ResultCode.NOT_DECIDABLE, True
            if self.told is GateTold.SENT:
                self.told = GateTold.UNKNOWN  # it stood as an OK first: which of the two did the PLC take?


class Results:
    """The first of the queue is shown; after its Ack nothing is, until Ack is 0 again."""

    def __init__(self) -> None:
        self._queue: deque[Result] = deque()
        self._released = False  # Ack is 0: the first may be shown
        self.room = 1
        self.completed = False  # toggles with every result
        self.overrun = False

    @property
    def remaining(self) -> int:
        """How many results find room."""
        return max(0, self.room - len(self._queue))

    @property
    def waiting(self) -> int:
        """How many results stand or wait."""
        return len(self._queue)

    def put(self, result: Result) -> bool:
        """Queue a result; False where there is no room: the newest is refused."""
        self.completed = not self.completed
        if not self.remaining:
            self.overrun = True
            return False
        self._queue.append(result)
        return True

    def shown(self, now: float, *, error: bool) -> Result | None:
        """The result that stands in the words now."""
        if not self._queue or not self._released:
            return None
        self._queue[0].settle(now, error=error)
        return self._queue[0]

    def read(self, now: float, *, error: bool) -> Fate | None:
        """The PLC reads the words: what it now knows of the part, the first time that it reads an unchanged result."""
        shown = self.shown(now, error=error)
        if shown is None or shown.read:
            return None
        shown.read = True
        if not shown.changed:
            shown.told = GateTold.SENT
            return Fate(part_seq=shown.part_seq, told=GateTold.SENT)
        return None

    def ack(self, *, level: bool, echo_seq: int) -> Fate | None:
        """Take the level of Inspection Results Ack; what is known of the part that it acknowledged."""
        if not level:
            self._released = True
            return None
        if not self._queue or not self._released:
            return None
        shown = self._queue[0]
        if not shown.read or echo_seq not in {0, shown.part_seq}:
            return None
        self._queue.popleft()
        self._released = False
        told = GateTold.ACKNOWLEDGED if shown.told is GateTold.SENT else shown.told
        return Fate(part_seq=shown.part_seq, told=told)

    def clear(self) -> list[Fate]:
        """Nothing that stands or waits may be read any more; what is known of the parts."""
        fates = [
            Fate(part_seq=one.part_seq, told=GateTold.UNKNOWN if one.told is not GateTold.NOTHING else one.told)
            for one in self._queue
        ]
        self._queue.clear()
        self._released = False
        return fates
