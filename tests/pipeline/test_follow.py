import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inspector.domain.errors import DeliveryError, JournalError
from inspector.domain.inspection import AlarmEvent
from inspector.pipeline.follow import BATCH, TRIES, Follower, replay, run_all
from inspector.ports.journal import Entry
from inspector.ports.sink import Announcement, Publication

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


class Book:
    """A journal and its cursors in memory."""

    def __init__(self, count: int, at: datetime = NOW) -> None:
        self.entries = [
            Entry(
                journal_seq=n,
                event=AlarmEvent(code=f"E{n}", station="left", action="raised", text="t", at_utc=at),
            )
            for n in range(1, count + 1)
        ]
        self.cursors: dict[str, int] = {}
        self.advanced: list[int] = []
        self.aside: list[tuple[str, int, str]] = []
        self.broken = False

    def head(self) -> int:
        return len(self.entries)

    def counts(self) -> dict[str, int]:
        return {}

    def after(self, journal_seq: int, limit: int = 200) -> Sequence[Entry]:
        assert limit <= 200
        return self.entries[journal_seq : journal_seq + limit]

    def cursor(self, sink: str) -> int:
        return self.cursors.get(sink, 0)

    def advance(self, sink: str, journal_seq: int) -> None:
        if self.broken:
            raise JournalError("disk full")
        assert journal_seq > self.cursor(sink), "a cursor never goes back"
        self.cursors[sink] = journal_seq
        self.advanced.append(journal_seq)

    def quarantine(self, sink: str, journal_seq: int, reason: str) -> None:
        self.aside.append((sink, journal_seq, reason))


class Ear:
    """A sink that remembers. ``refuses``: numbers it will never take. ``away``: whether it is there at all."""

    def __init__(self) -> None:
        self.heard: list[Publication] = []
        self.told: list[Announcement] = []
        self.refuses: set[int] = set()
        self.tried: list[int] = []
        self.away = False
        self.breaks_after = -1

    def deliver(self, batch: Sequence[Publication], done: Callable[[int], None]) -> None:
        if self.away:
            raise DeliveryError("nobody there")
        for publication in batch:
            self.tried.append(publication.journal_seq)
            if publication.journal_seq in self.refuses:
                raise DeliveryError(f"will not have {publication.journal_seq}", refused=True)
            if len(self.heard) == self.breaks_after:
                self.breaks_after = -1
                raise DeliveryError("cable pulled")
            self.heard.append(publication)
            done(publication.journal_seq)

    def announce(self, announcement: Announcement) -> None:
        self.told.append(announcement)

    @property
    def numbers(self) -> list[int]:
        return [publication.journal_seq for publication in self.heard]


def follower(book: Book, ear: Any, name: str = "ear", **more: Any) -> Follower:
    return Follower(book, book, ear, name=name, utc=lambda: NOW + timedelta(seconds=1), **more)


def test_records_go_out_in_order_and_in_batches_and_the_cursor_is_moved_once_a_batch() -> None:
    book, ear = Book(450), Ear()
    one = follower(book, ear, clock=lambda: 0.0)
    assert one.lag == 450
    assert [one.step(), one.step(), one.step(), one.step()] == [BATCH, BATCH, 50, 0]
    assert ear.numbers == list(range(1, 451))
    assert book.advanced == [200, 400, 450]
    assert one.lag == 0


def test_a_sink_that_breaks_in_mid_batch_goes_on_with_the_first_record_that_is_not_done() -> None:
    book, ear = Book(30), Ear()
    ear.breaks_after = 12
    one = follower(book, ear)
    assert one.step() == 12
    assert one.trouble == "cable pulled"
    assert book.cursors == {"ear": 12}
    assert one.step() == 18
    assert one.trouble == ""
    assert ear.numbers == list(range(1, 31))


def test_while_the_sink_is_away_the_cursor_stays_and_the_lag_says_how_much_waits() -> None:
    book, ear = Book(5), Ear()
    ear.away = True
    one = follower(book, ear)
    assert [one.step() for _ in range(20)] == [0] * 20
    assert (one.lag, book.cursors, book.aside) == (5, {}, [])
    assert one.trouble == "nobody there"


