"""Puts what came over a camera's wire into a buffer as the line wants it."""

from functools import lru_cache

import cv2
import numpy as np

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels

DEEP = {"Mono10": 10, "Mono12": 12, "Mono14": 14, "Mono16": 16}
"""Formats of more than 8 bits, unpacked: two bytes a pixel."""
_SWAPPED = {"RGB8", "RGB8Packed"}
_COLOUR = {"BGR8": PixelFormat.BGR8, "BGR8Packed": PixelFormat.BGR8, **dict.fromkeys(_SWAPPED, PixelFormat.BGR8)}
_BYTE = 255


def line_format(wire_format: str, window: tuple[int, int] | None) -> PixelFormat:
    """What the line gets of a wire format; ``window`` makes 8 bits of more."""
    if wire_format in DEEP:
        return PixelFormat.MONO16 if window is None else PixelFormat.MONO8
    return _COLOUR.get(wire_format) or PixelFormat(wire_format)


def put_into(buffer: Pixels, pixels: Pixels, *, wire_format: str, window: tuple[int, int] | None, device: str) -> None:
    """Copy or convert one frame.

    Raises:
        FrameError: it is of another size or type than the camera was opened with.
    """
    deep = wire_format in DEEP
    wanted = np.dtype(np.uint16) if deep else np.dtype(np.uint8)
    if pixels.shape != buffer.shape or pixels.dtype != wanted:
        raise FrameError(
            f"{device}: a frame of {_kind(pixels)} where {wire_format} of {_kind(buffer)} is expected; "
            "is another program setting the camera?"
        )
    if deep and window is not None:
        cv2.LUT(pixels, _table(*window), dst=buffer)
    elif wire_format in _SWAPPED:
        cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR, dst=buffer)
    else:
        np.copyto(buffer, pixels)


@lru_cache(maxsize=4)
def _table(low: int, high: int) -> Pixels:
    """For each of 65536 grey levels the byte it becomes."""
    levels = np.arange(1 << 16, dtype=np.float64)
    return np.rint(np.clip((levels - low) / (high - low), 0, 1) * _BYTE).astype(np.uint8)


def _kind(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]} px, {pixels.dtype}"
