"""Commits a group of rows in one transaction, exactly once; a row that can never be written holds up no other."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from inspector.adapters.journal_sql import tables
from inspector.adapters.journal_sql.engine import is_row_trouble, plain, writing
from inspector.adapters.journal_sql.page import Page
from inspector.domain.inspection import AlarmEvent, Disposal, Inspection, OpenedPart
from inspector.domain.request import Answer

log = structlog.get_logger(__name__)

Row = OpenedPart | Inspection | Disposal | AlarmEvent | Answer

_ROW_ERRORS = (SQLAlchemyError, TypeError, ValueError, OverflowError)


def write_group(engine: Engine, station: str, group: Sequence[Row], number: int) -> None:
    """Write the rows and commit. ``number`` names the group: after an error it may be written again as it is.

    A commit may report an error and yet have reached the disk, so the group's number stands in the same
    transaction (table ``pen``): a group that is already there is not written twice. A row that the book refuses
    for good (a part closed twice, an overflow) is replaced by an alarm event "journal.refused".

    Raises:
        SQLAlchemyError: the disk or another process; try again later.
    """
    try:
        with writing(engine).begin() as connection:
            if _begin(connection, station, number):
                page = Page(connection)
                for row in group:
                    page.write(row)
    except _ROW_ERRORS as error:
        if not is_row_trouble(error):
            raise
        _write_one_by_one(engine, station, group, number)


def _write_one_by_one(engine: Engine, station: str, group: Sequence[Row], number: int) -> None:
    with writing(engine).begin() as connection:
        if _begin(connection, station, number):
            for row in group:
                _write_or_refuse(connection, station, row)


def _write_or_refuse(connection: Connection, station: str, row: Row) -> None:
    try:
        with connection.begin_nested():
            Page(connection).write(row)
    except _ROW_ERRORS as error:
        if not is_row_trouble(error):
            raise
        refusal = _refusal(station, row, plain(error))
        log.error("journal.refused", **refusal.details)  # noqa: TRY400 - a bug elsewhere; the row names it, not our stack
        Page(connection).write(refusal)


def _refusal(station: str, row: Row, reason: str) -> AlarmEvent:
    details = {"what": type(row).__name__, "reason": reason}
    if isinstance(row, Answer):
        details |= {"request": str(row.request)}
    elif not isinstance(row, AlarmEvent):
        details |= {"series": str(row.part.series), "part_seq": str(row.part.part_seq)}
    return AlarmEvent(
        code="journal.refused",
        station=station,
        action="raised",
        text=f"the book refused a row for good: {reason}",
        at_utc=datetime.now(UTC),
        details=details,
    )


def _begin(connection: Connection, station: str, number: int) -> bool:
    """Name the group in its own transaction; False if it is in the book already."""
    last_group = select(tables.pen.c.last_group).where(tables.pen.c.station == station)
    if connection.scalar(last_group) == number:
        return False
    statement = insert(tables.pen).values(station=station, last_group=number)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["station"], set_={"last_group": statement.excluded.last_group})
    )
    return True