def test_a_record_refused_five_times_is_set_aside_and_the_others_go_on() -> None:
    book, ear = Book(6), Ear()
    ear.refuses = {3, 4}
    one = follower(book, ear)
    while one.lag:
        one.step()
    assert ear.numbers == [1, 2, 5, 6]
    assert [(sink, seq) for sink, seq, _ in book.aside] == [("ear", 3), ("ear", 4)]
    assert "will not have 3" in book.aside[0][2]
    assert ear.tried.count(3) == ear.tried.count(4) == TRIES
    assert book.cursors == {"ear": 6}


def test_a_follower_that_starts_again_begins_behind_its_cursor_and_each_sink_has_its_own() -> None:
    book, left, right = Book(10), Ear(), Ear()
    book.cursors = {"left": 7}
    follower(book, left, "left").step()
    follower(book, right, "right").step()
    assert left.numbers == [8, 9, 10]
    assert right.numbers == list(range(1, 11))


def test_a_cursor_that_cannot_be_written_does_not_make_the_sink_hear_twice() -> None:
    book, ear = Book(10), Ear()
    book.broken = True
    one = follower(book, ear)
    with pytest.raises(JournalError):
        one.step()
    book.broken = False
    one.step()
    assert ear.numbers == list(range(1, 11))
    assert book.cursors == {"ear": 10}


@pytest.mark.parametrize(("age_s", "historical"), [(10, False), (10.001, True), (3600, True), (-3600, False)])
def test_a_record_published_more_than_ten_seconds_after_its_creation_is_historical(
    age_s: float, historical: bool
) -> None:
    book, ear = Book(1), Ear()
    Follower(book, book, ear, name="ear", utc=lambda: NOW + timedelta(seconds=age_s)).step()
    assert ear.heard[0].payload["isHistorical"] is historical


def test_alarms_are_retained_while_they_stand() -> None:
    book, ear = Book(0), Ear()
    for number, action in enumerate(("raised", "acknowledged", "cleared"), 1):
        event = AlarmEvent(code="E7", station="left", action=action, text="hot", at_utc=NOW)
        book.entries.append(Entry(journal_seq=number, event=event))
    follower(book, ear).step()
    alarms = [one for one in ear.told if one.topic == "alarm/E7"]
    assert [alarm.payload and alarm.payload["acknowledged"] for alarm in alarms] == [False, True, None]
    assert [one.kind for one in ear.heard] == ["alarm/event"] * 3


def test_a_replay_brings_a_range_once_more_as_historical_and_moves_no_cursor() -> None:
    book, ear = Book(500), Ear()
    book.cursors = {"ear": 500}
    ear.refuses = {300}
    ear.breaks_after = 20
    replayed = replay(book, ear, 101, 350, utc=lambda: NOW)
    assert ear.numbers == [n for n in range(101, 351) if n != 300]
    assert all(one.payload["isHistorical"] for one in ear.heard)
    assert (replayed.delivered, [seq for seq, _ in replayed.refused]) == (249, [300])
    assert (book.cursors, book.aside) == ({"ear": 500}, [])


def test_a_replay_beyond_the_end_brings_what_there_is_and_an_absent_sink_is_told() -> None:
    book, ear = Book(3), Ear()
    assert replay(book, ear, 2, 99).delivered == 2
    ear.away = True
    with pytest.raises(DeliveryError, match="nobody there"):
        replay(book, ear, 1, 3, patience_s=0.0)


def test_a_sink_that_hangs_does_not_delay_another() -> None:
    book, ear, released, stop = Book(300), Ear(), threading.Event(), threading.Event()

    class Hung(Ear):
        def deliver(self, batch: Sequence[Publication], done: Callable[[int], None]) -> None:
            released.wait(20)

    def idle() -> None:
        if len(ear.heard) == 300:
            released.set()
            stop.set()

    assert run_all([follower(book, Hung(), "hung"), follower(book, ear)], stop, idle=idle) == 0
    assert ear.numbers == list(range(1, 301))


def test_an_unreadable_journal_is_waited_for() -> None:
    book, ear, stop = Book(3), Ear(), threading.Event()
    read, failures = book.after, iter([JournalError("locked"), JournalError("locked")])

    def after(journal_seq: int, limit: int = 200) -> Sequence[Entry]:
        for failure in failures:
            raise failure
        return read(journal_seq, limit)

    book.after = after  # type: ignore[method-assign]
    one = follower(book, ear)
    one.run(stop, beat=lambda: stop.set() if len(ear.heard) == 3 else None)
    assert (ear.numbers, book.cursors, one.trouble) == ([1, 2, 3], {"ear": 3}, "")
