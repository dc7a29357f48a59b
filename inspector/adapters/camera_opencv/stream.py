"""A live source as a camera: a thread of its own reads it, and reopens it with back-off after a loss.

    reader:  grab ─▶ decode into the back buffer ─▶ [lock] swap, count, wake
    grab():  [lock] wait for a newer count ─▶ copy the front buffer
The newest frame wins; frames nobody asked for in time show as a jump of ``frame_no``. A capture that lost its
stream never comes back and still calls itself opened: only what a read returns is believed.
"""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import cv2
import structlog

from inspector.adapters.camera_opencv.frames import new_buffer, put_into
from inspector.adapters.camera_opencv.settings import CameraOpencvSettings
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import CameraStamp, Capture, PixelFormat, Pixels
from inspector.ports.camera import CameraInfo

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 0.2
_SLACK_S = 1.0


@dataclass(slots=True, kw_only=True)
class _Front:
    """What the reader hands over. ``fault``: why this frame is unusable, "" if it is good."""

    buffer: Pixels
    frame_no: int
    taken_at: float
    taken_utc: datetime
    fault: str = ""


class Stream:
    """A V4L2 device or a network stream."""

    def __init__(self, settings: CameraOpencvSettings) -> None:
        self._settings = settings
        self._address = settings.address()
        self._device = f"camera opencv {settings.source}"
        self._format = PixelFormat(settings.pixel_format)
        self._changed = threading.Condition()
        self._front: _Front | None = None
        self._back: Pixels | None = None
        self._given = 0
        self._frame_no = 0
        self._reason = "no frame yet"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read_on, name="camera-opencv", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_s = self._settings.open_timeout_s + self._settings.read_timeout_s + _SLACK_S
        with self._changed:
            self._changed.wait_for(lambda: self._front is not None or self._reason != "no frame yet", wait_s)
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
            counts_frames=True,
            paced=True,
        )

    def grab(self, into: Pixels, timeout_s: float) -> Capture:
        """Copy the newest frame not yet given into ``into``. See the port for what is raised."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._frame_no > self._given, timeout_s) or self._front is None:
                raise DeviceError(self._device, f"no frame within {timeout_s:g} s: {self._reason or 'silent'}")
            front = self._front
            self._given = front.frame_no
            if front.fault:
                raise FrameError(front.fault)
            put_into(into, front.buffer, device=self._device)
            frame_no, taken_at, taken_utc = front.frame_no, front.taken_at, front.taken_utc
        pixels = into.view()
        pixels.flags.writeable = False
        return Capture(
            pixels=pixels,
            pixel_format=self._format,
            frame_no=frame_no,
            taken_at=taken_at,
            taken_utc=taken_utc,
            camera=CameraStamp(serial=self._settings.source),
            source=self._settings.source,
        )

    def flush(self) -> None:
        """Forget the frame that waits."""
        with self._changed:
            self._given = self._frame_no

    def _end(self) -> None:
        self._stopping.set()
        self._thread.join(self._settings.open_timeout_s + self._settings.read_timeout_s + _SLACK_S)
        if self._thread.is_alive():
            log.warning("camera.reader_hangs", device=self._device)

    def _read_on(self) -> None:
        """What the reader's thread does: open, read until it fails, release, pause, open again."""
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            capture = _open(self._settings, self._address)
            try:
                frames = self._read_until_lost(capture)
            finally:
                capture.release()
            if frames:
                pause_s = _FIRST_PAUSE_S
                log.warning("camera.lost", device=self._device, frames=frames)
            reason = "the stream was lost" if frames else "it does not answer or gives no picture"
            self._say(f"{reason}; trying again each {pause_s:.1f} s")
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 2, self._settings.reopen_max_s)

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
            self._hand_over(decoded, taken_at, taken_utc)  # type: ignore[arg-type] # put_into checks its dtype
        return frames

    def _hand_over(self, decoded: Pixels, taken_at: float, taken_utc: datetime) -> None:
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
            self._frame_no += 1
            self._front = _Front(
                buffer=self._back, frame_no=self._frame_no, taken_at=taken_at, taken_utc=taken_utc, fault=fault
            )
            self._back = spare
            self._reason = ""
            self._changed.notify_all()

    def _say(self, reason: str) -> None:
        with self._changed:
            self._reason = reason
            self._changed.notify_all()


def _open(settings: CameraOpencvSettings, address: str) -> cv2.VideoCapture:
    """A capture; whether it works is seen by reading it."""
    if settings.is_url:
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            int(settings.open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            int(settings.read_timeout_s * 1000),
        ]
        return cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
    capture = cv2.VideoCapture(int(address) if address.isdigit() else address, cv2.CAP_V4L2)
    if settings.fourcc:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*settings.fourcc))
    for prop, value in (
        (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
        (cv2.CAP_PROP_FPS, settings.fps),
    ):
        if value is not None:
            capture.set(prop, float(value))
    return capture
