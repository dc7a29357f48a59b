"""The journal's way to the world: one follower and one cursor a sink, so that no sink waits for another.

    journal ──after(cursor)──▶ publication ──▶ Sink.deliver ──done(journal_seq)──▶ cursor
                                                   │ away: the cursor stays, the journal keeps
                                                   └ refused five times: quarantine, the others go on
At least once, in order. What was delivered and not yet written into the cursor when the process is killed comes
twice, with the same resultId.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from inspector.domain.errors import DeliveryError, JournalError
from inspector.pipeline.herald import Herald, announce_alarms, announce_latest
from inspector.pipeline.records import publication
from inspector.pipeline.supervise import Loop, Pulse, Supervisor
from inspector.ports.journal import Cursors, Entry, Reader
from inspector.ports.sink import Publication, Sink

log = structlog.get_logger(__name__)

BATCH = 200
TRIES = 5
FLUSH_EVERY_S = 0.5
IDLE_S = 0.2
PAUSE_S = 0.01
"""After the first refusal of a record; it doubles with each further one."""


class Follower:
    """Brings the journal to one sink. One thread runs it.

    ``herald``: speaks of the station's state to this sink; None where the sink is told records only.
    """

    def __init__(
        self,
        reader: Reader,
        cursors: Cursors,
        sink: Sink,
        *,
        name: str,
        herald: Herald | None = None,
        evidence_url: str = "",
        clock: Callable[[], float] = time.monotonic,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._reader = reader
        self._cursors = cursors
        self._sink = sink
        self._herald = herald
        self._evidence_url = evidence_url
        self._clock = clock
        self._utc = utc
        self._position: int | None = None
        self._saved = 0
        self._saved_at = 0.0
        self._tries = 0
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why the sink takes nothing at present; "" while it does."""
        return self._trouble

    @property
    def lag(self) -> int:
        """Records in the journal that this sink has not yet got."""
        return max(0, self._reader.head() - self._begin())

    def step(self) -> int:
        """Deliver one batch; give how many records the sink has got by it.

        Raises:
            JournalError: the book could not be read, or the cursor not be written (it is written later).
        """
        position = self._begin()
        if self._herald is not None and not self._herald.tell(self._sink, lambda: self.lag):
            return 0
        entries = self._reader.after(position, BATCH)
        if entries and entries[0].journal_seq != position + 1:
            log.error("follow.gap", sink=self.name, after=position, next=entries[0].journal_seq)
        now = self._utc()
        batch = [publication(entry, now=now, evidence_url=self._evidence_url) for entry in entries]
        announce_alarms(self._sink, entries)
        try:
            self._sink.deliver(batch, self._done)
        except DeliveryError as error:
            self._failed(error, entries)
        else:
            self._recovered()
        finally:
            self._save()
        return self._report(entries, batch, position)

    def run(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Follow until ``stop`` is set. ``beat`` is called each time around."""
        while not stop.is_set():
            beat()
            try:
                sent = self.step()
            except JournalError as error:
                self._trouble_is(f"journal: {error}")
                sent = 0
            if self._tries:
                stop.wait(PAUSE_S * 2**self._tries)
            elif not sent:
                stop.wait(IDLE_S)
        try:
            self._save()
        except JournalError as error:
            log.warning(
                "follow.cursor_behind", sink=self.name, at=self._saved, delivered=self._position, why=str(error)
            )

    def _begin(self) -> int:
        if self._position is None:
            self._position = self._saved = self._cursors.cursor(self.name)
        return self._position

    def _done(self, journal_seq: int) -> None:
        self._position = journal_seq
        self._tries = 0
        if self._clock() - self._saved_at >= FLUSH_EVERY_S:
            self._save()

    def _save(self) -> None:
        self._saved_at = self._clock()
        if self._position is not None and self._position > self._saved:
            self._cursors.advance(self.name, self._position)
            self._saved = self._position

    def _failed(self, error: DeliveryError, entries: Sequence[Entry]) -> None:
        if not error.refused:
            self._tries = 0
            self._trouble_is(str(error))
            return
        self._tries += 1
        if self._tries < TRIES:
            return
        position = self._begin()
        refused = next(entry.journal_seq for entry in entries if entry.journal_seq > position)
        log.error("follow.quarantined", sink=self.name, journal_seq=refused, tries=self._tries, reason=str(error))
        self._cursors.quarantine(self.name, refused, str(error))
        self._done(refused)

    def _report(self, entries: Sequence[Entry], batch: Sequence[Publication], before: int) -> int:
        got = sum(1 for entry in entries if before < entry.journal_seq <= self._begin())
        if got:
            announce_latest(self._sink, entries[:got], batch[:got])
        return got

    def _recovered(self) -> None:
        self._tries = 0
        if self._trouble:
            log.info("follow.delivers", sink=self.name, lag=self.lag)
            self._trouble = ""

    def _trouble_is(self, reason: str) -> None:
        if not self._trouble:
            log.warning("follow.away", sink=self.name, reason=reason, after=self._position)
        self._trouble = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay brought. ``refused``: journal_seq and reason of what the sink would not take."""

    delivered: int
    refused: tuple[tuple[int, str], ...]


def replay(
    reader: Reader,
    sink: Sink,
    from_seq: int,
    to_seq: int,
    *,
    patience_s: float = 30.0,
    evidence_url: str = "",
    clock: Callable[[], float] = time.monotonic,
    utc: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Replayed:
    """Deliver the records ``from_seq`` to ``to_seq`` once more, marked as historical; no cursor moves.

    Open the sink anew for it: a sink that no state was announced to stays apart from the follower's.

    Raises:
        DeliveryError: the sink was away for ``patience_s``.
        JournalError: the book cannot be read.
    """
    position, tries, delivered = from_seq - 1, 0, 0
    refused: list[tuple[int, str]] = []
    away_since: float | None = None

    def done(journal_seq: int) -> None:
        nonlocal position, tries, delivered, away_since
        position, tries, delivered, away_since = journal_seq, 0, delivered + 1, None

    while position < to_seq:
        entries = [entry for entry in reader.after(position, BATCH) if entry.journal_seq <= to_seq]
        if not entries:
            break
        try:
            sink.deliver([_historical(entry, utc(), evidence_url) for entry in entries], done)
        except DeliveryError as error:
            if error.refused:
                tries += 1
                if tries >= TRIES:
                    position, tries = next(e.journal_seq for e in entries if e.journal_seq > position), 0
                    refused.append((position, str(error)))
                continue
            away_since = clock() if away_since is None else away_since
            if clock() - away_since > patience_s:
                raise
            threading.Event().wait(IDLE_S)
    return Replayed(delivered=delivered, refused=tuple(refused))


def _historical(entry: Entry, now: datetime, evidence_url: str) -> Publication:
    published = publication(entry, now=now, evidence_url=evidence_url)
    return Publication(
        journal_seq=published.journal_seq,
        kind=published.kind,
        schema=published.schema,
        payload={**published.payload, "isHistorical": True},
    )


def run_all(
    followers: Sequence[Follower],
    stop: threading.Event,
    *,
    idle: Callable[[], None] = lambda: None,
    stuck_after_s: float = 60.0,
    grace_s: float = 20.0,
) -> int:
    """Run each follower in a thread of its own until ``stop`` is set; give the exit code.

    ``stuck_after_s`` must be above the longest a sink may hold one batch; ``grace_s`` above the longest that it may
    take to give up on a hung receiver.
    """
    loops = []
    for follower in followers:
        pulse = Pulse(name=f"follow {follower.name}", limit_s=stuck_after_s)
        loops.append(Loop(pulse=pulse, run=_looper(follower, stop, pulse)))
    return Supervisor(loops, stop=stop, on_crash=lambda _reason: None, grace_s=grace_s).run(idle=idle)


def _looper(follower: Follower, stop: threading.Event, pulse: Pulse) -> Callable[[], None]:
    return lambda: follower.run(stop, pulse.beat)
