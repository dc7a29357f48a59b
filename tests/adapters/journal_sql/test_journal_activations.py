"""What was asked to be activated stands in the book with its answer and its rows in the audit chain."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inspector.adapters.journal_sql import PeoplesBook, in_force, open_for_people, open_recorder, verify
from inspector.adapters.journal_sql.in_force import SINCE
from inspector.adapters.journal_sql.schema import version
from inspector.domain.activation import Wish
from inspector.domain.errors import ReviewError
from inspector.domain.request import Answer, RequestState
from tests.adapters.journal_sql.records import NOW, STATION, ask, older_book

WISH = Wish(slot="critical", name="critical", sha256="b" * 64, before="a" * 64, reason="burr, new tool Ü")


@pytest.fixture
def book(path: Path) -> Iterator[PeoplesBook]:
    with open_for_people(path, station=STATION) as people:
        yield people


def give(path: Path, request: int, state: RequestState, text: str = "") -> None:
    at = NOW + timedelta(seconds=1)
    with open_recorder(path, station=STATION) as pen:
        pen.note(Answer(request=request, station=STATION, state=state, text=text, at_utc=at))
        assert pen.flush(10)


def actions(book: PeoplesBook) -> list[tuple[str, str, str]]:
    rows = reversed(book.audit.audit(action="recipe").items)
    return [(row.who, row.action, row.subject[:1]) for row in rows]


def test_a_wish_stands_in_the_chain_before_anybody_acts_by_it(path: Path, book: PeoplesBook) -> None:
    number = book.activations.ask(WISH, by="enzo", at_utc=NOW)
    (entry,) = book.audit.audit().items
    assert (entry.who, entry.action, entry.subject) == ("enzo", "recipe.activation_asked", WISH.sha256)
    assert dict(entry.content) == {
        "slot": "critical",
        "name": "critical",
        "before": WISH.before,
        "reason": WISH.reason,
        "request": number,
    }
    (asked,) = book.activations.activations()
    assert (asked.wish, asked.who, asked.asked_utc, asked.state) == (WISH, "enzo", NOW, None)
    assert book.activations.in_force() == {}
    give(path, number, RequestState.DONE, "it is in use")
    (done,) = book.activations.activations()
    assert (done.state, done.text, done.answered_utc) == (
        RequestState.DONE,
        "it is in use",
        NOW + timedelta(seconds=1),
    )
    assert book.activations.in_force() == {"critical": done}
    assert actions(book)[1] == ("enzo", "recipe.activated", "b")
    assert verify(path).findings == []


def test_only_what_the_line_took_is_in_force_each_slot_for_itself(path: Path, book: PeoplesBook) -> None:
    first = book.activations.ask(WISH, by="enzo", at_utc=NOW)
    give(path, first, RequestState.DONE)
    job = book.activations.ask(replace(WISH, slot="job", sha256="d" * 64), by="enzo", at_utc=NOW)
    give(path, job, RequestState.DONE)
    for state in (RequestState.REFUSED, RequestState.ENDED, RequestState.FAILED):
        number = book.activations.ask(replace(WISH, sha256="c" * 64), by="enzo", at_utc=NOW)
        give(path, number, RequestState.RUNNING)
        give(path, number, state, "no")
    assert {slot: one.request for slot, one in book.activations.in_force().items()} == {"critical": first, "job": job}
    assert [one[1] for one in actions(book)[-2:]] == ["recipe.activation_asked", "recipe.not_activated"]
    assert len(book.activations.activations()) == 5
    assert len(book.activations.activations(limit=2)) == 2


def test_one_activation_at_a_time_and_a_double_click_is_one(path: Path, book: PeoplesBook) -> None:
    number = book.activations.ask(WISH, by="enzo", at_utc=NOW)
    assert book.activations.ask(WISH, by="enzo", at_utc=NOW) == number
    with pytest.raises(ReviewError, match="enzo is activating critical bbbbbbbbbbbb at this moment"):
        book.activations.ask(WISH, by="quirin", at_utc=NOW)
    with pytest.raises(ReviewError, match="at this moment"):
        book.activations.ask(replace(WISH, sha256="c" * 64), by="enzo", at_utc=NOW)
    give(path, number, RequestState.DONE)
    assert book.activations.ask(WISH, by="quirin", at_utc=NOW) == number, "it is in use already"
    assert book.activations.ask(replace(WISH, sha256=WISH.before), by="quirin", at_utc=NOW) != number
    assert len(book.audit.audit(action="recipe.activation_asked").items) == 2


def test_other_stations_and_other_requests_are_not_its_business(path: Path, book: PeoplesBook) -> None:
    with open_for_people(path, station="right") as other:
        other.activations.ask(WISH, by="enzo", at_utc=NOW)
        assert len(other.activations.activations()) == 1
    assert book.activations.activations() == []
    assert book.activations.ask(WISH, by="enzo", at_utc=NOW) == 2


@pytest.mark.parametrize("harm", ["answered", "slot"])
def test_an_activation_that_the_chain_does_not_know_is_found(harm: str, path: Path, book: PeoplesBook) -> None:
    number = book.activations.ask(WISH, by="enzo", at_utc=NOW)
    give(path, number, RequestState.DONE if harm == "slot" else RequestState.REFUSED)
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(
            "DROP TRIGGER answer_unchanged; UPDATE answer SET state = 'done';"
            if harm == "answered"
            else "DROP TRIGGER request_unchanged; UPDATE request SET content = json_set(content, '$.slot', 'other');"
        )
    (finding,) = verify(path).findings
    assert finding == f"activation {number} says other than the audit chain: it was changed or slipped in"


def test_a_book_of_before_is_not_asked(path: Path, tmp_path: Path) -> None:
    assert in_force(tmp_path / "none", station=STATION) == {}
    older_book(path, "0002")
    assert in_force(path, station=STATION) == {}
    assert version(path) == "0002", "to ask changes nothing"
    with open_for_people(path, station=STATION) as book:
        assert book.activations.in_force() == {}
    assert ask(path, "SELECT count(*) FROM request") == [(0,)]


def test_a_book_that_is_not_brought_up_to_date_yet_does_not_forget_what_was_activated(path: Path) -> None:
    with open_for_people(path, station=STATION) as book:
        sha256 = book.shelf.propose("recipe", "critical", "text", by="enzo", at_utc=NOW)
        number = book.activations.ask(replace(WISH, sha256=sha256), by="enzo", at_utc=NOW)
    give(path, number, RequestState.DONE)
    with closing(sqlite3.connect(path)) as raw:  # as a program of that version left it
        indexes = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE name LIKE 'waiting_%_recipe'")]
        raw.executescript("".join(f"DROP INDEX {name};" for name in indexes))
        raw.execute("UPDATE alembic_version SET version_num = ?", (SINCE,))
        raw.commit()
    activation, revision = in_force(path, station=STATION)["critical"]
    assert (activation.request, version(path)) == (number, SINCE)
    assert revision is not None
    assert revision.content == "text"
