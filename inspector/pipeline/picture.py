"""Finds the picture that shows a part, or says why there is none."""

import time
from dataclasses import dataclass

from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import Capture
from inspector.domain.verdict import Verdict, undecided
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.desk import Desk
from inspector.pipeline.pool import FramePool, Loan
from inspector.pipeline.sync import FrameSync, Match
from inspector.pipeline.ticket import Ticket
from inspector.ports.camera import Camera, Reopening, SelfWatching
from inspector.ports.trigger import TriggerEvent

CAMERA_ALARM = "camera.lost"
WINDOW_ALARM = "sync.window"
RETRY_S = 2.0
FEWEST_MISSED, MOST_MISSED = 2, 64
"""Counted parts in a row without a frame, after which a camera is taken for lost; twice as many after each in vain."""
_PROBE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A capture and the lent buffer that it stands in."""

    capture: Capture
    loan: Loan


class PictureFinder:
    """Owned by the capture thread. ``ended``: the source will never give another frame.

    ``unusable_no``: the number of the frame that ``next`` found unusable just now; None where it does not count.

    Args:
        window_s: parts that follow each other within this time cannot be told apart by it.
        listening_since: monotonic seconds from which on every trigger is known; a part that comes within the window
            of it may have an unknown neighbour.
        min_pitch_s: parts never follow each other so closely: what does is one part that was counted twice.
    """

    def __init__(
        self,
        *,
        camera: Camera,
        pool: FramePool,
        sync: FrameSync,
        desk: Desk,
        alarms: AlarmBoard,
        window_s: float,
        listening_since: float,
        min_pitch_s: float = 0.0,
    ) -> None:
        self._camera = camera
        self._pool = pool
        self._sync = sync
        self._desk = desk
        self._alarms = alarms
        self._window_s = window_s
        self._min_pitch_s = min_pitch_s
        self._held: Picture | None = None
        self._last_trigger_at = listening_since
        self._first = True
        self._epoch = desk.epoch
        self._retry_at = 0.0
        self._troubled = False
        self._had_time = False
        self._missed, self._bearable = 0, FEWEST_MISSED
        self.ended = False
        self.unusable_no: int | None = None

    def find(self, ticket: Ticket, until: float, event: TriggerEvent) -> Picture | Verdict:
        """The picture of this part, waited for until ``until`` (monotonic seconds), or why there is none."""
        at = event.at
        if ticket.epoch != self._epoch:  # somebody else has found that what is in flight is in doubt
            self._epoch = ticket.epoch
            self._sync.loosen()
        self._had_time = until - time.monotonic() > self._window_s
        unknown = self._unknown_moment(event)
        if unknown is not None:
            return unknown
        while True:
            got = self.next(until)
            if isinstance(got, Verdict):
                return got
            match self._sync.match(ticket.opened.part.part_seq, at, got.capture):
                case Match.MINE:
                    return got
                case Match.OLDER:
                    got.loan.release()
                case Match.NEWER:
                    self._held = got
                    return undecided("camera: this part's frame was lost", rule="law.frame_lost")
                case Match.DISAGREE:
                    if got.capture.taken_at > at + self._window_s:
                        self._held = got  # of a part that is still to come
                    else:
                        got.loan.release()
                    return self._disagree("frame counter and trigger counter disagree")

    def distrust(self, event: TriggerEvent, why: str) -> Verdict:
        """No picture is looked for: what was told of this part cannot be right, and who knows of which one it is."""
        doubled = self._unknown_moment(event)
        return doubled if doubled is not None else self._disagree(why)

    def _unknown_moment(self, event: TriggerEvent) -> Verdict | None:
        """Why time does not tell this part's picture from its neighbour's; None where it does."""
        close, unsure_s = self._too_close(event.at), event.unsure_s
        if unsure_s <= self._window_s:
            return close
        self._last_trigger_at = event.latest  # the next part may be as close behind as that
        if close is not None or not self._sync.counting:
            return close
        return self._disagree(
            f"its trigger was learnt of up to {unsure_s * 1e3:.0f} ms late, more than station.sync_window_ms = "
            f"{self._window_s * 1e3:.0f}: its picture cannot be told from its neighbour's"
        )

    def _too_close(self, at: float) -> Verdict | None:
        """Parts that follow each other too closely are not told apart, or are one part."""
        pitch_s, self._last_trigger_at = at - self._last_trigger_at, at
        first, self._first = self._first, False
        if not first and 0 < pitch_s < self._min_pitch_s:
            return self._doubled(pitch_s)
        if not self._sync.counting or pitch_s > self._window_s:
            self._alarms.clear(WINDOW_ALARM)
            return None
        if first or pitch_s <= 0:  # after an outage of the trigger its moments are guesses
            return self._disagree("it came as we began to listen (again): it may have a neighbour that we do not know")
        self._alarms.raise_alarm(
            WINDOW_ALARM,
            f"parts {pitch_s * 1e3:.0f} ms apart cannot be told apart with station.sync_window_ms = "
            f"{self._window_s * 1e3:.0f}; below half the pitch is right",
        )
        return self._disagree("parts came closer together than the window that tells them apart")

    def next(self, until: float) -> Picture | Verdict:
        """The next frame, whosever it is, waited for until ``until``; or why there is none."""
        self.unusable_no = None
        if self._held is not None:
            held, self._held = self._held, None
            return held
        loan = self._pool.lend() or self._desk.shed_picture(self._pool)
        if loan is None:
            return undecided("overrun: every frame buffer is in use", rule="law.overrun")
        try:
            capture = self._camera.grab(loan.buffer, max(until - time.monotonic(), 0.001))
        except FrameError as error:
            loan.release()
            self._heard()
            self.unusable_no = error.frame_no
            return undecided(f"camera: {error}", rule="law.frame")
        except DeviceError as error:
            loan.release()
            self.ended = not error.retry
            rule = "law.camera" if error.lost else "law.no_frame"
            if error.lost and error.retry:
                self._alarm(str(error))
                self._missed = 0
                self._sync.loosen()  # a camera that comes back may count anew: tie it by time again
            return undecided(f"camera: {error.reason}", rule=rule)
        self._heard()
        self._alarms.clear(CAMERA_ALARM)
        return Picture(capture=capture, loan=loan)

    def missing(self, verdict: Verdict) -> None:
        """A part that was triggered got no frame: raise the alarm even if the camera says that it is well.

        Several in a row: its stream may be dead while its registers answer, so it is opened anew. A part that was
        learnt of too late to wait for its frame says nothing about the camera.
        """
        if verdict.decision.rule != "law.no_frame" or self.ended:
            return
        self._alarm(verdict.reason)
        self._missed += self._had_time
        if self._missed < self._bearable or not isinstance(self._camera, Reopening):
            return
        self._camera.take_for_lost(f"{self._missed} counted parts in a row got no frame")
        self._sync.loosen()
        self._missed, self._bearable = 0, min(2 * self._bearable, MOST_MISSED)

    def _heard(self) -> None:
        """A frame came: its stream lives."""
        self._missed, self._bearable = 0, FEWEST_MISSED

    def try_again(self) -> None:
        """With no part waiting, see whether a camera is lost or back: the PLC may be holding the belt for us."""
        trouble = self._camera.trouble() if isinstance(self._camera, SelfWatching) else ""
        came_back, self._troubled = self._troubled and not trouble, bool(trouble)
        if came_back:
            self._retry_at = 0.0
        if trouble and CAMERA_ALARM not in self._alarms.standing():
            self._sync.loosen()
            self._alarm(trouble)
        if CAMERA_ALARM not in self._alarms.standing() or time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + RETRY_S
        if isinstance(self._camera, SelfWatching):
            if not trouble:
                self._alarms.clear(CAMERA_ALARM)
            return
        got = self.next(time.monotonic() + _PROBE_S)
        if isinstance(got, Picture):
            self._held = got
        elif got.decision.rule == "law.no_frame":
            self._alarms.clear(CAMERA_ALARM)

    def _alarm(self, text: str) -> None:
        self._alarms.raise_alarm(CAMERA_ALARM, text)
        self._retry_at = time.monotonic() + RETRY_S

    def restart(self) -> None:
        """The trigger's counter began anew: the counters are tied again."""
        self._desk.new_epoch()
        self._epoch = self._desk.epoch
        self._sync.loosen()

    def _doubled(self, pitch_s: float) -> Verdict:
        """One part has two numbers: neither is judged, and whose picture comes next must be found anew."""
        self.restart()
        return undecided(
            f"double trigger: {pitch_s * 1e3:.0f} ms after the part before",
            rule="law.double_trigger",
            measured=pitch_s * 1e3,
            limit=self._min_pitch_s * 1e3,
            unit="ms",
        )

    def _disagree(self, why: str) -> Verdict:
        """Every part in flight becomes UNDECIDED, until the counters are tied again."""
        self.restart()
        return undecided(f"resync: {why}", rule="law.resync")
