"""The capture loop: every trigger is opened, and answered with its own picture or with UNDECIDED."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import Capture, Frame, PartId, seq_after, seq_distance
from inspector.domain.inspection import OpenedPart, RecipeStamp, Timings
from inspector.domain.verdict import Verdict, undecided
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.desk import Desk
from inspector.pipeline.handoff import Handoff
from inspector.pipeline.pool import FramePool, Loan
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.sync import FrameSync, Match
from inspector.pipeline.ticket import ActiveRecipe, Equipment, Shown, Station, Ticket
from inspector.ports.journal import Series
from inspector.ports.trigger import TriggerEvent

log = structlog.get_logger(__name__)

CAMERA_ALARM = "camera.lost"
TRIGGER_ALARM = "trigger.lost"
_FREE_RUN_WAIT_S = 0.25
_CHUNK = 500
_PAUSE_S = 0.05
_NO_PART = frozenset({"law.camera", "law.overrun"})
"""In free run these mean that there is no part yet: nothing outside has counted one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A frame that was exposed for a later part than the one we waited for."""

    capture: Capture
    loan: Loan


class CaptureLoop:
    """Owned by the capture thread.

    ``series``: where the trigger counter stands; its last number is accounted for.
    ``finished`` is set once no further part will come from here.
    """

    def __init__(
        self,
        *,
        station: Station,
        equipment: Equipment,
        desk: Desk,
        pool: FramePool,
        handoff: Handoff[Shown],
        sync: FrameSync,
        alarms: AlarmBoard,
        stop: threading.Event,
        pulse: Pulse,
        series: Series,
    ) -> None:
        self._station = station
        self._trigger = equipment.trigger
        self._camera = equipment.camera
        self._gate = equipment.gate
        self._archive = equipment.archive
        self._desk = desk
        self._pool = pool
        self._handoff = handoff
        self._sync = sync
        self._alarms = alarms
        self._stop = stop
        self._pulse = pulse
        self._series = series.series
        self._last_seq = series.last_seq
        self._held: _Held | None = None
        self._flush = equipment.flush
        self._free_run = equipment.trigger.counted_by == "line"
        self._source_waits = not equipment.camera.describe().paced
        self.ended = False
        self.finished = threading.Event()

    def run(self) -> None:
        """Wait for triggers until stopped or the source of pictures has ended."""
        try:
            while not self._stop.is_set() and not self.ended:
                self._pulse.beat()
                if self._free_run:
                    self._wait_for_frame()
                else:
                    self._wait_for_trigger()
            while self.ended and not self._stop.wait(0.25):
                self._pulse.beat()
        finally:
            self.finished.set()

    def _wait_for_trigger(self) -> None:
        try:
            event = self._trigger.wait(0.25)
        except DeviceError as error:
            self._alarms.raise_alarm(TRIGGER_ALARM, str(error))
            self._stop.wait(_PAUSE_S)
            return
        self._alarms.clear(TRIGGER_ALARM)
        if event is not None and self._account_for(event):
            self._take(event)

    def _wait_for_frame(self) -> None:
        """In free run the frame is the trigger: no frame, no part; an unusable frame is a part."""
        if self._source_waits and not self._handoff.wait_for_room(_FREE_RUN_WAIT_S):
            return
        got = self._next_capture(time.monotonic() + _FREE_RUN_WAIT_S)
        if isinstance(got, Verdict) and got.decision.rule in _NO_PART:
            return
        while (event := self._trigger.wait(_FREE_RUN_WAIT_S)) is None:
            self._pulse.beat()
            if self._stop.is_set():
                return
        self._last_seq = event.part_seq
        ticket, refused = self._open(event)
        self._gate.expect(ticket.opened.part, deadline=ticket.deadline)
        if isinstance(got, Verdict):
            self._answer(ticket, got)
        elif refused is not None:
            shown = self._shown(ticket, got.capture, got.loan, grab_ms=0.0)
            self._answer(ticket, refused, shown=shown)
        else:
            self._show(ticket, got.capture, got.loan, grab_ms=0.0)

    def _account_for(self, event: TriggerEvent) -> bool:
        """Every number between the last part and this one was a part that we did not see: UNDECIDED("missed").

        False: this very number was taken already; it is no new part.
        """
        ahead = seq_distance(event.part_seq, self._last_seq) if self._last_seq else event.part_seq
        if ahead == 0:
            log.warning("trigger.repeated", part_seq=event.part_seq)
            return False
        if ahead < 0:
            log.warning("trigger.restarted", last=self._last_seq, now=event.part_seq)
            self._desk.new_epoch()
            self._sync.loosen()
            self._flush()  # the book must know the last part before it is asked where it stands
            series = self._archive.resume(event.part_seq, datetime.now(UTC))
            self._series, self._last_seq = series.series, series.last_seq
            ahead = seq_distance(event.part_seq, self._last_seq) if self._last_seq else event.part_seq
        for step in range(1, ahead):
            missed = TriggerEvent(part_seq=self._number(step), at=event.at)
            ticket, _ = self._open(missed)
            self._desk.record_unseen(ticket, missed_verdict())
            if step % _CHUNK == 0:
                self._let_the_book_catch_up()
        self._last_seq = event.part_seq
        return True

    def _let_the_book_catch_up(self) -> None:
        """A counter that jumped by thousands must not fill the queues towards the book."""
        while self._desk.waiting and not self._stop.wait(_PAUSE_S):
            self._pulse.beat()
        self._flush()

    def _number(self, step: int) -> int:
        return seq_after(self._last_seq, step) if self._last_seq else step

    def _open(self, event: TriggerEvent) -> tuple[Ticket, Verdict | None]:
        """Open the part; a verdict if the book refused it and the station is set to reject then."""
        known = self._station.recipes.get(event.job)
        recipe = known or self._station.recipes[0]
        opened = OpenedPart(
            part=PartId(part_seq=event.part_seq, series=self._series, serial=event.part_id, lot=event.lot),
            station=self._station.name,
            opened_utc=datetime.now(UTC),
            opened_at=event.at,
            encoder=event.encoder,
            recipe=RecipeStamp(name=recipe.stamp.name, sha256=recipe.stamp.sha256, job=event.job),
            model=self._station.model,
            settings_sha256=self._station.settings_sha256,
        )
        ticket = Ticket(
            opened=opened,
            recipe=ActiveRecipe(recipe=recipe.recipe, stamp=opened.recipe),
            deadline=event.at + self._station.deadline_s,
            epoch=self._desk.epoch,
        )
        return ticket, self._desk.open(ticket)

    def _take(self, event: TriggerEvent) -> None:
        """Open the part, schedule its default reject, and find its picture."""
        ticket, refused = self._open(event)
        self._gate.expect(ticket.opened.part, deadline=ticket.deadline)
        if event.job and event.job not in self._station.recipes:
            self._answer(ticket, undecided(f"job {event.job}: no recipe has this number", rule="law.job"))
            return
        begun = time.monotonic()
        found = self._picture(ticket)
        if isinstance(found, Verdict):
            self._answer(ticket, found, grab_ms=(time.monotonic() - begun) * 1e3)
            return
        capture, loan = found
        if refused is not None:
            shown = self._shown(ticket, capture, loan, grab_ms=(time.monotonic() - begun) * 1e3)
            self._answer(ticket, refused, shown=shown)
            return
        self._show(ticket, capture, loan, grab_ms=(time.monotonic() - begun) * 1e3)

    def _show(self, ticket: Ticket, capture: Capture, loan: Loan, *, grab_ms: float) -> None:
        shown = self._shown(ticket, capture, loan, grab_ms=grab_ms)
        if not self._handoff.put(shown):
            verdict = undecided("overrun: the parts come faster than they are judged", rule="law.overrun")
            self._answer(ticket, verdict, shown=shown)

    @staticmethod
    def _shown(ticket: Ticket, capture: Capture, loan: Loan, *, grab_ms: float) -> Shown:
        frame = Frame(part=ticket.opened.part, capture=capture)
        return Shown(ticket=ticket, frame=frame, loan=loan, grab_ms=grab_ms)

    def _picture(self, ticket: Ticket) -> tuple[Capture, Loan] | Verdict:
        """This part's capture in a lent buffer, or why there is none."""
        until = min(ticket.opened.opened_at + self._station.grab_timeout_s, ticket.deadline)
        while True:
            got = self._next_capture(until)
            if isinstance(got, Verdict):
                return got
            match self._sync.match(ticket.opened.part.part_seq, ticket.opened.opened_at, got.capture):
                case Match.MINE:
                    return got.capture, got.loan
                case Match.OLDER:
                    got.loan.release()
                case Match.NEWER:
                    self._held = got
                    return undecided("camera: this part's frame was lost", rule="law.frame_lost")
                case Match.DISAGREE:
                    got.loan.release()
                    self._desk.new_epoch()
                    self._sync.loosen()
                    return undecided("resync: frame counter and trigger counter disagree", rule="law.resync")

    def _next_capture(self, until: float) -> _Held | Verdict:
        if self._held is not None:
            held, self._held = self._held, None
            return held
        loan = self._pool.lend() or self._desk.shed_picture(self._pool)
        if loan is None:
            return undecided("overrun: every frame buffer is in use", rule="law.overrun")
        remaining = until - time.monotonic()
        try:
            capture = self._camera.grab(loan.buffer, max(remaining, 0.001))
        except FrameError as error:
            loan.release()
            return undecided(f"camera: {error}", rule="law.frame")
        except DeviceError as error:
            loan.release()
            self.ended = not error.retry
            if error.retry and not self._free_run:
                self._alarms.raise_alarm(CAMERA_ALARM, str(error))
            return undecided(f"camera: {error.reason}", rule="law.camera")
        self._alarms.clear(CAMERA_ALARM)
        return _Held(capture=capture, loan=loan)

    def _answer(self, ticket: Ticket, verdict: Verdict, *, grab_ms: float = 0.0, shown: Shown | None = None) -> None:
        """Tell and record a part that is not looked at."""
        self._desk.tell_and_record(
            ticket,
            verdict,
            timings=Timings(grab=shown.grab_ms if shown else grab_ms),
            frame=shown.frame if shown else None,
            loan=shown.loan if shown else None,
        )


def missed_verdict() -> Verdict:
    """For a part that the source counted and we never saw."""
    return undecided("missed: counted by the trigger, never seen by us", rule="law.missed")
