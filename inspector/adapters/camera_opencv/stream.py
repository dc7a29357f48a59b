"""A live source as a camera: a thread of its own reads it, and reopens it with back-off after a loss.

    reader:  grab ─▶ decode into the back buffer ─▶ [lock] swap, count, wake
    grab():  [lock] wait for a frame near enough to the call ─▶ copy the front buffer
A live source gives frames at its own pace, whether a part stands there or not: it counts no parts, so its captures
carry no number and are matched by their time alone. ``grab`` gives the frame nearest to its call: the newest one if
it is younger than half a frame's interval, else the next. A capture that lost its stream never comes back and still
calls itself opened: only what a read returns is believed. A read that hangs tells nothing until its own limit: a source
that is silent for ``silent_s``, and for two frames, is lost before that.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import cv2
import structlog

from inspector.adapters.camera_opencv.device import open_capture, refusal
from inspector.adapters.camera_opencv.frames import new_buffer, put_into
from inspector.adapters.camera_opencv.settings import CameraOpencvSettings
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import CameraStamp, Capture, PixelFormat, Pixels
from inspector.ports.camera import CameraInfo

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 0.2
_SLACK_S = 1.0
_OLDEST_S = 0.1
_SLICE_S = 0.05
_NO_FRAME = "no frame yet"

Opener = Callable[[CameraOpencvSettings, str], cv2.VideoCapture]


@dataclass(slots=True, kw_only=True)
class _Front:
    """What the reader hands over. ``fault``: why it is unusable, else "".

    ``interval_s``: since the frame before it; 0 for the first of an opening.
    """

    buffer: Pixels
    number: int
    taken_at: float
    taken_utc: datetime
    interval_s: float
    fault: str = ""


class Stream:
    """A V4L2 device or a network stream."""

    def __init__(self, settings: CameraOpencvSettings, *, opener: Opener = open_capture) -> None:
        self._settings = settings
        self._opener = opener
        self._address = settings.address()
        self._device = f"camera opencv {settings.source}"
        self._format = PixelFormat(settings.pixel_format)
        self._changed = threading.Condition()
        self._front: _Front | None = None
        self._back: Pixels | None = None
        self._given = 0
        self._newest = 0
        self._heard_at = 0.0
        self._reason = _NO_FRAME
        self._pause_s = _FIRST_PAUSE_S
        self._stopping = threading.Event()
        self._thread = self._new_reader()

    def __enter__(self) -> Self:
        self._thread.start()
        wait_s = self._settings.open_timeout_s + self._settings.read_timeout_s + _SLACK_S
        with self._changed:
            self._changed.wait_for(lambda: self._front is not None or self._reason != _NO_FRAME, wait_s)
            opened, reason = self._front is not None, self._reason
        if not opened:
            self._end()
            raise DeviceError(self._device, f"cannot be opened: {reason}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def describe(self) -> CameraInfo:
        """Size of the first frame."""
        front = self._front
        if front is None:
            raise DeviceError(self._device, "is not opened")
        return CameraInfo(
            name="opencv",
            serial=self._settings.source,
            width=front.buffer.shape[1],
            height=front.buffer.shape[0],
            pixel_format=self._format,
            counts_frames=False,
            paced=True,
        )

    def grab(self, into: Pixels, timeout_s: float) -> Capture:
        """Copy the frame nearest to this call, and not yet given, into ``into``. See the port for what is raised."""
        called_at = time.monotonic()
        self._revive()
        with self._changed:
            front = self._wait_for_fresh(called_at, timeout_s)
            self._given = front.number
            if front.fault:
                raise FrameError(front.fault)
            put_into(into, front.buffer, device=self._device)
            taken_at, taken_utc = front.taken_at, front.taken_utc
        pixels = into.view()
        pixels.flags.writeable = False
        return Capture(
            pixels=pixels,
            pixel_format=self._format,
            frame_no=None,
            taken_at=taken_at,
            taken_utc=taken_utc,
            camera=CameraStamp(serial=self._settings.source),
        )

    def flush(self) -> None:
        """Forget the frame that waits."""
        with self._changed:
            self._given = self._newest

    def trouble(self) -> str:
        """Why it is lost now; "" while frames come."""
        self._revive()
        with self._changed:
            return self._loss()

    def _wait_for_fresh(self, called_at: float, timeout_s: float) -> _Front:
        """The frame nearest to the call; an error once there is none in time, or the source is lost. Under the lock."""
        while True:
            left = called_at + timeout_s - time.monotonic()
            self._changed.wait_for(lambda: self._fresh(called_at) is not None, max(min(left, _SLICE_S), 0.0))
            front, loss = self._fresh(called_at), self._loss()
            if front is not None:
                return front
            if loss or left <= _SLICE_S:
                reason = loss or "the next one is not due yet"
                raise DeviceError(self._device, f"no frame within {timeout_s:g} s: {reason}", lost=bool(loss))

    def _fresh(self, called_at: float) -> _Front | None:
        """The frame that waits, if it was not given and is no older than half an interval (100 ms at most)."""
        front = self._front
        if front is None or front.number <= self._given:
            return None
        oldest = called_at - min(front.interval_s / 2, _OLDEST_S)
        return front if front.taken_at >= oldest else None

    def _loss(self) -> str:
        """Why it is lost; "" while frames come, though there is none at this moment. Under the lock."""
        if self._reason or self._front is None:
            return self._reason
        silent_s = time.monotonic() - self._heard_at
        pace_s = self._front.interval_s
        limit_s = max(self._settings.silent_s, 2 * pace_s) if pace_s else self._settings.read_timeout_s
        return f"silent for {silent_s:.1f} s" if silent_s > limit_s else ""

    def _new_reader(self) -> threading.Thread:
        return threading.Thread(target=self._run, name="camera-opencv", daemon=True)

    def _revive(self) -> None:
        """Start the reader again that an error nobody foresaw has ended; it pauses first."""
        if self._stopping.is_set() or self._thread.is_alive():
            return
        log.error("camera.reader_died", device=self._device, again_in_s=self._pause_s)
        self._thread = self._new_reader()
        self._thread.start()

    def _end(self) -> None:
        self._stopping.set()
        self._thread.join(self._settings.open_timeout_s + self._settings.read_timeout_s + _SLACK_S)
        if self._thread.is_alive():
            log.warning("camera.reader_hangs", device=self._device)

    def _run(self) -> None:
        ended = False
        try:
            self._read_on()
            ended = True
        finally:
            if not ended:
                self._say("its reader was ended by an error nobody foresaw (see the log); it is started again")

    def _read_on(self) -> None:
        """What the reader's thread does: open, read until it fails, release, pause, open again."""
        if self._reason not in {"", _NO_FRAME}:
            self._pause()
        while not self._stopping.is_set():
            capture = self._opener(self._settings, self._address)
            try:
                refused = refusal(self._settings, capture) if capture.isOpened() else ""
                frames = 0 if refused else self._read_until_lost(capture)
                reason = refused or ("the stream was lost" if frames else "it does not answer or gives no picture")
                self._say(f"{reason}; trying again each {self._pause_s:.1f} s")  # at once: letting it go may take long
                if frames:
                    log.warning("camera.lost", device=self._device, frames=frames)
            finally:
                capture.release()
            self._pause()

    def _pause(self) -> None:
        self._stopping.wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, self._settings.reopen_max_s)

    def _read_until_lost(self, capture: cv2.VideoCapture) -> int:
        frames = 0
        while not self._stopping.is_set():
            try:
                ok = capture.grab()
                taken_at, taken_utc = time.monotonic(), datetime.now(UTC)
                decoded = capture.retrieve()[1] if ok else None
            except cv2.error as error:
                log.warning("camera.decoder", device=self._device, error=str(error))
                return frames
            if decoded is None:
                return frames
            frames += 1
            self._hand_over(decoded, taken_at, taken_utc, first=frames == 1)  # type: ignore[arg-type] # put_into checks its dtype
        return frames

    def _hand_over(self, decoded: Pixels, taken_at: float, taken_utc: datetime, *, first: bool) -> None:
        fault = ""
        try:
            if self._back is None:
                self._back = new_buffer(decoded, self._format, device=self._device)
            put_into(self._back, decoded, device=self._device)
        except FrameError as error:
            fault = str(error)
            if self._back is None:
                self._say(fault)
                return
        with self._changed:
            spare = self._front.buffer if self._front is not None else self._back.copy()
            interval_s = taken_at - self._front.taken_at if self._front is not None and not first else 0.0
            self._heard_at = time.monotonic()
            self._newest += 1
            self._front = _Front(
                buffer=self._back,
                number=self._newest,
                taken_at=taken_at,
                taken_utc=taken_utc,
                interval_s=interval_s,
                fault=fault,
            )
            self._pause_s = _FIRST_PAUSE_S
            self._back = spare
            self._reason = ""
            self._changed.notify_all()

    def _say(self, reason: str) -> None:
        with self._changed:
            self._reason = reason
            self._changed.notify_all()
