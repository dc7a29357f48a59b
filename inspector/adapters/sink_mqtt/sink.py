"""Delivers records to an MQTT broker: in order, each until its PUBACK, and announces the station's state.

    batch ──▶ window (≤ own, ≤ broker's ReceiveMaximum) ──▶ broker
    done  ◀── contiguous PUBACKs ◀───────────────────────────┘
Nothing is published while there is no connection, so nothing waits in anyone's memory but the journal.
"""

import json
import secrets
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from inspector.adapters.sink_mqtt.connection import (
    FAILURE,
    Acked,
    Connection,
    Lost,
    Testament,
    VersionRefusedError,
    connect,
)
from inspector.adapters.sink_mqtt.settings import MqttSettings
from inspector.domain.errors import DeliveryError
from inspector.ports.sink import Announcement, Publication

log = structlog.get_logger(__name__)

STATE = "state"
VERSIONS = {"auto": (True, False), "5": (True,), "3.1.1": (False,)}
"""Settings' protocol: whether to try MQTT 5, in this order."""
BUSY = frozenset({0x91, 0x97})
"""Packet identifier in use, quota exceeded: the broker is in trouble, the record is not."""
UNWANTED = frozenset({0x81, 0x90, 0x95, 0x99, 0x9A, 0x9B})
"""Reasons to end a connection that blame the message: malformed, topic, too large, payload, retain, QoS."""
OVERHEAD = 512
"""Bytes that a PUBLISH may need beside topic and payload."""


