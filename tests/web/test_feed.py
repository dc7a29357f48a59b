"""What all browsers are told from: parts as they come, figures once a second whatever the queue costs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from inspector.ports.journal import Entry
from inspector.ports.liveness import Life, Liveness
from inspector.web import feed as feeds
from inspector.web.feed import Feed
from tests.adapters.journal_sql.records import inspection


@dataclass
class Book:
    """A book of so many parts, which counts how often its queue was counted."""

    parts: int = 0
    counted: int = 0
    clock: list[float] = field(default_factory=lambda: [100.0])

    def head(self) -> int:
        return self.parts

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
    live = Liveness(life=Life.ALIVE, reason="", status={})
    shifts = SimpleNamespace(at=lambda _now: SimpleNamespace(span=None))
    return SimpleNamespace(
        line=SimpleNamespace(look=lambda: live),
        follower=SimpleNamespace(look=lambda: live),
        book=book,
        queue=book,
        figures=book,
        site=SimpleNamespace(shifts=shifts),
        now=lambda: datetime.now(UTC),
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
