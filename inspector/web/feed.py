"""Looks at line and book for all browsers at once, and wakes them when something is new."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from starlette.concurrency import run_in_threadpool

from inspector.domain.errors import JournalError
from inspector.domain.inspection import Inspection
from inspector.domain.shifts import Span
from inspector.ports.figures import Counted, Selection
from inspector.ports.liveness import Life, Liveness
from inspector.ports.review import QueueFilter
from inspector.web.station import Station

log = structlog.get_logger(__name__)

LOOK_S = 0.1
"""How often is looked while somebody watches: a verdict is on the screen within twice that."""
IDLE_S = 1.0
STRIP = 20
_NEWEST = 200
_COUNT_EVERY_S = 1.0
_FORCED = "plc.forced"
_UNWRITTEN = "journal.waiting"
UNWRITTEN_AFTER_S = 2.0
"""So long may rows wait for the disk before the newest part of the book is no longer taken for the newest part."""

UNKNOWN = Liveness(life=Life.UNKNOWN, reason="", status={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was counted in one span; ``name``: "shift", "lot" or "hour"."""

    name: str
    counted: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What is known now. ``strip``: the newest parts, newest first. ``trouble``: why the book cannot be read, or "".

    ``follower``: how the sinks are. ``looked_at``: when this look began, monotonic seconds.
    ``unwritten``: how many rows the line keeps in memory since the disk does not take them; 0 while it does.
    ``version`` grows whenever anything but the line's own clock and latencies changes. ``left``: parts that await a
    review.
    """

    version: int
    liveness: Liveness
    strip: tuple[Inspection, ...]
    counts: Mapping[str, int]
    figures: tuple[Figure, ...]
    left: int
    trouble: str
    follower: Liveness = UNKNOWN
    unwritten: int = 0
    looked_at: float = float("-inf")

    @property
    def last(self) -> Inspection | None:
        """The newest part."""
        return self.strip[0] if self.strip else None

    @property
    def alarms(self) -> Mapping[str, str]:
        """Standing alarms of a line that lives: text by code; that something is forced comes before all others."""
        if self.liveness.life is Life.DEAD:
            return {"line.dead": self.liveness.reason}
        alarms: Mapping[str, str] = self.liveness.status.get("health", {}).get("alarms", {})
        first = {_FORCED: alarms[_FORCED]} if _FORCED in alarms else {}
        waiting = {_UNWRITTEN: "results wait in the line's memory for the disk"} if self.unwritten else {}
        return {**first, **waiting, **alarms, **({"book.unread": self.trouble} if self.trouble else {})}

    def age_s(self) -> float:
        """How old what is known is."""
        return time.monotonic() - self.looked_at


class Feed:
    """One for the process. ``run`` belongs to the event loop; ``now`` is what it last saw."""

    def __init__(self, station: Station, *, alive: Callable[[], None] = lambda: None) -> None:
        self._station = station
        self._alive = alive
        self._strip: deque[Inspection] = deque(maxlen=STRIP)
        self._head: int | None = None
        self._counted_for: tuple[object, ...] = ()
        self._counted_at = float("-inf")
        self._waiting_since = float("inf")
        self._waiting_head: int | None = None
        self._counts: Mapping[str, int] = {}
        self._left = 0
        self._spans: tuple[Figure, ...] = ()
        self._watchers = 0
        self._news = asyncio.Event()
        self.stopping = False
        self.now = Now(
            version=0,
            liveness=UNKNOWN,
            strip=(),
            counts={},
            figures=(),
            left=0,
            trouble="",
        )

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            seen = await run_in_threadpool(self._look)
            if seen.version != self.now.version:
                self._news.set()
                self._news = asyncio.Event()
            self.now = seen
            self._alive()
            await asyncio.sleep(LOOK_S if self._watchers else IDLE_S)

    async def after(self, version: int, timeout_s: float) -> Now:
        """What is known once it is newer than ``version``, or after ``timeout_s``."""
        self._watchers += 1
        try:
            if self.now.version == version and not self.stopping:
                try:
                    await asyncio.wait_for(self._news.wait(), timeout_s)
                except TimeoutError:
                    return self.now
        finally:
            self._watchers -= 1
        return self.now

    def stop(self) -> None:
        """Let everybody who waits go."""
        self.stopping = True
        self._news.set()

    def _look(self) -> Now:
        """Called by one thread at a time."""
        began = time.monotonic()
        liveness, trouble, follower = self._station.line.look(), "", self._station.follower.look()
        try:
            self._read()
        except JournalError as error:
            trouble = str(error)
        before = self.now
        seen = Now(
            version=before.version,
            liveness=liveness,
            strip=tuple(self._strip),
            counts=self._counts,
            figures=self._spans,
            left=self._left,
            trouble=trouble,
            follower=follower,
            unwritten=self._unwritten(liveness, began),
            looked_at=began,
        )
        if _told(seen) == _told(before):
            return seen
        if trouble and not before.trouble:
            log.warning("web.book_unread", reason=trouble)
        return replace(seen, version=before.version + 1)

    def _unwritten(self, liveness: Liveness, now: float) -> int:
        """How many rows wait for a disk that takes none. On a busy line some always do, and the book grows."""
        told = liveness.status.get("health", {}).get("journal", {})
        waiting = int(told.get("waiting", 0))
        taken = self._head != self._waiting_head and not told.get("error")
        self._waiting_head = self._head
        if not waiting:
            self._waiting_since = float("inf")
        elif taken or self._waiting_since > now:
            self._waiting_since = now
        return waiting if now - self._waiting_since > UNWRITTEN_AFTER_S else 0

    def _read(self) -> None:
        """Parts as they come; figures once a second, since counting a large queue costs more than a part.

        With no part coming they are counted anew each minute, and as a shift begins: the last hour and the shift go on.
        """
        book, now = self._station.book, self._station.now()
        head = book.head()
        if head != self._head:
            self._follow(head)
        shift = self._station.site.shifts.at(now).span
        due = (head, now.replace(second=0, microsecond=0), shift)
        if due != self._counted_for and time.monotonic() - self._counted_at >= _COUNT_EVERY_S:
            self._counts = book.counts()
            self._left = self._station.queue.left(QueueFilter())
            self._spans = self._counted(now, shift)
            self._counted_for, self._counted_at = due, time.monotonic()

    def _follow(self, head: int) -> None:
        first = max(head - _NEWEST, 0) if self._head is None else max(self._head, head - _NEWEST)
        for entry in self._station.book.after(first):
            if isinstance(entry.event, Inspection):
                self._strip.appendleft(entry.event)
        self._head = head

    def _counted(self, now: datetime, shift: Span) -> tuple[Figure, ...]:
        """The shift, the lot and the last hour, as counted by ``now``."""
        figures = self._station.figures
        begun = now.replace(second=0, microsecond=0) + timedelta(minutes=1)  # counted by the minute, this one included
        hour = Span(start_utc=begun - timedelta(hours=1), end_utc=begun)
        told = [("shift", Selection(span=shift)), ("hour", Selection(span=hour))]
        lot = self._strip[0].part.lot if self._strip else ""
        if lot:
            told.insert(1, ("lot", Selection(lot=lot)))
        return tuple(Figure(name=name, counted=figures.count(selection)) for name, selection in told)


def _told(now: Now) -> tuple[object, ...]:
    """What a screen shows of it; the line's own clock and figures change four times a second and are left out."""
    status = now.liveness.status
    runs = tuple(status.get(key) for key in ("state", "recipe", "recipes", "model"))
    shown = (now.liveness.life, *runs, now.alarms)
    return (*shown, now.last.result_id if now.last else None, now.left, now.figures, now.trouble, bool(now.unwritten))
