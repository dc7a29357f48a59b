"""Alarms as people see them, read from the alarm events of the book."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.engine import RowMapping

from inspector.adapters.journal_sql import nouns, tables
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.lines import MOST_ROWS, cursor, following
from inspector.adapters.journal_sql.page import Page as JournalPage
from inspector.domain.inspection import AlarmEvent
from inspector.ports.alarms import AlarmLine, StandingAlarm
from inspector.ports.history import Page

_LIST = "alarms"
_TURNS = ("raised", "cleared")
_SAYINGS = frozenset({"acknowledged", "shelved", "unshelved"})


class SqlAlarms:
    """Fulfils ``AlarmDesk``."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def standing(self) -> Sequence[StandingAlarm]:
        """Every alarm that stands, the newest first. See ``AlarmDesk``."""
        return sorted(
            (alarm for code in codes(self._file.reading) if (alarm := self._standing(code)) is not None),
            key=lambda alarm: alarm.raised_utc,
            reverse=True,
        )

    def alarms(self, *, code: str = "", after: str = "", limit: int = 50) -> Page[AlarmLine]:
        """The alarm journal, newest first. See ``AlarmDesk``."""
        before, limit = cursor(after, _LIST), min(limit, MOST_ROWS)
        known = tables.alarm_event
        query = select(known).order_by(known.c.journal_seq.desc()).limit(limit + 1)
        if self._file.station:
            query = query.where(known.c.station == self._file.station)
        if code:
            query = query.where(known.c.code == code)
        if before:
            query = query.where(known.c.journal_seq < before[0])
        with self._file.reading() as connection:
            rows = connection.execute(query).mappings().all()
        found = [AlarmLine(journal_seq=row["journal_seq"], event=nouns.alarm(row)) for row in rows[:limit]]
        return Page(items=tuple(found), following=following(_LIST, found[-1].journal_seq) if len(rows) > limit else "")

    def say(self, event: AlarmEvent) -> int:
        """Write what a person says of an alarm. See ``AlarmDesk``."""
        if event.action not in _SAYINGS:
            raise ValueError(f"action = {event.action!r}: people say {', '.join(sorted(_SAYINGS))}; the line the rest")
        with self._file.writing() as connection:
            said = self._acknowledged(connection, event) if event.action == "acknowledged" else None
            if said is not None:
                return said
            return JournalPage(connection).write(event)

    def _standing(self, code: str) -> StandingAlarm | None:
        """How an alarm stands: its newest raising, and the last word of people since then, however much they said."""
        with self._file.reading() as connection:
            begun = self._last(connection, code, _TURNS)
            if begun is None or begun["action"] == "cleared":
                return None
            since = int(begun["journal_seq"])
            known = self._last(connection, code, ("acknowledged",), since=since)
            shelf = self._last(connection, code, ("shelved", "unshelved"), since=since)
        raised = nouns.alarm(begun)
        set_aside = shelf is not None and shelf["action"] == "shelved"
        return StandingAlarm(
            station=raised.station,
            code=code,
            text=raised.text,
            raised_utc=raised.at_utc,
            details=raised.details,
            acknowledged_by=nouns.alarm(known).details.get("by", "") if known is not None else "",
            shelved_until=_moment(nouns.alarm(shelf).details.get("until", "")) if shelf and set_aside else None,
        )

    def _acknowledged(self, connection: Connection, event: AlarmEvent) -> int | None:
        """The number of what this person has said already of this raising; None for the first time."""
        begun = self._last(connection, event.code, _TURNS)
        query = self._events(event.code, ("acknowledged",), since=int(begun["journal_seq"]) if begun else 0)
        by = func.json_extract(tables.alarm_event.c.details, "$.by")
        said = connection.execute(query.where(by == event.details.get("by", ""))).mappings().first()
        return None if said is None else int(said["journal_seq"])

    def _last(self, connection: Connection, code: str, actions: Sequence[str], *, since: int = 0) -> RowMapping | None:
        return connection.execute(self._events(code, actions, since=since)).mappings().first()

    def _events(self, code: str, actions: Sequence[str], *, since: int) -> Select[Any]:
        """The newest event of an alarm that is one of these actions, after ``since``."""
        known = tables.alarm_event
        query = select(known).where(known.c.code == code, known.c.action.in_(actions), known.c.journal_seq > since)
        if self._file.station:
            query = query.where(known.c.station == self._file.station)
        return query.order_by(known.c.journal_seq.desc()).limit(1)


def codes(reading: Callable[[], AbstractContextManager[Connection]]) -> list[str]:
    """Every code that was ever raised: one seek each in the index by code."""
    code = tables.alarm_event.c.code
    found: list[str] = []
    with reading() as connection:
        while True:
            query = select(code).order_by(code).limit(1)
            name = connection.scalar(query.where(code > found[-1]) if found else query)
            if name is None:
                return found
            found.append(name)


def left_standing(reading: Callable[[], AbstractContextManager[Connection]], station: str) -> dict[str, str]:
    """Code and text of a station's alarms whose last turn was to be raised."""
    known = tables.alarm_event.c
    turns = (
        select(known.action, known.text)
        .where(known.station == station, known.action.in_(_TURNS))
        .order_by(known.journal_seq.desc())
        .limit(1)
    )
    left: dict[str, str] = {}
    for code in codes(reading):
        with reading() as connection:
            turn = connection.execute(turns.where(known.code == code)).one_or_none()
        if turn is not None and turn.action == "raised":
            left[code] = turn.text
    return left


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
