"""Which parts were judged by a scale since it was last known to be right."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from inspector.adapters import journal_sql
from inspector.domain.inspection import Inspection

_ROWS = 200


def judged_since(journal: Path, station: str, scale_id: str, since: datetime) -> Iterator[Inspection]:
    """Every part of the book that was judged by this scale from then on, oldest first; none where there is no book.

    Raises:
        JournalError: the book cannot be read.
    """
    if not journal.is_file():
        return
    with journal_sql.open_journal(journal, station=station, read_only=True) as book:
        cursor = 0
        while entries := book.after(cursor, _ROWS):
            cursor = entries[-1].journal_seq
            for entry in entries:
                event = entry.event
                if isinstance(event, Inspection) and event.scale_id == scale_id and event.created_utc >= since:
                    yield event
