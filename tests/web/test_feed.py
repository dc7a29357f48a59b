"""What all browsers are told from: parts as they come, figures once a second whatever the queue costs."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from inspector.domain.errors import JournalError
from inspector.ports.journal import Entry
from inspector.ports.liveness import Life, Liveness
from inspector.web import facts
from inspector.web import feed as feeds
from inspector.web.feed import Feed, Now
from inspector.web.screens import live
from inspector.web.words import Words
from tests.adapters.journal_sql.records import inspection
from tests.web.apart import run_apart


@dataclass
class Book:
    """A book of so many parts, which counts how often its queue was counted. ``journal``: what the line says of it."""

    parts: int = 0
    counted: int = 0
    clock: list[float] = field(default_factory=lambda: [100.0])
    wall: datetime = datetime(2026, 11, 24, 5, 59, 30, tzinfo=UTC)
    shift: str = "night"
    trouble: str = ""
    journal: dict[str, object] = field(default_factory=dict)

    def head(self) -> int:
        if self.trouble:
            raise JournalError(self.trouble)
        return self.parts

    def look(self) -> Liveness:
        status = {"state": "ContinuousExecution", "health": {"journal": self.journal}}
        return Liveness(life=Life.ALIVE, reason="", status=status)

    def after(self, first: int) -> list[Entry]:
        return [Entry(journal_seq=n, event=inspection(n)) for n in range(first + 1, self.parts + 1)]

    def counts(self) -> dict[str, int]:
        self.counted += 1
        return {"inspections": self.parts}

    def left(self, _chosen: object) -> int:
        return self.parts

    def count(self, _chosen: object) -> int:
        return self.parts


def station_of(book: Book) -> Any:
    shifts = SimpleNamespace(at=lambda _now: SimpleNamespace(span=book.shift))
    return SimpleNamespace(
        line=book,
        follower=book,
        book=book,
        queue=book,
        figures=book,
        site=SimpleNamespace(shifts=shifts),
        now=lambda: book.wall,
    )


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[[Book], Feed]:
    def made(book: Book) -> Feed:
        monkeypatch.setattr(feeds.time, "monotonic", lambda: book.clock[0])
        return Feed(station_of(book))

    return made


def test_a_queue_is_counted_once_a_second_and_once_more_after_the_last_part(look: Callable[[Book], Feed]) -> None:
    book = Book()
    feed = look(book)
    for _ in range(30):
        book.parts += 1
        feed.now = feed._look()
        assert feed.now.last is not None
        assert feed.now.last.part.part_seq == book.parts, "the part itself is told at once"
        book.clock[0] += 0.1
    assert book.counted <= 4
    book.clock[0] += 1.0
    version = feed.now.version
    feed.now = feed._look()
    assert (feed.now.left, feed.now.figures[0].counted) == (30, 30)
    assert feed.now.version == version + 1, "a screen is told of figures that came later"
    counted = book.counted
    book.clock[0] += 10.0
    feed.now = feed._look()
    assert book.counted == counted, "nothing new, nothing counted"


@pytest.mark.parametrize("passes", ["minute", "shift"])
def test_an_idle_line_is_counted_anew_as_the_minute_or_the_shift_changes(
    passes: str, look: Callable[[Book], Feed]
) -> None:
    book = Book(parts=3)
    feed = look(book)
    feed.now = feed._look()
    book.clock[0] += 20.0
    if passes == "minute":
        book.wall += timedelta(seconds=30)
    else:
        book.shift = "early"
    for _ in range(5):
        feed.now = feed._look()
        book.clock[0] += 1.0
    assert book.counted == 2


def lamp_of(feed: Feed) -> tuple[str, str]:
    state = facts.run_state(feed.now, Words("en", UTC))
    return live.lamp(feed.now, state), state.text


def test_the_lamp_of_a_book_that_cannot_be_read_is_no_verdict(look: Callable[[Book], Feed]) -> None:
    book = Book(parts=3)
    feed = look(book)
    feed.now = feed._look()
    assert lamp_of(feed) == ("pass", "Running")
    book.trouble = "the disk is away"
    version, feed.now = feed.now.version, feed._look()
    assert lamp_of(feed) == ("fault", "Journal unreadable")
    assert feed.now.version > version
    book.trouble = ""
    feed.now = feed._look()
    assert lamp_of(feed) == ("pass", "Running")


@pytest.mark.parametrize("error", ["", "the disk is full"])
def test_the_lamp_goes_out_while_verdicts_wait_for_the_disk(error: str, look: Callable[[Book], Feed]) -> None:
    book = Book(parts=3, journal={"waiting": 2, "error": error})
    feed = look(book)

    def after(seconds: float) -> tuple[str, str]:
        book.clock[0] += seconds
        feed.now = feed._look()
        return lamp_of(feed)

    assert after(0) == after(1.5) == ("pass", "Running")
    version = feed.now.version
    assert after(1.0) == ("fault", "Results not saved")
    assert feed.now.version == version + 1
    assert "journal.waiting" in feed.now.alarms
    book.journal = {"waiting": 0, "error": ""}
    assert after(0.1) == ("pass", "Running")


def test_a_busy_line_of_which_some_rows_always_wait_is_no_fault(look: Callable[[Book], Feed]) -> None:
    book = Book(parts=3, journal={"waiting": 1, "error": ""})
    feed = look(book)
    for _ in range(5):
        book.parts += 1
        book.clock[0] += 1.5
        feed.now = feed._look()
        assert lamp_of(feed) == ("pass", "Running")


class Still:
    """A feed that is asked thrice and then stops; nothing new is ever seen."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.stopping = False
        self._asked = 0

    async def after(self, _version: int, _timeout_s: float) -> Now:
        self._asked += 1
        self.stopping = self._asked == 3
        return self.now


@pytest.mark.parametrize(("age_s", "told"), [(0.5, ["shell", *["beat"] * 3]), (2.1, ["shell"])])
def test_a_feed_that_looks_no_more_is_no_sign_of_life(
    age_s: float, told: list[str], look: Callable[[Book], Feed]
) -> None:
    book = Book(parts=3)
    feed = look(book)
    still = Still(replace(feed._look(), version=7))
    book.clock[0] += age_s
    visit: Any = SimpleNamespace(
        feed=still,
        session=None,
        station=station_of(book),
        words=Words("en", UTC),
        pages=SimpleNamespace(text=lambda *_, **__: ""),
    )

    async def heard() -> list[Any]:
        return [event async for event in live.events(visit)]

    events = run_apart(heard())
    assert [event.event for event in events] == told
    assert all(f'"age_ms": {age_s * 1000:.0f}' in event.raw_data for event in events[1:])
