"""Turn one frame of a DICOM or DICONDE file into pixels: industrial X-ray.

A detector gives 10 to 16 bits; the model looks at 8. Which grey levels become 0 and 255 is a window, applied through
one table of all stored values: modality rescale, window and MONOCHROME1 (bright is 0) in one step.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels

try:
    import pydicom
    from pydicom.errors import InvalidDicomError
    from pydicom.pixels import pixel_array
except ImportError:  # an extra: only who has such files needs it
    pydicom = None

SUFFIXES = frozenset({".dcm", ".dic", ".dicom", ".dcn"})
Window = tuple[float, float]
"""The grey levels, after the file's own rescaling, that become 0 and 255."""

_BYTE, _TWO_BYTES = 8, 16
_UNREADABLE = (ValueError, AttributeError, KeyError, TypeError, NotImplementedError, RuntimeError, EOFError, OSError)
"""What pydicom raises for a damaged or unknown file: it has no error of its own for most of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What the file says of all of its frames."""

    frames: int
    stored_bits: int
    signed: bool
    slope: float
    intercept: float
    window: Window | None
    inverted: bool
    colour: bool


def count_frames(path: Path) -> int:
    """How many frames the file holds.

    Raises:
        FrameError: it is no DICOM file, or its reader is not installed.
    """
    return _head(path).frames


def read_frame(path: Path, index: int, *, wanted: PixelFormat | None, window: Window | None) -> Pixels:
    """One frame: 8-bit grey through its window, or 16-bit grey as stored (``wanted`` Mono16), or 8-bit colour.

    ``window``: None: the file's own first one; where it has none, all values that its bits can hold.

    Raises:
        FrameError: it cannot be read, or is of a kind that nothing here can judge.
    """
    head = _head(path)
    try:
        pixels = pixel_array(path, index=index)
    except _UNREADABLE as error:
        raise FrameError(f"{_name(path, index, head)}: cannot be decoded: {error}") from error
    if head.colour:
        return _colour(pixels, _name(path, index, head))
    stored = _stored(pixels, head, _name(path, index, head))
    if wanted is PixelFormat.MONO16:
        if head.signed:
            raise FrameError(f"{path}: its values have a sign; Mono8 through a window would be right")
        top = (1 << head.stored_bits) - 1
        return np.subtract(np.uint16(top), stored) if head.inverted else stored
    low, high = window or head.window or _all_values(head)
    table = _table(head.stored_bits, head.signed, head.slope, head.intercept, low, high, head.inverted)
    return np.asarray(cv2.LUT(stored, table), np.uint8)


def _head(path: Path) -> _Head:
    if pydicom is None:
        raise FrameError(f"{path}: DICOM files need their reader; in the checkout: pip install '.[dicom]'")
    try:
        told = pydicom.dcmread(path, stop_before_pixels=True)
        return _Head(
            frames=int(told.get("NumberOfFrames") or 1),
            stored_bits=int(told.BitsStored),
            signed=bool(told.PixelRepresentation) if "PixelRepresentation" in told else False,
            slope=float(told.get("RescaleSlope") or 1.0),
            intercept=float(told.get("RescaleIntercept") or 0.0),
            window=_own_window(told),
            inverted=told.PhotometricInterpretation == "MONOCHROME1",
            colour=int(told.get("SamplesPerPixel") or 1) > 1,
        )
    except (InvalidDicomError, *_UNREADABLE) as error:
        raise FrameError(f"{path}: is damaged or no DICOM image: {error}") from error


def _own_window(told: Any) -> Window | None:
    """The first window of the file, by its ends (DICOM PS3.3 C.11.2.1.2.1: linear)."""
    center, width = (_first(told.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if center is None or width is None or width <= 1:
        return None
    return center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return float(value[0]) if hasattr(value, "__len__") and not isinstance(value, str) else float(value)


def _all_values(head: _Head) -> Window:
    low = -(1 << head.stored_bits - 1) if head.signed else 0
    ends = [(low + step) * head.slope + head.intercept for step in (0, (1 << head.stored_bits) - 1)]
    return min(ends), max(ends)


def _stored(pixels: Any, head: _Head, name: str) -> Pixels:
    """The stored bits as unsigned numbers, without what may stand in the bits above them."""
    if pixels.dtype.itemsize * 8 > _TWO_BYTES or head.stored_bits > _TWO_BYTES or pixels.dtype.kind not in "iu":
        raise FrameError(f"{name}: values of {pixels.dtype}; at most 16 bits a pixel would be right")
    plain = pixels.astype(np.uint16) if pixels.dtype.itemsize == 1 else pixels.view(np.uint16)
    mask = (1 << head.stored_bits) - 1
    kept = plain if head.stored_bits == _TWO_BYTES else plain & np.uint16(mask)
    return np.ascontiguousarray(kept, np.uint16)


def _colour(pixels: Any, name: str) -> Pixels:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != PixelFormat.BGR8.channels:  # noqa: PLR2004
        raise FrameError(f"{name}: colour of {pixels.dtype} {pixels.shape}; 8 bits, three colours would be right")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)


@lru_cache(maxsize=8)
def _table(
    bits: int,
    signed: bool,  # noqa: FBT001 - a key of the cache, never called by name
    slope: float,
    intercept: float,
    low: float,
    high: float,
    inverted: bool,  # noqa: FBT001
) -> Pixels:
    """For each of 65536 stored values the byte it becomes."""
    values = np.arange(1 << _TWO_BYTES, dtype=np.float64)
    if signed:
        half = 1 << (bits - 1)
        values = np.where(values >= half, values - 2 * half, values)
    share = np.clip((values * slope + intercept - low) / max(high - low, np.finfo(np.float64).tiny), 0, 1)
    return np.rint((1 - share if inverted else share) * ((1 << _BYTE) - 1)).astype(np.uint8)


def _name(path: Path, index: int, head: _Head) -> str:
    return f"{path}#{index + 1}" if head.frames > 1 else str(path)
