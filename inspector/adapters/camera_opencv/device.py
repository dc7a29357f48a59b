"""Opens what OpenCV calls a capture, and holds a device to what it was asked for."""

import math
import os
from typing import Protocol

import cv2
import structlog

from inspector.adapters.camera_opencv.settings import CameraOpencvSettings

log = structlog.get_logger(__name__)

_SAME_RATE = 0.01
_READ_LIMIT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
"""Seconds that a read of a V4L2 device may hang; 10 where it is not set. OpenCV looks at it once, at the first read."""


class Told(Protocol):
    """A capture, as far as it tells what it will give."""

    def get(self, prop: int, /) -> float:
        """The value of an OpenCV property; 0 where it is not known."""
        ...


def open_capture(settings: CameraOpencvSettings, address: str) -> cv2.VideoCapture:
    """A capture; whether it works is seen by reading it."""
    if settings.is_url:
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            int(settings.open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            int(settings.read_timeout_s * 1000),
        ]
        return cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
    os.environ.setdefault(_READ_LIMIT, str(math.ceil(settings.read_timeout_s)))
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


def refusal(settings: CameraOpencvSettings, capture: Told) -> str:
    """What an opened device gives instead of what it was asked for; "" if it does as asked.

    A device gives the nearest mode it has and says nothing: another size is another scale, another rate another light.
    """
    if settings.is_url:
        return ""
    said: list[str] = []
    if settings.width is not None and settings.height is not None:
        width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if (width, height) != (settings.width, settings.height):
            said.append(f"asked for {settings.width} x {settings.height} px, it gives {width} x {height} px")
    if settings.fps is not None:
        fps = capture.get(cv2.CAP_PROP_FPS)
        if not math.isfinite(fps) or fps <= 0:
            log.warning("camera.rate_unknown", source=settings.source, asked_fps=settings.fps)
        elif abs(fps - settings.fps) > _SAME_RATE * settings.fps:
            said.append(f"asked for {settings.fps:g} frames a second, it gives {fps:g}")
    if not said:
        return ""
    return f"{'; '.join(said)}; set camera.width, height, fps and fourcc to a mode the device has"
