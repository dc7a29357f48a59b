"""Follower, sink, broker and subscriber together: what the plant is promised."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from inspector.adapters.sink_mqtt import MqttSettings, open_mqtt
from inspector.adapters.sink_mqtt.listen import Listener
from inspector.domain.errors import DeliveryError
from inspector.domain.frame import PartId
from inspector.domain.inspection import AlarmEvent, Disposal
from inspector.pipeline.follow import Follower, replay, run_all
from inspector.ports.journal import Entry
from inspector.ports.plugin import Context

pytestmark = pytest.mark.peer("mosquitto")


class Book:
    """A journal in memory that grows while it is followed: every third record is a disposal."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.place = 0
        self.aside: list[int] = []

    def grow(self, count: int) -> None:
        for _ in range(count):
            number, now = len(self.entries) + 1, datetime.now(UTC)
            event: Disposal | AlarmEvent = AlarmEvent(code="E1", station="left", action="raised", text="", at_utc=now)
            if number % 3 == 0:
                part = PartId(part_seq=number)
                event = Disposal(part=part, station="left", commanded="reject", confirmed=None, bin="", at_utc=now)
            self.entries.append(Entry(journal_seq=number, event=event))

    def head(self) -> int:
        return len(self.entries)

    def counts(self) -> dict[str, int]:
        return {}

    def after(self, journal_seq: int, limit: int = 200) -> Sequence[Entry]:
        return self.entries[journal_seq : journal_seq + limit]

    def cursor(self, sink: str) -> int:
        return self.place

    def advance(self, sink: str, journal_seq: int) -> None:
        self.place = journal_seq

    def quarantine(self, sink: str, journal_seq: int, reason: str) -> None:
        self.aside.append(journal_seq)


@contextmanager
def following(book: Book, settings: MqttSettings, context: Context) -> Iterator[Follower]:
    stop, codes = threading.Event(), []
    with open_mqtt(settings, context) as sink:
        follower = Follower(book, book, sink, name="mqtt")
        thread = threading.Thread(target=lambda: codes.append(run_all([follower], stop)))
        thread.start()
        try:
            yield follower
        finally:
            stop.set()
            thread.join(20)
    assert codes == [0]


def drain(listener: Listener, quiet_s: float = 1.0) -> Any:
    heard_at = time.monotonic()
    while time.monotonic() - heard_at < quiet_s:
        try:
            if listener.hear(0.1) is not None:
                heard_at = time.monotonic()
        except DeliveryError:
            threading.Event().wait(0.1)
    return listener.tally()


def test_a_broker_hung_and_killed_in_mid_run_gets_every_record_and_the_subscriber_proves_it(
    mosquitto: Any, context: Context, house: Any
) -> None:
    broker, book = mosquitto().durable().start(), Book()
    with (
        Listener(house.settings(broker), topic_root=house.root, durable_as="mes", since=1) as listener,
        following(book, house.settings(broker), context) as follower,
    ):
        listener.hear(0.3)
        book.grow(60)
        house.wait_for(lambda: book.place == 60, what="the first records")
        broker.pause()
        book.grow(300)
        house.wait_for(lambda: follower.trouble, what="the hung broker is noticed")
        assert book.place < 360, "no cursor moves without a PUBACK"
        broker.resume()
        house.wait_for(lambda: book.place == 360, what="the backlog")
        book.grow(400)
        broker.kill()
        book.grow(400)
        broker.start()
        house.wait_for(lambda: book.place == 1160, what="0 left behind", within_s=30)
        assert follower.lag == 0
        gaps = drain(listener).gaps
        with open_mqtt(house.settings(broker), context) as again:
            for first, last in gaps:
                replay(book, again, first, last)
        tally = drain(listener)
    assert (tally.received, tally.gaps, tally.conflicts, tally.last) == (1160, (), 0, 1160)
    assert book.aside == []
    print(f"gaps after the kill, refilled: {gaps}; duplicates: {tally.duplicates}")


def test_a_topic_that_the_broker_refuses_fills_the_quarantine_while_the_others_continue(
    mosquitto: Any, context: Context, house: Any
) -> None:
    broker, book = mosquitto(), Book()
    (broker.folder / "acl").write_text(f"topic readwrite {house.root}/#\ntopic deny {house.root}/disposal\n")
    broker.lines.append(f"acl_file {broker.folder / 'acl'}")
    broker.start()
    book.grow(30)
    with Listener(house.settings(broker), topic_root=house.root) as listener:
        listener.hear(0.3)
        with following(book, house.settings(broker), context):
            house.wait_for(lambda: book.place == 30, what="the others continue")
            drain(listener)
    assert book.aside == list(range(3, 31, 3))
    assert listener.tally().received == 20


def test_a_long_backlog_is_drained_in_order(mosquitto: Any, context: Context, house: Any) -> None:
    broker, book = mosquitto("max_queued_messages 0").start(), Book()
    book.grow(7200)  # one hour at two parts a second
    order = []
    with Listener(house.settings(broker), topic_root=house.root) as listener:
        listener.hear(0.3)
        began = time.monotonic()
        with following(book, house.settings(broker, keepalive_s=5), context):
            while len(order) < 7200 and (heard := listener.hear(10.0)) is not None:
                order.append(heard[1]["journalSeq"])
            took = time.monotonic() - began
    assert order == list(range(1, 7201))
    print(f"drained 7200 records in {took:.2f} s: {7200 / took:.0f} a second")
