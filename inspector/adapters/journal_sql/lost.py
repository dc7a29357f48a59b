"""Accounts for the rows that a full queue did not take."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from inspector.adapters.journal_sql.group import Row
from inspector.domain.frame import PartId
from inspector.domain.inspection import AlarmEvent, Inspection, OpenedPart

MOST_REMEMBERED = 4096


@dataclass(slots=True)
class Lost:
    """Rows lost since the book was last told of them."""

    opened: int = 0
    closed: int = 0
    noted: int = 0
    first: int = 0
    last: int = 0

    def add(self, row: Row) -> None:
        """Count one row; parts by number."""
        match row:
            case OpenedPart():
                self.opened += 1
            case Inspection():
                self.closed += 1
            case _:
                self.noted += 1
        if isinstance(row, (OpenedPart, Inspection)):
            self.first = self.first or row.part.part_seq
            self.last = row.part.part_seq

    def __bool__(self) -> bool:
        return bool(self.opened or self.closed or self.noted)

    def event(self, station: str) -> AlarmEvent:
        """What the book is told of them."""
        total = self.opened + self.closed + self.noted
        return AlarmEvent(
            code="journal.lost",
            station=station,
            action="raised",
            text=f"{total} rows were lost: the disk did not take them and the queue was full",
            at_utc=datetime.now(UTC),
            details={
                "opened": str(self.opened),
                "closed": str(self.closed),
                "noted": str(self.noted),
                "first_part_seq": str(self.first),
                "last_part_seq": str(self.last),
            },
        )


class LostParts:
    """Parts whose Inspection was lost, oldest first; of more than 4096 only the next start learns."""

    def __init__(self) -> None:
        self._parts: deque[PartId] = deque()

    def add(self, row: Row) -> None:
        """Remember the part if this row would have closed it."""
        if isinstance(row, Inspection) and len(self._parts) < MOST_REMEMBERED:
            self._parts.append(row.part)

    def take(self, limit: int) -> Sequence[PartId]:
        """The oldest, at most ``limit``; they are forgotten here."""
        return tuple(self._parts.popleft() for _ in range(min(limit, len(self._parts))))
