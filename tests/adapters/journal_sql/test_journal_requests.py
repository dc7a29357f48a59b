"""What is asked of a line stands in the book, and what it answers: never changed, one last answer each."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from inspector.adapters.journal_sql import open_journal, open_recorder, open_requests, tables
from inspector.domain.errors import ConfigError
from inspector.domain.inspection import AlarmEvent
from inspector.domain.request import Answer, RequestState
from tests.adapters.journal_sql.records import NOW, STATION, ask, older_book, opened


def answer(request: int, state: RequestState, text: str = "", **figures: int) -> Answer:
    return Answer(
        request=request, station=STATION, state=state, text=text, at_utc=NOW + timedelta(seconds=1), figures=figures
    )


def test_requests_are_polled_by_number_and_answered_through_the_pen(path: Path) -> None:
    with (
        open_recorder(path, station=STATION) as pen,
        open_requests(path, station=STATION) as line,
        open_requests(path, station=STATION) as desk,
        open_requests(path, station="right") as other,
    ):
        assert line.newest() == 0
        first = desk.ask("collect", {"count": 3, "folder": "/ü"}, asked_by="anna")
        elsewhere = other.ask("collect", {}, asked_by="ben")
        second = desk.ask("withdraw", {"request": first}, asked_by="anna")
        assert first < elsewhere < second == line.newest()
        asked = line.asked(0)
        assert [(one.number, one.kind, one.station, one.asked_by) for one in asked] == [
            (first, "collect", STATION, "anna"),
            (second, "withdraw", STATION, "anna"),
        ]
        assert asked[0].content == {"count": 3, "folder": "/ü"}
        assert [one.number for one in line.asked(first)] == [second]
        pen.note(answer(first, RequestState.RUNNING, "collecting", stored=1))
        pen.note(answer(first, RequestState.DONE, "all there", stored=3))
        assert pen.flush(10)
        (number, running), (_, done) = desk.answers(first)
        assert (running.state, running.figures) == (RequestState.RUNNING, {"stored": 1})
        assert done == answer(first, RequestState.DONE, "all there", stored=3)
        assert [one for _, one in desk.answers(first, number)] == [done]
        assert [one.number for one in line.unanswered()] == [second]


def test_a_second_last_answer_is_refused_and_told_and_holds_up_nothing(path: Path) -> None:
    with open_recorder(path, station=STATION) as pen, open_requests(path, station=STATION) as desk:
        number = desk.ask("collect", {}, asked_by="anna")
        pen.note(answer(number, RequestState.DONE))
        pen.note(answer(number, RequestState.ENDED))
        pen.note(answer(4711, RequestState.DONE))  # nobody asked for this
        pen.open(opened(1))
        assert pen.flush(10)
        assert [one.state for _, one in desk.answers(number)] == [RequestState.DONE]
    with open_journal(path, station=STATION) as journal:
        refused = [entry.event for entry in journal.after(0) if isinstance(entry.event, AlarmEvent)]
        assert [event.details["request"] for event in refused] == [str(number), "4711"]
        assert len(journal.unfinished()) == 1


@pytest.mark.parametrize("table", ["request", "answer"])
def test_neither_is_ever_changed_or_deleted(path: Path, table: str) -> None:
    with open_recorder(path, station=STATION) as pen, open_requests(path, station=STATION) as desk:
        pen.note(answer(desk.ask("collect", {}, asked_by="anna"), RequestState.DONE))
        assert pen.flush(10)
    with closing(sqlite3.connect(path)) as raw:
        for statement in (f"UPDATE {table} SET id = 9", f"DELETE FROM {table}"):
            with pytest.raises(sqlite3.IntegrityError, match="is never"):
                raw.execute(statement)


def test_a_book_of_the_version_before_gets_the_tables_and_keeps_its_parts(path: Path) -> None:
    older_book(path, "0001")
    refused = pytest.raises(ConfigError, match=f"schema 0001, this program reads {tables.HEAD}")
    with refused, open_requests(path, station="x"):
        pass
    with open_journal(path, station=STATION) as journal:
        assert len(journal.unfinished()) == 1
    copy = path.with_name(f"journal.db.before-{tables.HEAD}")
    assert ask(copy, "SELECT count(*) FROM part WHERE closed_us IS NULL") == [(1,)]
    with open_requests(path, station=STATION) as desk:
        assert desk.ask("collect", {}, asked_by="anna") == 1
