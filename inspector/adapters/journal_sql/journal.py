"""The book as start-up and followers use it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import RowMapping

from inspector.adapters.journal_sql import alarms, nouns, proof, series, tables
from inspector.adapters.journal_sql.engine import at_the_border, open_engine, writing
from inspector.adapters.journal_sql.rows import LAST_NUMBER, text_of, to_us
from inspector.adapters.journal_sql.schema import migrate, require_readable
from inspector.adapters.journal_sql.seal import sealed_head
from inspector.adapters.journal_sql.trail import head_of
from inspector.domain.chain import AuditHead
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.frame import PartId
from inspector.domain.inspection import OpenedPart
from inspector.domain.verdict import Outcome
from inspector.ports.journal import Entry, Event, Series

log = structlog.get_logger(__name__)

MOST_ROWS = 200


@contextmanager
def open_journal(path: Path, *, station: str = "", read_only: bool = False) -> Iterator["SqlJournal"]:
    """Open the book. ``station`` is needed for ``unfinished`` and ``resume`` only. Threads may share it.

    Raises:
        ConfigError: ``read_only`` and there is no journal; or it is not one this program knows.
        JournalError: it cannot be opened.
    """
    if read_only:
        require_readable(path)
    else:
        migrate(path)
    engine = open_engine(path, "ro" if read_only else "rw")
    try:
        yield SqlJournal(engine, path, station=station)
    finally:
        engine.dispose()


class SqlJournal:
    """Fulfils ``Archive``, ``Reader`` and ``Cursors``.

    No call reads or writes over 200 rows in one transaction. Every call may raise JournalError (disk, or the pen
    held elsewhere for over 5 s); after an I/O error the next call opens the file anew.
    """

    def __init__(self, engine: Engine, path: Path, *, station: str) -> None:
        self._engine = engine
        self._path = path
        self._station = station

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with at_the_border(self._path, self._engine), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with at_the_border(self._path, self._engine), writing(self._engine).begin() as connection:
            yield connection

    # ---- Archive ---------------------------------------------------------------------------------------

    def revision(self, kind: str, name: str, content: str) -> str:
        """Store an immutable revision, give the sha256 of its UTF-8 text. See ``Archive``."""
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        row = {
            "kind": kind,
            "sha256": sha256,
            "name": text_of(name),
            "content": content,
            "stored_us": to_us(datetime.now(UTC)),
        }
        with self._writing() as connection:
            connection.execute(insert(tables.revision).on_conflict_do_nothing(), row)
        return sha256

    def revision_text(self, kind: str, sha256: str) -> str | None:
        """The text of a stored revision; None if there is none."""
        known = tables.revision.c
        with self._reading() as connection:
            found = connection.scalar(select(known.content).where(known.kind == kind, known.sha256 == sha256).limit(1))
        return None if found is None else str(found)

    def unfinished(self) -> Sequence[OpenedPart]:
        """This station's parts opened and never closed, oldest first. See ``Archive``."""
        found: list[OpenedPart] = []
        last_id = 0
        query = nouns.unfinished_query(self._needed_station()).limit(MOST_ROWS)
        while True:
            with self._reading() as connection:
                page = connection.execute(query.where(tables.part.c.id > last_id)).mappings().all()
            found += [nouns.opened_part(row) for row in page]
            if len(page) < MOST_ROWS:
                return found
            last_id = page[-1]["id"]

    def never_opened(self) -> Sequence[PartId]:
        """Numbers inside any series of this station that no part bears, at most 1000: lost by the book.

        Of all series: rows may be lost shortly before the PLC starts its counter anew. The caller closes them at
        start-up, as it does with ``unfinished``, and asks again until there are none.
        """
        with at_the_border(self._path, self._engine):
            return proof.never_opened(self._engine, self._needed_station())

    def standing_alarms(self) -> Mapping[str, str]:
        """This station's alarms that were raised and not cleared. See ``Archive``."""
        return alarms.left_standing(self._reading, self._needed_station())

    def newest_series(self) -> Series | None:
        """Where the station's trigger counter stood when it was last written; None for a new station."""
        with self._reading() as connection:
            return series.newest(connection, self._needed_station())

    def resume(self, counter: int, at: datetime, *, echo_seq: int | None = None, restarted: bool = False) -> Series:
        """Continue the series that ``counter`` belongs to, or start a new one: the rule is ``series.judge``.

        ``counter``: the last number the source has counted, 0 for none yet. The caller accounts for every number
        from ``last_seq + 1`` to ``counter``. Call it when no row waits in the recorder (start-up, or after ``flush``).
        ``restarted``, or an ``echo_seq`` of 0 after parts of this series were acknowledged: the counter began anew.
        """
        station = self._needed_station()
        with self._writing() as connection:
            known = series.newest(connection, station)
            anew = restarted or (
                echo_seq == 0 and known is not None and series.acknowledged(connection, station, known)
            )
            beginning = series.judge(known, counter, restarted=anew)
            if known is not None and beginning is None:
                return known
            if beginning is None:
                raise JournalError(f"journal {self._path}: no series to go on with")
            number = 1 if known is None else known.series + 1
            begun = series.begin(connection, station, number, beginning, to_us(at))
        log.info("journal.series", station=station, series=number, first_seq=begun.first_seq, why=beginning.why)
        return begun

    def _needed_station(self) -> str:
        if not self._station:
            raise ConfigError("this journal was opened without a station: open_journal(path, station=...)")
        return self._station

    # ---- Reader ----------------------------------------------------------------------------------------

    def after(self, journal_seq: int, limit: int = MOST_ROWS) -> Sequence[Entry]:
        """Entries after this number, in order; at most ``limit`` and never over 200. See ``Reader``."""
        first, last = journal_seq + 1, min(journal_seq + min(limit, MOST_ROWS), LAST_NUMBER)
        if first > last:
            return []
        with self._reading() as connection:
            kinds = select(tables.entry).where(tables.entry.c.journal_seq.between(first, last))
            found = {row.journal_seq: row.kind for row in connection.execute(kinds)}
            fetched, rows = _fetch(connection, first, last, set(found.values()))
        events: dict[int, Event] = dict(fetched.inspections())
        events |= {row["journal_seq"]: _NOUNS[found[row["journal_seq"]]](row) for row in rows}
        missing = sorted(set(found) - set(events))
        if missing:
            raise JournalError(
                f"journal {self._path}: entry {missing[0]} has no record: run 'inspector journal verify'"
            )
        return [Entry(journal_seq=number, event=events[number]) for number in sorted(found)]

    def head(self) -> int:
        """The last journal_seq written. See ``Reader``."""
        with self._reading() as connection:
            return connection.scalar(select(func.max(tables.entry.c.journal_seq))) or 0

    def counts(self) -> Mapping[str, int]:
        """Inspections by outcome name, "inspections" and "open"; all stations unless one was named. See ``Reader``."""
        tally, part = tables.tally.c, tables.part.c
        by_outcome = select(tally.outcome, func.sum(tally.parts)).group_by(tally.outcome)
        opened = select(func.count()).select_from(tables.part).where(part.closed_us.is_(None))
        if self._station:
            by_outcome = by_outcome.where(tally.station == self._station)
            opened = opened.where(part.station == self._station)
        with self._reading() as connection:
            found = {Outcome(outcome).name: int(parts) for outcome, parts in connection.execute(by_outcome)}
            waiting = connection.scalar(opened) or 0
        counted = {outcome.name: found.get(outcome.name, 0) for outcome in Outcome}
        return counted | {"inspections": sum(counted.values()), "open": waiting}

    def audit_head(self) -> AuditHead:
        """The last row of the audit chain; number 0 for an empty one."""
        with self._reading() as connection:
            return head_of(connection)

    def book_head(self) -> AuditHead:
        """Number and seal of the last entry; number 0 for an empty book."""
        with self._reading() as connection:
            return sealed_head(connection)

    # ---- Cursors ---------------------------------------------------------------------------------------

    def cursor(self, sink: str) -> int:
        """The last journal_seq this sink has for good. See ``Cursors``."""
        with self._reading() as connection:
            known = tables.sink_cursor.c
            return connection.scalar(select(known.journal_seq).where(known.sink == sink)) or 0

    def advance(self, sink: str, journal_seq: int) -> None:
        """Move the cursor forward; a smaller number changes nothing. See ``Cursors``."""
        moved_us = to_us(datetime.now(UTC))
        statement = insert(tables.sink_cursor).values(sink=sink, journal_seq=journal_seq, moved_us=moved_us)
        new = statement.excluded
        with self._writing() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["sink"],
                    set_={"journal_seq": new.journal_seq, "moved_us": new.moved_us},
                    where=new.journal_seq > tables.sink_cursor.c.journal_seq,
                )
            )

    def quarantine(self, sink: str, journal_seq: int, reason: str) -> None:
        """Set one entry aside; the first reason stands. See ``Cursors``."""
        row = {
            "sink": sink,
            "journal_seq": journal_seq,
            "reason": text_of(reason),
            "at_us": to_us(datetime.now(UTC)),
        }
        with self._writing() as connection:
            connection.execute(insert(tables.quarantine).on_conflict_do_nothing(), row)

    def quarantined(self, sink: str) -> Mapping[int, str]:
        """The newest 200 entries that this sink refused for good: reason by journal_seq."""
        aside = tables.quarantine.c
        query = (
            select(aside.journal_seq, aside.reason)
            .where(aside.sink == sink)
            .order_by(aside.journal_seq.desc())
            .limit(MOST_ROWS)
        )
        with self._reading() as connection:
            return {row.journal_seq: row.reason for row in connection.execute(query)}


_TABLES = {"disposal": tables.disposal, "review": tables.review, "alarm": tables.alarm_event}
_NOUNS: Mapping[str, Callable[[RowMapping], Event]] = {
    "disposal": nouns.disposal,
    "review": nouns.review,
    "alarm": nouns.alarm,
}


def _fetch(
    connection: Connection, first: int, last: int, kinds: set[str]
) -> tuple[nouns.Fetched, Sequence[RowMapping]]:
    """The rows of the events with these numbers, of the kinds that occur: a few queries, however many rows."""
    within = tables.inspection.c.journal_seq.between(first, last)
    fetched = nouns.fetch(connection, within, newest_first=False, limit=MOST_ROWS)
    rows: list[RowMapping] = []
    for kind, table in _TABLES.items():
        if kind in kinds:
            query = select(table).where(table.c.journal_seq.between(first, last))
            rows += connection.execute(query).mappings().all()
    return fetched, rows
