"""Put what OpenCV decoded into a buffer of the expected kind."""

import cv2
import numpy as np

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels


def put_into(buffer: Pixels, frame: Pixels, *, device: str) -> None:
    """Copy or convert one decoded frame.

    Raises:
        FrameError: it is of another size or kind than the buffer.
    """
    if frame.shape[:2] != buffer.shape[:2] or frame.dtype != buffer.dtype:
        raise FrameError(
            f"{device}: a frame of {frame.shape[1]} x {frame.shape[0]} px, {frame.dtype}, where "
            f"{buffer.shape[1]} x {buffer.shape[0]} px, {buffer.dtype} is expected"
        )
    if frame.ndim == buffer.ndim:
        np.copyto(buffer, frame)
    elif frame.ndim > buffer.ndim:
        cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY, dst=buffer)
    else:
        cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR, dst=buffer)


def new_buffer(frame: Pixels, pixel_format: PixelFormat, *, device: str) -> Pixels:
    """A buffer for frames like this one.

    Raises:
        FrameError: its numbers are not 8 bit.
    """
    if frame.dtype != np.uint8:
        raise FrameError(f"{device}: pixels of {frame.dtype}; 8 bit would be right")
    height, width = frame.shape[:2]
    return np.empty((height, width, 3) if pixel_format is PixelFormat.BGR8 else (height, width), np.uint8)
