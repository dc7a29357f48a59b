"""A plant's subscriber, as an example: it takes every record in and can prove that none is missing.

Completeness is not the broker's PUBACK but the numbers themselves: ``journalSeq`` is contiguous over all records of a
station, so a number that never came is a gap, and a gap is refilled by ``inspector follow --replay FROM TO``.
"""

import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import structlog

from inspector.adapters.sink_mqtt.connection import Connection, Lost, Received, VersionRefusedError, connect
from inspector.adapters.sink_mqtt.settings import MqttSettings
from inspector.domain.errors import DeliveryError
from inspector.domain.numbering import Spans

log = structlog.get_logger(__name__)

RECORDS = ("result", "disposal", "review/verdict", "alarm/event")
DURABLE_S = 86_400
REMEMBERED = 10_000
"""Ids of the newest records that a doubled number is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came so far.

    ``received``: different numbers. ``gaps``: first and last of each missing range. ``conflicts``: numbers that came
    again with another id (another journal publishes under this name). ``strangers``: messages that are no records.
    ``reached``: the broker let us in at least once.
    """

    received: int = 0
    duplicates: int = 0
    conflicts: int = 0
    strangers: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    first: int = 0
    last: int = 0
    reached: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing is missing between the first and the last number. Nothing received is nothing missing."""
        return not self.gaps and not self.conflicts


class Book:
    """The numbers that came, and which were missing between them."""

    def __init__(self, *, since: int | None = None) -> None:
        self._spans = Spans()
        self._since = since
        self._received = self._duplicates = self._conflicts = self._strangers = 0
        self._ids: OrderedDict[int, str] = OrderedDict()

    def take(self, record: object) -> int:
        """Enter one record; give its number, 0 for something that is none."""
        journal_seq = record.get("journalSeq") if isinstance(record, Mapping) else None
        if not isinstance(record, Mapping) or not isinstance(journal_seq, int) or journal_seq < 1:
            self._strangers += 1
            return 0
        identity = str(record.get("resultId", ""))
        if not self._spans.add(journal_seq):
            self._duplicates += 1
            self._conflicts += self._ids.get(journal_seq, identity) != identity
            return journal_seq
        self._received += 1
        self._ids[journal_seq] = identity
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)
        return journal_seq

    def tally(self) -> Tally:
        """The state of the book."""
        first, last, gaps = self._spans.first, self._spans.last, list(self._spans.gaps())
        if self._since is not None and first is not None and first > self._since:
            gaps.insert(0, (self._since, first - 1))
        return Tally(
            received=self._received,
            duplicates=self._duplicates,
            conflicts=self._conflicts,
            strangers=self._strangers,
            gaps=tuple(gaps),
            first=first or 0,
            last=last or 0,
        )


class Listener:
    """Subscribes to one station's records and keeps the book. One thread calls it.

    ``durable_as``: the client id under which the broker keeps what we miss, for a day; "": a clean start under a name
    made up. The publisher's own ``settings.client_id`` is never used: two clients with one name push each other out.
    ``since``: the number from which on the book must be complete; None: from the first that comes.
    """

    def __init__(
        self, settings: MqttSettings, *, topic_root: str, durable_as: str = "", since: int | None = None
    ) -> None:
        self._settings = settings
        self._topics = [f"{topic_root}/{record}" for record in RECORDS]
        self._session_s = DURABLE_S if durable_as else 0
        self._client_id = durable_as or f"inspector-listen-{secrets.token_hex(4)}"
        self._password = settings.password()
        self._tls = settings.tls_context()
        self._connection: Connection | None = None
        self._book = Book(since=since)
        self._reached = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the broker; a durable listener is remembered there."""
        if self._connection is not None:
            self._connection.close(farewell=True)
            self._connection = None

    def tally(self) -> Tally:
        """What came so far."""
        return replace(self._book.tally(), reached=self._reached)

    def hear(self, timeout_s: float) -> tuple[str, Mapping[str, Any]] | None:
        """The next record with its topic, entered in the book; None if none came in time.

        Raises:
            DeliveryError: the broker is away, or was lost; call again, it connects anew.
        """
        if self._connection is None:
            self._connection = self._connect()
        deadline = time.monotonic() + timeout_s
        while True:
            event = self._connection.event(max(0.0, deadline - time.monotonic()))
            if event is None:
                return None
            if isinstance(event, Lost):
                self._connection.close(farewell=False)
                self._connection = None
                raise DeliveryError(f"broker {self._settings.address}: {event.reason}")
            if isinstance(event, Received):
                record = _parse(event.payload)
                journal_seq = self._book.take(record)
                self._connection.ack(event.mid)  # only now: what is not in the book is sent again
                if journal_seq and isinstance(record, dict):
                    return event.topic, record

    def _connect(self) -> Connection:
        versions = {"auto": (True, False), "5": (True,), "3.1.1": (False,)}[self._settings.protocol]
        for modern in versions:
            try:
                connection = connect(
                    self._settings,
                    client_id=self._client_id,
                    password=self._password,
                    tls=self._tls,
                    modern=modern,
                    session_s=self._session_s,
                )
            except VersionRefusedError:
                if modern is versions[-1]:
                    raise
                continue
            connection.subscribe(self._topics)
            self._reached = True
            log.info("listen.connected", broker=self._settings.address)
            return connection
        raise AssertionError("unreachable: every version returned or raised")


def listen(
    settings: MqttSettings,
    *,
    topic_root: str,
    until: Callable[[Tally], bool] = lambda _: False,
    stop: threading.Event | None = None,
    on_message: Callable[[str, Mapping[str, Any]], None] | None = None,
    durable_as: str = "",
    since: int | None = None,
) -> Tally:
    """Listen until ``until`` says so of the tally, or ``stop`` is set. Connects again whenever the broker was away."""
    stop = stop or threading.Event()
    with Listener(settings, topic_root=topic_root, durable_as=durable_as, since=since) as listener:
        away = False
        while not stop.is_set() and not until(listener.tally()):
            try:
                heard = listener.hear(0.2)
            except DeliveryError as error:
                if not away:
                    log.warning("listen.away", reason=str(error))
                away = True
                stop.wait(settings.retry_min_s)
                continue
            away = False
            if heard is not None and on_message is not None:
                on_message(*heard)
        return listener.tally()


def _parse(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except ValueError:
        return None
