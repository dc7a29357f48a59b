"""The inspect loop: look, judge, tell."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from inspector.domain.detection import Detection
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.inspection import Timings
from inspector.domain.recipe import Recipe
from inspector.domain.verdict import Verdict, undecided
from inspector.pipeline import optics
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.desk import Desk
from inspector.pipeline.detect import Detector, Seen
from inspector.pipeline.handoff import Handoff
from inspector.pipeline.measure_trust import MeasureTrust
from inspector.pipeline.optics_guard import OpticsGuard, Sighting
from inspector.pipeline.place import place
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.ticket import Shown, Station
from inspector.pipeline.view import view_of

MODEL_ALARM = "model.failed"
RETRY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one frame gave. ``recipe``: its zones and masks where the part lies. ``before_ms``: optics and fixture."""

    seen: Seen
    recipe: Recipe
    sighting: Sighting | None
    before_ms: float


class InspectLoop:
    """Owned by the inspect thread.

    ``detectors``: by the model that a recipe names; all are ready. ``fed``: set once nothing more will come;
    ``finished``: set once it has ended.
    """

    def __init__(
        self,
        *,
        station: Station,
        detectors: Mapping[str, Detector],
        handoff: Handoff[Shown],
        desk: Desk,
        alarms: AlarmBoard,
        guard: OpticsGuard,
        trust: MeasureTrust,
        fed: threading.Event,
        pulse: Pulse,
    ) -> None:
        self._station = station
        self._detectors = detectors
        self._handoff = handoff
        self._desk = desk
        self._alarms = alarms
        self._guard = guard
        self._trust = trust
        self._fed = fed
        self._pulse = pulse
        self._retry_at = 0.0
        self.finished = threading.Event()

    def run(self) -> None:
        """Judge frames in the order they came, until the capture loop has ended and nothing waits."""
        try:
            while True:
                self._pulse.beat()
                last = self._fed.is_set()  # asked first: what was put before it was set is still found
                shown = self._handoff.get(0.1)
                if shown is not None:
                    self._inspect(shown)
                elif last:
                    return
                elif MODEL_ALARM in self._alarms.standing():
                    self._try_again()
        finally:
            self.finished.set()

    def _try_again(self) -> None:
        """With no part waiting, see whether a model that failed works again: the PLC may be holding the belt for us."""
        if time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + RETRY_S
        try:
            for detector in self._detectors.values():
                detector.prove()
        except DeviceError:
            return
        self._alarms.clear(MODEL_ALARM)

    def _inspect(self, shown: Shown) -> None:
        ticket = shown.ticket
        if time.monotonic() >= ticket.deadline:
            verdict = undecided("late: the deadline passed before it was looked at", rule="law.late")
            self._desk.tell_and_record(
                ticket, verdict, timings=Timings(grab=shown.grab_ms), frame=shown.frame, loan=shown.loan
            )
            return
        looked = self._look(shown)
        begun = time.perf_counter()
        detections: tuple[Detection, ...] = ()
        heat = None
        if isinstance(looked, Verdict):
            verdict, timings = looked, Timings(grab=shown.grab_ms)
        else:
            seen, detections, heat = looked.seen, looked.seen.detections, looked.seen.heat
            verdict = self._guard.weigh(self._trust.judge(looked.recipe, detections), looked.sighting)
            self._guard.learn(verdict, looked.sighting, ticket.recipe.stamp.name)
            timings = Timings(
                grab=shown.grab_ms,
                preprocess=looked.before_ms + seen.preprocess_ms,
                infer=seen.infer_ms,
                decode=seen.decode_ms,
                judge=(time.perf_counter() - begun) * 1e3,
            )
        self._desk.tell_and_record(
            ticket, verdict, timings=timings, detections=detections, frame=shown.frame, loan=shown.loan, heat=heat
        )

    def _look(self, shown: Shown) -> Looked | Verdict:
        """Does the picture show anything, is it a new one, is the part there, and what does the model see of it?"""
        begun, capture, active = time.perf_counter(), shown.frame.capture, shown.ticket.recipe
        try:
            optics.check(capture.pixels)
        except FrameError as error:
            return undecided(str(error), rule="law.optics")
        glanced = self._guard.glance(capture)
        carried = self._guard.frozen(glanced, capture) or self._carried(shown)
        if isinstance(carried, Verdict):
            return carried
        sighting = self._guard.look(glanced, active.stamp.name)
        before_ms = (time.perf_counter() - begun) * 1e3
        seen = self._detected(shown, carried)
        if isinstance(seen, Verdict):
            return seen
        return Looked(seen=seen, recipe=carried, sighting=sighting, before_ms=before_ms)

    def _carried(self, shown: Shown) -> Recipe | Verdict:
        """The recipe, its zones and masks where the part lies; or why there is none to judge."""
        active, capture = shown.ticket.recipe, shown.frame.capture
        others = [
            (other.recipe.name, other.finder)
            for other in self._station.recipes.values()
            if other.finder is not None and other.recipe.name != active.recipe.name
        ]
        return place(active.recipe, active.finder, capture.pixels, capture.pixel_format, others)

    def _detected(self, shown: Shown, carried: Recipe) -> Seen | Verdict:
        capture = shown.frame.capture
        try:
            detector = self._detectors[shown.ticket.recipe.recipe.model]
            view = view_of(shown.ticket.recipe.recipe, carried, *capture.pixels.shape[:2])
            seen = detector.detect(capture.pixels, capture.pixel_format, shown.loan.canvas, view)
        except FrameError as error:
            return undecided(str(error), rule="law.frame")
        except DeviceError as error:
            self._alarms.raise_alarm(MODEL_ALARM, str(error))
            self._retry_at = time.monotonic() + RETRY_S
            return undecided(f"model: {error.reason}", rule="law.model")
        self._alarms.clear(MODEL_ALARM)
        return seen
