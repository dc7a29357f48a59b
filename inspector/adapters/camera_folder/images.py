"""Turn one image file into pixels of the expected kind, or say what is wrong with it.

A decoder may fill the missing rest of a truncated file with grey and call it an image: a part of which half is
missing must not be judged. So the container's own end is looked for before anything is decoded.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inspector.adapters.camera_folder import dicom
from inspector.adapters.camera_folder.header import size_px
from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}) | dicom.SUFFIXES
WITHOUT_END = frozenset({".tif", ".tiff"}) | dicom.SUFFIXES
"""Kinds of files of which only time tells that they are whole."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_JPEG = b"\xff\xd8"
_JPEG_END = 0xD9
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_BMP = b"BM"
_AS_STORED = cv2.IMREAD_UNCHANGED
_GREY = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
_COLOUR = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What every file must be. ``convert``: a named format may turn grey into colour and colour into grey.

    ``window``: of DICOM files: the grey levels that become 0 and 255; None: the file's own.
    """

    width: int
    height: int
    pixel_format: PixelFormat
    convert: bool
    window: dicom.Window | None = None


def count_frames(path: Path) -> int:
    """How many pictures the file holds: a DICOM file may hold many.

    Raises:
        FrameError: it is no usable file.
    """
    return dicom.count_frames(path) if path.suffix.lower() in dicom.SUFFIXES else 1


def describe_file(path: Path) -> tuple[int, int, PixelFormat]:
    """Width, height and the format that the file itself has.

    Raises:
        FrameError: it is no usable image.
    """
    pixels, pixel_format = read_image(path)
    return pixels.shape[1], pixels.shape[0], pixel_format


def read_image(path: Path, *, most_px: int | None = None) -> tuple[Pixels, PixelFormat]:
    """The pixels as the file has them, shape (height, width) or (height, width, 3), and their format.

    Of a DICOM file its first frame, seen through its own window. ``most_px``: a file from somebody else that says it
    has more pixels, or does not say how many, is not decoded; None: any number.

    Raises:
        FrameError: it is no usable image.
    """
    if path.suffix.lower() in dicom.SUFFIXES:
        seen = dicom.read_frame(path, 0, wanted=None, window=None)
        return seen, PixelFormat.MONO8 if seen.ndim == 2 else PixelFormat.BGR8  # noqa: PLR2004 - rows, columns
    content = _whole_bytes(path)
    if most_px is not None:
        _check_size(path, content, most_px)
    pixels = _decode(path, content, _AS_STORED)
    colour = pixels.ndim == 3  # noqa: PLR2004 - rows, columns, channels
    if pixels.dtype == np.uint16 and not colour:
        return pixels, PixelFormat.MONO16
    if pixels.dtype == np.uint8 and (not colour or pixels.shape[2] == PixelFormat.BGR8.channels):
        return pixels, PixelFormat.BGR8 if colour else PixelFormat.MONO8
    raise FrameError(f"{path}: {_kind(pixels)} is not usable; 8-bit grey or colour, or 16-bit grey would be right")


def _check_size(path: Path, content: bytes, most_px: int) -> None:
    size = size_px(content)
    if size is None:
        raise FrameError(f"{path}: does not say how large it is; a whole PNG, JPEG, TIFF or BMP would be right")
    width, height = size
    if width * height > most_px:
        raise FrameError(f"{path}: {width} x {height} px are too many; at most {most_px / 1e6:.0f} million are decoded")


def read_into(path: Path, into: Pixels, expected: Expected, *, index: int = 0) -> None:
    """Decode the file into ``into``; of a file with many frames the one at ``index``.

    Raises:
        FrameError: it is cut short, unreadable, or of another size or kind.
    """
    wanted = expected.pixel_format
    if path.suffix.lower() in dicom.SUFFIXES:
        pixels = _converted(dicom.read_frame(path, index, wanted=wanted, window=expected.window), expected)
    else:
        pixels = _decode(path, _whole_bytes(path), _flags(expected))
    if pixels.shape[:2] != (expected.height, expected.width):
        raise FrameError(
            f"{path}: {pixels.shape[1]} x {pixels.shape[0]} px "
            f"where {expected.width} x {expected.height} px is expected"
        )
    if pixels.ndim != into.ndim or pixels.shape[2:] != into.shape[2:]:
        raise FrameError(
            f"{path}: {_kind(pixels)} where {wanted.value} is expected; "
            f'camera.pixel_format = "{wanted.value}" converts it, unless it is a raw mosaic'
        )
    if pixels.dtype != wanted.dtype:
        raise FrameError(f"{path}: {_kind(pixels)} where {wanted.dtype.itemsize * 8} bit ({wanted.value}) is expected")
    np.copyto(into, pixels)


def _converted(pixels: Pixels, expected: Expected) -> Pixels:
    """Grey or colour as wanted, where a format was named."""
    if not expected.convert or pixels.dtype != np.uint8 or expected.pixel_format.is_bayer:
        return pixels
    colour = pixels.ndim > 2  # noqa: PLR2004 - rows, columns, channels
    if colour and expected.pixel_format is PixelFormat.MONO8:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    if not colour and expected.pixel_format is PixelFormat.BGR8:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)
    return pixels


def _flags(expected: Expected) -> int:
    if not expected.convert or expected.pixel_format.is_bayer:
        return _AS_STORED
    return _COLOUR if expected.pixel_format is PixelFormat.BGR8 else _GREY


def _whole_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FrameError(f"{path}: cannot be read: {error.strerror}") from error
    if not content:
        raise FrameError(f"{path}: is empty (0 bytes); a whole image would be right")
    if not is_whole(content):
        raise FrameError(f"{path}: is cut short at {len(content)} bytes; a whole image would be right")
    return content


def is_whole(content: bytes) -> bool:
    """Whether the container ends as it should. TIFF has no end mark: its decoder refuses missing strips."""
    if content.startswith(_PNG):
        return _PNG_END in content[-4096:]
    if content.startswith(_JPEG):
        return _jpeg_ends(content)
    if content.startswith(_BMP):
        return len(content) >= 6 and len(content) >= int(struct.unpack_from("<I", content, 2)[0])  # noqa: PLR2004
    return bool(content)


def _jpeg_ends(content: bytes) -> bool:
    """Walk the segments: an end mark inside a thumbnail or a table is not the end of the image."""
    place = len(_JPEG)
    while True:
        found = _JPEG_MARKER.search(content, place)
        if found is None:
            return False
        marker = content[found.start() + 1]
        if marker == _JPEG_END:
            return True
        if found.end() + 2 > len(content):
            return False
        place = found.end() + int(struct.unpack_from(">H", content, found.end())[0])


def _decode(path: Path, content: bytes, flags: int) -> Pixels:
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise FrameError(f"{path}: cannot be decoded: {error.err or error}") from error
    if pixels is None:
        raise FrameError(f"{path}: is damaged or no image; PNG, JPEG, TIFF or BMP would be right")
    if pixels.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise FrameError(f"{path}: pixels of {pixels.dtype}; 8 or 16 bit would be right")
    return pixels  # type: ignore[return-value] # the dtype was checked above


def _kind(pixels: Pixels) -> str:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1  # noqa: PLR2004 - rows, columns, channels
    name = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    return f"{pixels.dtype.itemsize * 8}-bit {name}"
