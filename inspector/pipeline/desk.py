"""Where a verdict leaves the house: metal first (the gate), paper second (the book)."""

import threading
import time
from collections import deque
from dataclasses import replace

import structlog

from inspector.domain.detection import Detection
from inspector.domain.errors import DeviceError, JournalError
from inspector.domain.frame import Frame
from inspector.domain.inspection import GateTold, Timings
from inspector.domain.verdict import Decision, Outcome, Verdict, undecided
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.handshake import Handshake
from inspector.pipeline.heat import HeatSource
from inspector.pipeline.part_ids import PartIdWatch
from inspector.pipeline.pool import FramePool, Loan
from inspector.pipeline.tally import Tally
from inspector.pipeline.ticket import Equipment, Judged, Ticket
from inspector.ports.gate import Fetched, PassRefusedError

log = structlog.get_logger(__name__)

JOURNAL_ALARM = "journal.refused"
GATE_ALARM = "gate.lost"
RACE_ALARM = "sync.race"
_MAX_WAITING = 20_000


class Desk:
    """Tells the gate and hands finished parts to the record thread. Any thread may call it.

    ``handshake``: the newest parts' exchange with the gate, for people. ``ids``: what is known of the ids of parts that
    are in flight; None: they are not looked at.
    """

    def __init__(
        self, *, equipment: Equipment, alarms: AlarmBoard, tally: Tally, ids: PartIdWatch | None = None
    ) -> None:
        self._gate = equipment.gate
        self._fetched = isinstance(equipment.gate, Fetched) and equipment.gate.fetched()
        self._annunciator = equipment.annunciator
        self._recorder = equipment.recorder
        self._alarms = alarms
        self._tally = tally
        self._ids = ids
        self._changed = threading.Condition()
        self._waiting: deque[Judged] = deque()
        self._in_hand = 0
        self._judging = 0
        self.epoch = 1
        self._parted = ""
        self.handshake = Handshake()

    def new_epoch(self, why: str = "the counters disagreed") -> None:
        """The counters disagree: every part in flight becomes UNDECIDED("resync")."""
        with self._changed:
            self.epoch += 1
            self._parted = why

    def listen(self) -> None:
        """A part id that changed in the PLC puts everything in flight in doubt."""
        if self._ids is not None and self._ids.changed():
            self.new_epoch("the part id changed before it was acknowledged")

    def open(self, ticket: Ticket) -> Verdict | None:
        """Open the part in the book; a book that refuses (``journal.on_failure = "reject"``) makes it UNDECIDED."""
        with self._changed:
            self._judging += 1
        try:
            self._recorder.open(ticket.opened)
        except JournalError as error:
            self._alarms.raise_alarm(JOURNAL_ALARM, str(error))
            return undecided(f"journal: {error}", rule="law.journal")
        self._alarms.clear(JOURNAL_ALARM)
        return None

    def tell_and_record(
        self,
        ticket: Ticket,
        verdict: Verdict,
        *,
        timings: Timings,
        detections: tuple[Detection, ...] = (),
        frame: Frame | None = None,
        loan: Loan | None = None,
        heat: HeatSource | None = None,
    ) -> None:
        """Signal the verdict if it is in time, then queue the part for the book."""
        begun = time.monotonic()
        self.listen()
        if ticket.epoch != self.epoch:
            verdict = _overruled(verdict, f"resync: {self._parted} while it was in flight", "law.resync")
        wanted = verdict  # what goes on the wire
        verdict, told = self._tell(ticket, verdict, begun)
        told_at = time.monotonic()
        shown = GateTold.NOTHING if self._fetched and told is GateTold.SENT else told  # nobody has read it yet
        self.handshake.told(ticket.opened, verdict, shown, told_at if shown is not GateTold.NOTHING else None)
        timings = replace(timings, gate=(told_at - begun) * 1e3, total=(told_at - ticket.opened.opened_at) * 1e3)
        self._tally.add(ticket.opened.part, verdict, timings)
        self._queue(
            Judged(
                ticket=ticket,
                verdict=verdict,
                detections=detections,
                timings=timings,
                told=told,
                wanted=wanted if told is GateTold.UNKNOWN else None,
                frame=frame,
                loan=loan,
                heat=heat,
            )
        )

    def record_unseen(self, ticket: Ticket, verdict: Verdict) -> None:
        """Queue a part that is over already: the PLC's default has acted, nobody is told."""
        self._tally.add(ticket.opened.part, verdict, Timings())
        self.handshake.told(ticket.opened, verdict, GateTold.NOTHING, None)
        self._queue(Judged(ticket=ticket, verdict=verdict, detections=(), timings=Timings(), told=GateTold.NOTHING))

    def _tell(self, ticket: Ticket, verdict: Verdict, now: float) -> tuple[Verdict, GateTold]:
        if now >= ticket.deadline:
            return _late(ticket, verdict, now), GateTold.NOTHING
        link = self._annunciator.link()
        if not link.alive:
            self._alarms.raise_alarm(GATE_ALARM, link.reason)
            return _overruled(verdict, f"gate: {link.reason}", "law.gate"), GateTold.NOTHING
        try:
            self._gate.signal(ticket.opened.part, verdict, deadline=ticket.deadline)
        except PassRefusedError as error:
            return _refused(ticket, verdict, error), GateTold.NOTHING
        except DeviceError as error:
            self._alarms.raise_alarm(GATE_ALARM, str(error))
            self._look_for_a_race(ticket, verdict)
            after = time.monotonic()
            if after >= ticket.deadline:
                return _late(ticket, verdict, after), GateTold.UNKNOWN
            return _overruled(verdict, f"gate: {error.reason}", "law.gate"), GateTold.UNKNOWN
        self._alarms.clear(GATE_ALARM)
        self._look_for_a_race(ticket, verdict)
        return verdict, GateTold.SENT

    def _look_for_a_race(self, ticket: Ticket, verdict: Verdict) -> None:
        if ticket.epoch != self.epoch and verdict.outcome is Outcome.PASS:
            self._alarms.raise_alarm(
                RACE_ALARM, f"part {ticket.opened.part.part_seq} was told PASS as the counters parted"
            )

    def _queue(self, judged: Judged) -> None:
        with self._changed:
            if len(self._waiting) >= _MAX_WAITING:
                raise JournalError(
                    f"{len(self._waiting)} parts wait for the book: the record thread is stuck; the line stops"
                )
            self._waiting.append(judged)
            self._judging -= 1
            self._changed.notify()

    def next(self, timeout_s: float) -> Judged | None:
        """For the record thread: the oldest finished part. It is in hand, with those before it, until ``done``."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._waiting), timeout_s):
                return None
            self._in_hand += 1
            return self._waiting.popleft()

    def done(self) -> None:
        """For the record thread: the oldest part in hand is in the book's queue."""
        with self._changed:
            self._in_hand -= 1
            self._changed.notify_all()

    @property
    def judging(self) -> int:
        """Parts that are opened and not yet told."""
        with self._changed:
            return self._judging

    @property
    def waiting(self) -> int:
        """Parts that are told but not yet in the book's queue."""
        with self._changed:
            return len(self._waiting) + self._in_hand

    def shed_picture(self, pool: FramePool) -> Loan | None:
        """Give up a waiting picture, never its record, so that the next part can be seen.

        A good part's picture goes first, else the oldest.
        """
        with self._changed:
            held = [index for index, judged in enumerate(self._waiting) if judged.loan is not None]
            if not held:
                return None
            good = (index for index in held if self._waiting[index].verdict.outcome is Outcome.PASS)
            index = next(good, held[0])
            judged = self._waiting[index]
            self._waiting[index] = replace(judged, loan=None, frame=None, heat=None)
            if judged.loan is not None:
                judged.loan.release()
            log.warning("evidence.shed", part_seq=judged.ticket.opened.part.part_seq)
            return pool.lend()


