"""Whether a PLC leaves a part's id alone from its trigger to its acknowledgement. Pure: times are given."""

from collections import deque
from collections.abc import Sequence

from inspector.ports.trigger import ChangedId

_KEPT = 64


class IdWatch:
    """Not thread-safe: its owner holds a lock around every call.

    ``staged_s``: another id that the next trigger follows within this time is the next part's, filled in before it.
    It must be seen twice in any case: Modbus TCP has no checksum.
    """

    def __init__(self, *, staged_s: float) -> None:
        self._staged_s = staged_s
        self._part: tuple[int, str] | None = None
        self._deadline = float("inf")
        self._acknowledged = False
        self._other: tuple[str, float] | None = None
        self._changes: deque[ChangedId] = deque(maxlen=_KEPT)

    def begin(self, part_seq: int, part_id: str) -> None:
        """This part was triggered, with this id; one that is empty says nothing, and is not watched."""
        self._part = (part_seq, part_id) if part_id else None
        self._deadline, self._acknowledged, self._other = float("inf"), False, None

    def until(self, part_seq: int, deadline: float) -> None:
        """After this moment (monotonic seconds) nothing is acknowledged any more: the id may change."""
        if self._part is not None and self._part[0] == part_seq:
            self._deadline = deadline

    def acknowledge(self, part_seq: int) -> None:
        """The PLC has its result (or has taken its trigger): the next id may be filled in from now on."""
        if self._part is not None and self._part[0] == part_seq:
            self._acknowledged = True

    def look(self, part_seq: int, part_id: str, now: float) -> None:
        """The PLC says this id of the part that it counted last."""
        if self._part is None or self._part[0] != part_seq:
            return
        told = self._part[1]
        if self._other is not None and self._other[0] == part_id:
            if now - self._other[1] >= self._staged_s:
                self._changes.append(ChangedId(part_seq=part_seq, told=told, now=part_id))
                self._part = None
            return
        may_change = self._acknowledged or now >= self._deadline
        self._other = None if may_change or part_id in {"", told} else (part_id, now)

    def forget(self) -> None:
        """The counter began anew, or another connection speaks."""
        self._part = None

    def take(self) -> Sequence[ChangedId]:
        """What was found since the last call."""
        found = tuple(self._changes)
        self._changes.clear()
        return found
