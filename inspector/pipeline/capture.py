"""The capture loop: every trigger is opened, and answered with its own picture or with UNDECIDED."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath

import structlog

from inspector.domain.errors import DeviceError
from inspector.domain.frame import MOST_LOST, MOST_UNSEEN, Frame, PartId, seq_after, seq_distance
from inspector.domain.inspection import OpenedPart, RecipeStamp, Timings
from inspector.domain.verdict import Verdict, undecided
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.desk import Desk
from inspector.pipeline.handoff import Handoff
from inspector.pipeline.part_ids import PartIdWatch
from inspector.pipeline.picture import Picture, PictureFinder
from inspector.pipeline.recipes import ActiveRecipe
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.ticket import Equipment, Shown, Station, Ticket
from inspector.ports.journal import Series
from inspector.ports.trigger import TriggerEvent

log = structlog.get_logger(__name__)

TRIGGER_ALARM = "trigger.lost"
COUNT_ALARM = "camera.count"
FRAMES_AGREED = 100
"""Frames without a jump, after which the camera's count is believed to be well."""
_LOOK_S = 0.1
"""With no part coming the camera is looked at so often: its loss is to be known within a second."""
_FREE_RUN_WAIT_S = 0.25
_CHUNK = 500
_BOOK_S = 10.0
_PAUSE_S = 0.05
_NO_PART = frozenset({"law.camera", "law.no_frame", "law.overrun"})
"""In free run these mean that there is no part yet: nothing outside has counted one."""


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
        finder: PictureFinder,
        handoff: Handoff[Shown],
        alarms: AlarmBoard,
        stop: threading.Event,
        pulse: Pulse,
        series: Series,
        ids: PartIdWatch,
    ) -> None:
        self._station = station
        self._trigger = equipment.trigger
        self._gate = equipment.gate
        self._archive = equipment.archive
        self._desk = desk
        self._finder = finder
        self._handoff = handoff
        self._alarms = alarms
        self._stop = stop
        self._pulse = pulse
        self._ids = ids
        self._series = series.series
        self._last_seq = series.last_seq
        self._flush = equipment.flush
        self._free_run = equipment.trigger.counted_by == "line"
        info = equipment.camera.describe()
        self._source_waits = not info.paced or info.exposes_when_asked
        self._last_frame_no: int | None = None
        self._agreed = 0
        self.finished = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether the source of pictures will never give another one."""
        return self._finder.ended

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
            event = self._trigger.wait(_LOOK_S)
        except DeviceError as error:
            self._alarms.raise_alarm(TRIGGER_ALARM, str(error))
            self._stop.wait(_PAUSE_S)
            return
        self._alarms.clear(TRIGGER_ALARM)
        self._desk.listen()
        if event is None:
            self._finder.try_again()
        elif self._account_for(event):
            self._take(event)

    def _wait_for_frame(self) -> None:
        """In free run the frame is the trigger: no frame, no part; an unusable frame is a part."""
        if self._source_waits and not self._handoff.wait_for_room(_FREE_RUN_WAIT_S):
            return
        got = self._finder.next(time.monotonic() + _FREE_RUN_WAIT_S)
        if isinstance(got, Verdict) and got.decision.rule in _NO_PART:
            return
        for step in range(1, self._frames_lost(got) + 1):
            self._account_for_unseen()
            if step % _CHUNK == 0:
                self._let_the_book_catch_up()
        event = self._own_count()
        if event is None:
            return
        if isinstance(got, Picture) and not event.part_id:
            event = replace(
                event, part_id=PurePath(got.capture.source).name
            )  # nothing else says which picture this was
        ticket, refused = self._open(event)
        self._gate.expect(ticket.opened.part, deadline=ticket.deadline)
        if isinstance(got, Verdict):
            self._answer(ticket, got)
        elif refused is not None:
            shown = self._shown(ticket, got, grab_ms=0.0)
            self._answer(ticket, refused, shown=shown)
        else:
            self._show(ticket, got, grab_ms=0.0)

    def _own_count(self) -> TriggerEvent | None:
        """The next number of a trigger that counts by itself; None if stopped meanwhile."""
        while not self._stop.is_set():
            event = self._trigger.wait(_FREE_RUN_WAIT_S)
            if event is not None:
                self._last_seq = event.part_seq
                return event
            self._pulse.beat()
        return None

    def _frames_lost(self, got: Picture | Verdict) -> int:
        """How many frames a counting camera took since the last one we saw: in free run each was a part."""
        number = self._finder.unusable_no if isinstance(got, Verdict) else got.capture.frame_no
        if number is None:
            return 0
        before, self._last_frame_no = self._last_frame_no, number
        lost = 0 if before is None else max(number - before - 1, 0)
        self._agreed += 1
        if lost > MOST_LOST:
            self._agreed, lost = 0, 0
            text = f"the camera's frame number went from {before} to {number}: its count began anew; was it restarted?"
            self._alarms.raise_alarm(COUNT_ALARM, f"{text} What it took in between is not in the book")
        elif self._agreed >= FRAMES_AGREED:
            self._alarms.clear(COUNT_ALARM)
        return lost

    def _account_for_unseen(self) -> None:
        event = self._own_count()
        if event is not None:
            ticket, _ = self._open(event)
            self._desk.record_unseen(ticket, missed_verdict())

    def _account_for(self, event: TriggerEvent) -> bool:
        """Every number between the last part and this one was a part that we did not see: UNDECIDED("missed").

        A counter that jumped by more than ``MOST_UNSEEN`` begins a new series: these numbers never were parts.
        False: this very number was taken already; it is no new part.
        """
        ahead = seq_distance(event.part_seq, self._last_seq) if self._last_seq else event.part_seq
        if ahead == 0 and not event.restarted:
            log.warning("trigger.repeated", part_seq=event.part_seq)
            return False
        if ahead < 0 or ahead > MOST_UNSEEN or event.restarted:
            what = "trigger.jumped" if ahead > MOST_UNSEEN else "trigger.restarted"
            log.warning(what, last=self._last_seq, now=event.part_seq)
            self._finder.restart()
            self._wait_for_the_book()  # the book must know the last part before it is asked where it stands
            series = self._archive.resume(event.part_seq, datetime.now(UTC), restarted=event.restarted)
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
        until = time.monotonic() + _BOOK_S
        while self._desk.waiting and time.monotonic() < until and not self._stop.wait(_PAUSE_S):
            self._pulse.beat()
        self._wait_for_the_book()

    def _wait_for_the_book(self) -> None:
        """Until what was given to the book is written; a disk that fails does not hold up the line for long."""
        until = time.monotonic() + _BOOK_S
        while not self._flush(_FREE_RUN_WAIT_S) and time.monotonic() < until and not self._stop.is_set():
            self._pulse.beat()

    def _number(self, step: int) -> int:
        return seq_after(self._last_seq, step) if self._last_seq else step

    def _open(self, event: TriggerEvent, known: ActiveRecipe | None = None) -> tuple[Ticket, Verdict | None]:
        """Open the part; a verdict if the book refused it and the station is set to reject then.

        ``known``: the recipe that it is judged by; None: the one of its job, or the default.
        """
        recipes = self._station.recipes
        recipe = known or recipes.get(event.job) or recipes[0]
        opened = OpenedPart(
            part=PartId(part_seq=event.part_seq, series=self._series, serial=event.part_id, lot=event.lot),
            station=self._station.name,
            opened_utc=datetime.now(UTC),
            opened_at=event.at,
            encoder=event.encoder,
            recipe=RecipeStamp(name=recipe.stamp.name, sha256=recipe.stamp.sha256, job=event.job),
            model=recipe.model,
            settings_sha256=self._station.settings_sha256,
        )
        ticket = Ticket(
            opened=opened,
            recipe=replace(recipe, stamp=opened.recipe),
            deadline=event.at + self._station.deadline_s,
            epoch=self._desk.epoch,
        )
        return ticket, self._desk.open(ticket)

    def _take(self, event: TriggerEvent) -> None:
        """Open the part, schedule its default reject, and find its picture."""
        known = self._station.recipes.get(event.job)  # asked once: the recipes may be changed meanwhile
        ticket, refused = self._open(event, known)
        self._gate.expect(ticket.opened.part, deadline=ticket.deadline)
        doubt = self._ids.why_not(event)
        if doubt:
            self._answer(ticket, self._finder.distrust(event, doubt))
            return
        if known is None:
            self._answer(ticket, undecided(f"job {event.job}: no recipe has this number", rule="law.job"))
            return
        begun = time.monotonic()
        until = min(event.at + self._station.grab_timeout_s, ticket.deadline)
        found = self._finder.find(ticket, until, event)
        if isinstance(found, Verdict):
            self._finder.missing(found)
            self._answer(ticket, found, grab_ms=(time.monotonic() - begun) * 1e3)
            return
        if refused is not None:
            shown = self._shown(ticket, found, grab_ms=(time.monotonic() - begun) * 1e3)
            self._answer(ticket, refused, shown=shown)
            return
        self._show(ticket, found, grab_ms=(time.monotonic() - begun) * 1e3)

    def _show(self, ticket: Ticket, picture: Picture, *, grab_ms: float) -> None:
        shown = self._shown(ticket, picture, grab_ms=grab_ms)
        if not self._handoff.put(shown):
            verdict = undecided("overrun: the parts come faster than they are judged", rule="law.overrun")
            self._answer(ticket, verdict, shown=shown)

    @staticmethod
    def _shown(ticket: Ticket, picture: Picture, *, grab_ms: float) -> Shown:
        frame = Frame(part=ticket.opened.part, capture=picture.capture)
        return Shown(ticket=ticket, frame=frame, loan=picture.loan, grab_ms=grab_ms)

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
