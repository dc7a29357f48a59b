"""Puts what came over a camera's wire into a buffer as the line wants it."""

from functools import lru_cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.ports.pixel_wire import Packing, WireFormat, unpacked, wire_format

_BYTE = 255


def line_format(name: str, window: tuple[int, int] | None) -> PixelFormat:
    """What the line gets of a wire format; ``window`` makes 8 bits of more.

    Raises:
        ValueError: a format that is not read, or a deep mosaic without a window.
    """
    wire = wire_format(name)
    if wire.kind in {"RGB", "BGR"}:
        return PixelFormat.BGR8
    if wire.deep and window is None:
        if wire.mosaic:
            raise ValueError(f'pixel_format = "{name}" needs a window: the grey levels that become 0 and 255')
        return PixelFormat.MONO16
    return PixelFormat(f"{wire.kind}8")


def put_into(buffer: Pixels, pixels: Pixels, *, wire_name: str, window: tuple[int, int] | None, device: str) -> None:
    """Copy or convert one frame. A mosaic stays one, whatever its depth: each of its pixels has its own grey level.

    Raises:
        FrameError: it is of another size or type than the camera was opened with.
    """
    wire = wire_format(wire_name)
    pixels = _in_bytes_of_its_own(pixels, wire, buffer.shape[1])
    wanted = np.dtype(np.uint16) if wire.deep else np.dtype(np.uint8)
    if pixels.shape != buffer.shape or pixels.dtype != wanted:
        raise FrameError(
            f"{device}: a frame of {_kind(pixels)} where {wire_name} of {_kind(buffer)} is expected; "
            "is another program setting the camera?"
        )
    if wire.deep and window is not None:
        cv2.LUT(pixels, _table(*window), dst=buffer)
    elif wire.kind == "RGB":
        cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR, dst=buffer)
    else:
        np.copyto(buffer, pixels)


def _in_bytes_of_its_own(pixels: Pixels, wire: WireFormat, width: int) -> Pixels:
    """Unpacked, where it is packed; some libraries have done it already."""
    if wire.packing is Packing.BYTES or pixels.dtype != np.uint8 or pixels.shape[1:] != (wire.row_bytes(width),):
        return pixels
    return unpacked(cast("NDArray[np.uint8]", pixels), wire, width)


@lru_cache(maxsize=4)
def _table(low: int, high: int) -> Pixels:
    """For each of 65536 grey levels the byte it becomes."""
    levels = np.arange(1 << 16, dtype=np.float64)
    return np.rint(np.clip((levels - low) / (high - low), 0, 1) * _BYTE).astype(np.uint8)


def _kind(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]} px, {pixels.dtype}"
