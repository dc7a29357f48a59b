"""A video file as a camera: every frame, in order, whenever asked."""

import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2

from inspector.adapters.camera_opencv.frames import new_buffer, put_into
from inspector.adapters.camera_opencv.settings import CameraOpencvSettings
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import CameraStamp, Capture, PixelFormat, Pixels
from inspector.ports.camera import CameraInfo


class VideoFile:
    """One file, read from the front. Its end is a DeviceError that no reopening helps."""

    def __init__(self, settings: CameraOpencvSettings) -> None:
        path = Path(settings.source)
        self._device = f"camera opencv {path}"
        self._serial = f"file:{path.name}"
        if not path.is_file():
            raise DeviceError(
                self._device, "there is no such file; a video file, device or URL would be right", retry=False
            )
        self._capture = cv2.VideoCapture(str(path))
        self._format = PixelFormat(settings.pixel_format)
        self._frame_no = 0
        ok, frame = self._capture.read()
        if not ok or frame is None:
            self._capture.release()
            raise DeviceError(self._device, "no frame can be decoded from it; is it a whole video file?", retry=False)
        self._announced = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._first: Pixels | None = frame  # type: ignore[assignment] # its dtype is checked by new_buffer
        try:
            shape = new_buffer(self._first, self._format, device=self._device).shape  # type: ignore[arg-type]
        except FrameError as error:
            self._capture.release()
            raise DeviceError(self._device, str(error), retry=False) from error
        self._info = CameraInfo(
            name="opencv",
            serial=self._serial,
            width=shape[1],
            height=shape[0],
            pixel_format=self._format,
            counts_frames=False,
            paced=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._capture.release()

    def describe(self) -> CameraInfo:
        """Size of the first frame."""
        return self._info

    def grab(self, into: Pixels, timeout_s: float) -> Capture:  # noqa: ARG002 - a file needs no waiting
        """Decode the next frame into ``into``. See the port for what is raised."""
        frame = self._next_frame()
        self._frame_no += 1
        put_into(into, frame, device=f"{self._device} frame {self._frame_no}")
        pixels = into.view()
        pixels.flags.writeable = False
        return Capture(
            pixels=pixels,
            pixel_format=self._format,
            frame_no=None,
            taken_at=time.monotonic(),
            taken_utc=datetime.now(UTC),
            camera=CameraStamp(serial=self._serial),
            source=f"{self._serial}#{self._frame_no}",
        )

    def flush(self) -> None:
        """Nothing: a frame of a file is exposed when it is asked for."""

    def _next_frame(self) -> Pixels:
        if self._first is not None:
            frame, self._first = self._first, None
            return frame
        ok, decoded = self._capture.read()
        if not ok or decoded is None:
            raise DeviceError(
                self._device,
                f"file read, {self._frame_no} frame(s) of {self._announced} announced",
                retry=False,
                lost=False,
            )
        return decoded  # type: ignore[return-value] # put_into checks its dtype