class MqttSink:
    """One broker. Called by one thread; a hung broker holds a call for at most twice the keepalive plus 1 s."""

    def __init__(
        self, settings: MqttSettings, *, station: str, root: str, password: str | None, tls: ssl.SSLContext | None
    ) -> None:
        self._settings = settings
        self._station = station
        self._root = root
        self._password = password
        self._tls = tls
        self._fell_back = False
        self._connection: Connection | None = None
        self._next_try = 0.0
        self._retry_s = settings.retry_min_s
        self._trouble = "not connected yet"
        self._retained: dict[str, Mapping[str, Any] | None] = {}
        self._unsaid: dict[str, None] = {}  # topics in the order they are to be said; a dict as an ordered set
        self._saying: dict[int, str] = {}
        self._flying: dict[int, int] = {}
        self._ahead: set[int] = set()
        self._refused: dict[int, str] = {}
        self._one_by_one = False

    def deliver(self, batch: Sequence[Publication], done: Callable[[int], None]) -> None:
        """Deliver in order. An empty batch asks whether the broker is there, and says what is unsaid."""
        connection = self._connected()
        self._refused.clear()
        try:
            self._hear(connection, 0.0)
            self._say(connection)
            self._deliver(connection, batch, done)
        except DeliveryError as error:
            if not error.refused:
                self._drop(str(error))
            raise

    def announce(self, announcement: Announcement) -> None:
        """Keep the latest of each topic; say it with the next delivery, and again at every new connection."""
        if announcement.topic == STATE and STATE not in self._retained and self._connection is not None:
            self._drop("the Last Will is laid down at connect: connecting again", at_once=True)
        self._retained[announcement.topic] = announcement.payload
        self._unsaid[announcement.topic] = None

    def farewell(self) -> None:
        """Tell that the station's publisher stopped on purpose, and leave without a Last Will."""
        connection = self._connection
        if connection is None:
            return
        try:
            if STATE in self._retained:
                self.announce(Announcement(topic=STATE, payload=self._state("stopped", "the publisher was stopped")))
                self._say(connection)
                deadline = time.monotonic() + 1.0
                while (self._saying or self._unsaid) and time.monotonic() < deadline:
                    self._hear(connection, 0.1)
                    self._say(connection)
        except DeliveryError as error:
            log.warning("mqtt.farewell_unheard", broker=self._settings.address, reason=str(error))
        connection.close(farewell=True)
        self._connection = None

    def abandon(self) -> None:
        """Leave without a word: the Last Will speaks."""
        if self._connection is not None:
            self._connection.close(farewell=False)
            self._connection = None

    # -- the way of a record -----------------------------------------------------------------------------------

    def _deliver(self, connection: Connection, batch: Sequence[Publication], done: Callable[[int], None]) -> None:
        flying = set(self._flying.values())
        unsent = deque(p for p in batch if p.journal_seq not in self._ahead and p.journal_seq not in flying)
        waiting = deque(p.journal_seq for p in batch)
        heard_at = time.monotonic()
        while waiting:
            while unsent and self._room(connection) and not self._stands_behind_a_refusal(unsent[0]):
                self._send(connection, unsent.popleft())
            while waiting and waiting[0] in self._ahead:
                self._ahead.remove(waiting[0])
                done(waiting.popleft())
            if not waiting:
                return
            if waiting[0] in self._refused:
                raise DeliveryError(self._refused[waiting[0]], refused=True)
            if self._hear(connection, 0.1):
                heard_at = time.monotonic()
                self._say(connection)
            elif time.monotonic() - heard_at > self._patience_s:
                raise DeliveryError(f"no PUBACK for {self._patience_s:g} s; the broker hangs")

    def _send(self, connection: Connection, publication: Publication) -> None:
        topic = f"{self._root}/{publication.kind}"
        payload = _json(publication.payload)
        size = len(topic.encode()) + len(payload) + OVERHEAD
        if connection.largest and size > connection.largest:
            self._refused[publication.journal_seq] = (
                f"journal_seq {publication.journal_seq}: a packet of about {size} bytes; "
                f"the broker takes {connection.largest}"
            )
            return
        mid = connection.publish(topic, payload, schema=publication.schema, retain=False)
        self._flying[mid] = publication.journal_seq

    def _stands_behind_a_refusal(self, publication: Publication) -> bool:
        return bool(self._refused) and publication.journal_seq >= min(self._refused)

    def _room(self, connection: Connection) -> bool:
        window = 1 if self._one_by_one else min(self._settings.window, connection.window)
        return len(self._flying) + len(self._saying) < window

    @property
    def _patience_s(self) -> float:
        return 2.0 * self._settings.keepalive_s + 1.0

    # -- what comes back ---------------------------------------------------------------------------------------

    def _hear(self, connection: Connection, timeout_s: float) -> bool:
        """Take in what the broker said, waiting for the first of it. True if it said anything."""
        heard = False
        while (event := connection.event(0.0 if heard else timeout_s)) is not None:
            heard = True
            if isinstance(event, Acked):
                self._acked(event)
            elif isinstance(event, Lost):
                self._lost(event)
        return heard

    def _acked(self, ack: Acked) -> None:
        topic = self._saying.pop(ack.mid, None)
        if topic is not None:
            if ack.code >= FAILURE:
                log.warning("mqtt.announcement_refused", topic=f"{self._root}/{topic}", reason=ack.reason)
            if topic not in self._unsaid and self._retained.get(topic) is None:
                self._retained.pop(topic, None)
            return
        journal_seq = self._flying.pop(ack.mid, None)
        if journal_seq is None:
            return
        if ack.code in BUSY:
            raise DeliveryError(f"broker {self._settings.address} takes nothing: {ack.reason}")
        if ack.code >= FAILURE:
            self._refused[journal_seq] = f"journal_seq {journal_seq}: the broker refused it: {ack.reason}"
        else:
            self._ahead.add(journal_seq)
            self._one_by_one = False

    def _lost(self, lost: Lost) -> None:
        if lost.code in UNWANTED and self._flying:
            alone = len(self._flying) == 1
            journal_seq = min(self._flying.values())
            self._one_by_one = True  # so that next time it is known which record the broker cannot bear
            if alone:
                self._drop(lost.reason, at_once=True)
                raise DeliveryError(f"journal_seq {journal_seq}: {lost.reason}", refused=True)
        raise DeliveryError(f"broker {self._settings.address}: {lost.reason}")

    # -- the connection ----------------------------------------------------------------------------------------

    def _connected(self) -> Connection:
        if self._connection is not None:
            return self._connection
        if time.monotonic() < self._next_try:
            raise DeliveryError(self._trouble)
        try:
            connection = self._connect()
        except DeliveryError as error:
            self._postpone(str(error))
            raise
        self._connection = connection
        self._retry_s = self._settings.retry_min_s
        first = [STATE] if STATE in self._retained else []
        self._unsaid = dict.fromkeys([*first, *(topic for topic in self._retained if topic != STATE)])
        log.info("mqtt.connected", broker=self._settings.address)
        return connection

    def _connect(self) -> Connection:
        announced = STATE in self._retained
        client_id = self._settings.client_id or f"inspector-{self._station}"
        will = None
        if announced:
            gone = _json(self._state("offline", "the publisher fell silent"))
            will = Testament(topic=f"{self._root}/{STATE}", payload=gone, schema=schema_of(STATE))
        else:  # a replay: it must neither push the follower out nor speak for the station
            client_id += f"-{secrets.token_hex(4)}"
        for modern in VERSIONS[self._settings.protocol]:
            try:
                return connect(
                    self._settings,
                    client_id=client_id,
                    password=self._password,
                    tls=self._tls,
                    modern=modern,
                    will=will,
                )
            except VersionRefusedError:
                if self._settings.protocol != "auto" or not modern:
                    raise
                if not self._fell_back:
                    log.warning("mqtt.fallback", broker=self._settings.address, mqtt="3.1.1", refusals="not seen")
                self._fell_back = True
        raise AssertionError("unreachable: every version returned or raised")

    def _drop(self, reason: str, *, at_once: bool = False) -> None:
        if self._connection is not None:
            self._connection.close(farewell=at_once and not self._flying)
            self._connection = None
        self._flying.clear()
        self._saying.clear()
        if at_once:
            self._next_try = 0.0
        else:
            self._postpone(reason)

    def _postpone(self, reason: str) -> None:
        self._trouble = reason
        self._next_try = time.monotonic() + self._retry_s
        self._retry_s = min(self._retry_s * 2, self._settings.retry_max_s)

    # -- retained states ---------------------------------------------------------------------------------------

    def _say(self, connection: Connection) -> None:
        while self._unsaid and self._room(connection):
            topic = next(iter(self._unsaid))
            del self._unsaid[topic]
            payload = self._retained.get(topic)
            body = b"" if payload is None else _json(payload)
            if connection.largest and len(body) + len(self._root) + OVERHEAD > connection.largest:
                log.warning("mqtt.announcement_too_large", topic=topic, bytes=len(body), limit=connection.largest)
                continue
            mid = connection.publish(f"{self._root}/{topic}", body, schema=schema_of(topic), retain=True)
            self._saying[mid] = topic

    def _state(self, state: str, reason: str) -> dict[str, Any]:
        """The last announced state, with another state and the time from which it was known (for a will: connect)."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {**(self._retained.get(STATE) or {}), "state": state, "reason": reason, "ts": now}


def schema_of(topic: str) -> str:
    """The schema that a retained topic follows: ``alarm/E12`` is an ``inspector.alarm/1``."""
    if topic.startswith("alarm/"):
        return "inspector.alarm/1"
    return "inspector.result/1" if topic == "result/last" else f"inspector.{topic.replace('/', '-')}/1"


def _json(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