def _refused(ticket: Ticket, verdict: Verdict, error: PassRefusedError) -> Verdict:
    """The gate is well, and this part is no longer to be let pass."""
    if error.rule == "law.late":
        return _late(ticket, verdict, time.monotonic())
    return _overruled(verdict, f"belt: {error.reason}", error.rule)


def _late(ticket: Ticket, verdict: Verdict, now: float) -> Verdict:
    decision = Decision(
        rule="law.late",
        measured=(now - ticket.opened.opened_at) * 1e3,
        limit=(ticket.deadline - ticket.opened.opened_at) * 1e3,
        unit="ms",
    )
    if verdict.decision.rule.startswith("law."):
        return replace(verdict, outcome=Outcome.UNDECIDED)  # the first fault is the reason, lateness its consequence
    return replace(verdict, outcome=Outcome.UNDECIDED, reason=_lateness(decision), decision=decision)


def _lateness(decision: Decision) -> str:
    return f"late: {decision.measured:.0f} ms after the trigger, {decision.limit:.0f} ms were allowed"


def _overruled(verdict: Verdict, reason: str, rule: str) -> Verdict:
    decision = Decision(rule=rule, measured=0, limit=0, unit="")
    if verdict.decision.rule.startswith("law."):
        return verdict
    return replace(verdict, outcome=Outcome.UNDECIDED, reason=reason, decision=decision)
