"""The inspect loop: look, judge, tell."""

import threading
import time
from collections.abc import Mapping

from inspector.domain.detection import Detection
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.inspection import Timings
from inspector.domain.rules import judge
from inspector.domain.verdict import Verdict, undecided
from inspector.pipeline import optics
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.desk import Desk
from inspector.pipeline.detect import Detector, Seen
from inspector.pipeline.handoff import Handoff
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.ticket import Shown, Station

MODEL_ALARM = "model.failed"
RETRY_S = 2.0


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
        fed: threading.Event,
        pulse: Pulse,
    ) -> None:
        self._station = station
        self._detectors = detectors
        self._handoff = handoff
        self._desk = desk
        self._alarms = alarms
        self._fed = fed
        self._pulse = pulse
        self._retry_at = 0.0
        self.busy = False
        self.finished = threading.Event()

    def run(self) -> None:
        """Judge frames in the order they came, until the capture loop has ended and nothing waits."""
        try:
            while True:
                self._pulse.beat()
                last = self._fed.is_set()  # asked first: what was put before it was set is still found
                shown = self._handoff.get(0.1)
                if shown is not None:
                    self.busy = True
                    self._inspect(shown)
                    self.busy = False
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
        seen = self._look(shown)
        begun = time.perf_counter()
        detections: tuple[Detection, ...] = ()
        if isinstance(seen, Verdict):
            verdict, timings = seen, Timings(grab=shown.grab_ms)
        else:
            detections = seen.detections
            verdict = judge(ticket.recipe.recipe, detections, self._station.scale)
            timings = Timings(
                grab=shown.grab_ms,
                preprocess=seen.preprocess_ms,
                infer=seen.infer_ms,
                decode=seen.decode_ms,
                judge=(time.perf_counter() - begun) * 1e3,
            )
        self._desk.tell_and_record(
            ticket, verdict, timings=timings, detections=detections, frame=shown.frame, loan=shown.loan
        )

    def _look(self, shown: Shown) -> Seen | Verdict:
        capture = shown.frame.capture
        try:
            optics.check(capture.pixels)
        except FrameError as error:
            return undecided(str(error), rule="law.optics")
        try:
            detector = self._detectors[shown.ticket.recipe.recipe.model]
            seen = detector.detect(capture.pixels, capture.pixel_format, shown.loan.canvas)
        except FrameError as error:
            return undecided(str(error), rule="law.frame")
        except DeviceError as error:
            self._alarms.raise_alarm(MODEL_ALARM, str(error))
            self._retry_at = time.monotonic() + RETRY_S
            return undecided(f"model: {error.reason}", rule="law.model")
        self._alarms.clear(MODEL_ALARM)
        return seen
