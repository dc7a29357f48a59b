"""Tells a sink what is retained: the station's state, its figures, the latest result, the standing alarms."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import structlog

from inspector.domain.chain import AuditHead
from inspector.domain.inspection import AlarmEvent, Inspection
from inspector.pipeline.liveness import StatusWatch
from inspector.pipeline.payloads import (
    AlarmRecord,
    AuditHeadRecord,
    BookHeadRecord,
    HealthRecord,
    InfoRecord,
    StateRecord,
    StatusRecord,
)
from inspector.pipeline.records import SCHEMAS, utc_text
from inspector.ports.journal import Entry
from inspector.ports.liveness import Life, Liveness
from inspector.ports.sink import Announcement, Publication, Sink

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.25
FIGURES_EVERY_S = 1.0
HEALTH_EVERY_S = 10.0
STATE_OF: Mapping[Life, Literal["online", "stopped", "offline"]] = {
    Life.ALIVE: "online",
    Life.STOPPED: "stopped",
    Life.DEAD: "offline",
}


class Herald:
    """Speaks for one station to one sink. Called by the follower's thread.

    ``lag`` is asked for with every health record, ``audit`` for the audit chain's head, which is told as it grows, and
    ``book`` for the book's, which is told every 10 s.
    States are told when they change; the sink repeats them at every connect.
    """

    def __init__(
        self,
        *,
        station: str,
        software: str,
        watch: StatusWatch,
        capabilities: Sequence[str] = (),
        audit: Callable[[], AuditHead] | None = None,
        book: Callable[[], AuditHead] | None = None,
        clock: Callable[[], float] = time.monotonic,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._station = station
        self._software = software
        self._watch = watch
        self._capabilities = tuple(capabilities)
        self._audit = audit
        self._head = AuditHead(number=0, sha256="")
        self._book = book
        self._book_at = 0.0
        self._clock = clock
        self._utc = utc
        self._look_at = 0.0
        self._figures_at = 0.0
        self._health_at = 0.0
        self._state: tuple[object, ...] = ()
        self._told: dict[str, Any] = {}

    def tell(self, sink: Sink, lag: Callable[[], int]) -> bool:
        """Announce what changed. False while it is not yet known whether the line lives."""
        now = self._clock()
        if now < self._look_at:
            return bool(self._state)
        self._look_at = now + LOOK_EVERY_S
        seen = self._watch.look()
        if seen.life is Life.UNKNOWN:
            return bool(self._state)
        self._tell_state(sink, seen)
        if now >= self._figures_at:
            self._figures_at = now + FIGURES_EVERY_S
            self._tell_figures(sink, seen.status)
            self._tell_health(sink, seen.status, now, lag)
            self._tell_audit(sink)
            self._tell_book(sink, now)
        return True

    def _tell_state(self, sink: Sink, seen: Liveness) -> None:
        opc_state = str(seen.status.get("state", ""))
        state = (STATE_OF.get(seen.life, "offline"), opc_state, seen.reason)
        if state == self._state:
            return
        if not self._state:
            self._tell_info(sink)
        self._state = state
        record = StateRecord(
            station=self._station,
            state=STATE_OF.get(seen.life, "offline"),
            opc_state=opc_state,
            reason=seen.reason,
            ts=utc_text(self._utc()),
        )
        sink.announce(Announcement(topic="state", payload=record.payload()))

    def _tell_info(self, sink: Sink) -> None:
        record = InfoRecord(
            station=self._station,
            software=self._software,
            schemas=dict(SCHEMAS),
            capabilities=self._capabilities,
            ts=utc_text(self._utc()),
        )
        sink.announce(Announcement(topic="info", payload=record.payload()))

    def _tell_figures(self, sink: Sink, status: Mapping[str, Any]) -> None:
        for topic, key in (("counters", "counters"), ("recipe/active", "recipe")):
            if key in status and self._told.get(topic) != status[key]:
                self._told[topic] = status[key]
                record = StatusRecord(station=self._station, ts=utc_text(self._utc()), values=_values(status[key]))
                sink.announce(Announcement(topic=topic, payload=record.payload()))

    def _tell_health(self, sink: Sink, status: Mapping[str, Any], now: float, lag: Callable[[], int]) -> None:
        health = status.get("health", {})
        if self._told.get("health") == health and now < self._health_at:
            return
        self._told["health"] = health
        self._health_at = now + HEALTH_EVERY_S
        record = HealthRecord(station=self._station, ts=utc_text(self._utc()), values=_values(health), lag=lag())
        sink.announce(Announcement(topic="health", payload=record.payload()))

    def _tell_audit(self, sink: Sink) -> None:
        """The audit chain's head as it grows; one that went back is not told: what was published stands."""
        if self._audit is None:
            return
        head = self._audit()
        if head == self._head:
            return
        if head.number < self._head.number:
            if self._told.get("audit") != head:
                self._told["audit"] = head
                log.error("audit.cut_off", published=self._head.number, now=head.number)
            return
        self._head = head
        record = AuditHeadRecord(
            station=self._station, number=head.number, sha256=head.sha256, ts=utc_text(self._utc())
        )
        sink.announce(Announcement(topic="audit/head", payload=record.payload()))

    def _tell_book(self, sink: Sink, now: float) -> None:
        """The book's head, where it is another; one that went back is not told: what was published stands."""
        if self._book is None or now < self._book_at:
            return
        self._book_at = now + HEALTH_EVERY_S
        head, before = self._book(), self._told.get("book")
        if head == before or head.number == 0:
            return
        if before is not None and head.number < before.number:
            log.error("book.cut_off", published=before.number, now=head.number)
            return
        self._told["book"] = head
        record = BookHeadRecord(station=self._station, number=head.number, sha256=head.sha256, ts=utc_text(self._utc()))
        sink.announce(Announcement(topic="book/head", payload=record.payload()))


def announce_alarms(sink: Sink, entries: Sequence[Entry]) -> None:
    """Raise, acknowledge and clear the retained alarms that these entries tell of."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, AlarmEvent):
            continue
        topic = f"alarm/{event.code}"
        if event.action == "cleared":
            sink.announce(Announcement(topic=topic, payload=None))
            continue
        record = AlarmRecord(
            station=event.station,
            code=event.code,
            text=event.text,
            acknowledged=event.action in {"acknowledged", "shelved"},
            details=event.details,
            since=utc_text(event.at_utc),
        )
        sink.announce(Announcement(topic=topic, payload=record.payload()))


def announce_latest(sink: Sink, entries: Sequence[Entry], batch: Sequence[Publication]) -> None:
    """Retain the last result among these."""
    for entry, published in zip(reversed(entries), reversed(batch), strict=True):
        if isinstance(entry.event, Inspection):
            sink.announce(Announcement(topic="result/last", payload=published.payload))
            return


def _values(figures: object) -> dict[str, Any]:
    return dict(figures) if isinstance(figures, Mapping) else {"value": figures}
