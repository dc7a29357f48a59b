"""Frames and defects for the tests of the evidence folder."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from inspector.domain.detection import Detection
from inspector.domain.frame import CameraStamp, Capture, Frame, PartId, PixelFormat
from inspector.domain.geometry import Box
from inspector.domain.verdict import Defect, Severity


def frame_of(pixels: Any, pixel_format: PixelFormat) -> Frame:
    pixels.flags.writeable = False
    capture = Capture(
        pixels=pixels,
        pixel_format=pixel_format,
        frame_no=1,
        taken_at=1.0,
        taken_utc=datetime(2026, 11, 22, tzinfo=UTC),
        camera=CameraStamp(serial="CAM-1"),
    )
    return Frame(part=PartId(part_seq=12), capture=capture)


def noise(*shape: int, dtype: Any = np.uint8) -> Any:
    return np.random.default_rng(7).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def bgr_frame(width: int, height: int) -> Frame:
    return frame_of(noise(height, width, 3), PixelFormat.BGR8)


def defect(x: float, y: float, width: float, height: float, *, score: float = 0.9, sure: bool = True) -> Defect:
    seen = Detection(
        label="crack",
        score=score,
        box=Box(x=x, y=y, width=width, height=height),
        length_px=width,
        width_px=height,
        area_px=width * height,
    )
    return Defect(
        detection=seen,
        severity=Severity.CRITICAL,
        weight=3.0,
        sure=sure,
        rule="class.crack.any",
        length_mm=None,
        width_mm=None,
        area_mm2=None,
    )
