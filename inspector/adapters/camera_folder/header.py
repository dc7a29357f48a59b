"""How large a picture says it is, read from its first bytes: before a small file is let become gigabytes of pixels."""

import re
import struct
from collections.abc import Callable, Sequence

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_FRAME = re.compile(rb"\xff([\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf])")
_JPEG_SEGMENT = re.compile(rb"\xff[^\x00\xff\xd0-\xd8]")
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_SHORT, _TIFF_LONG = 3, 4
_OLD_BMP = 12
"""Size of the first kind of BMP header, whose width and height have 16 bits."""


def size_px(content: bytes) -> tuple[int, int] | None:
    """Width and height as a PNG, JPEG, BMP or TIFF file says them; None for any other file, or a broken one."""
    try:
        return next((read(content) for begins, read in _KINDS if content.startswith(begins)), None)
    except (struct.error, IndexError):
        return None


def _png(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _bmp(content: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if header == _OLD_BMP else "<ii", content, 18)
    return abs(width), abs(height)


def _jpeg(content: bytes) -> tuple[int, int] | None:
    """Walk the segments to the frame's own: a thumbnail inside another segment has one, too."""
    place = 2
    while (found := _JPEG_SEGMENT.search(content, place)) is not None:
        if _JPEG_FRAME.match(content, found.start()):
            height, width = struct.unpack_from(">HH", content, found.start() + 5)
            return width, height
        place = found.end() + int(struct.unpack_from(">H", content, found.end())[0])
    return None


def _tiff(order: str) -> Callable[[bytes], tuple[int, int] | None]:
    """Of the first picture in the file, which is the one that is decoded."""

    def read(content: bytes) -> tuple[int, int] | None:
        (place,) = struct.unpack_from(f"{order}I", content, 4)
        (many,) = struct.unpack_from(f"{order}H", content, place)
        found: dict[int, int] = {}
        for entry in range(place + 2, place + 2 + 12 * many, 12):
            tag, kind = struct.unpack_from(f"{order}HH", content, entry)
            if tag in {_TIFF_WIDTH, _TIFF_HEIGHT} and kind in {_TIFF_SHORT, _TIFF_LONG}:
                (found[tag],) = struct.unpack_from(f"{order}{'H' if kind == _TIFF_SHORT else 'I'}", content, entry + 8)
        return (found[_TIFF_WIDTH], found[_TIFF_HEIGHT]) if len(found) == len((_TIFF_WIDTH, _TIFF_HEIGHT)) else None

    return read


_KINDS: Sequence[tuple[bytes, Callable[[bytes], tuple[int, int] | None]]] = (
    (_PNG, _png),
    (b"\xff\xd8", _jpeg),
    (b"BM", _bmp),
    (b"II*\x00", _tiff("<")),
    (b"MM\x00*", _tiff(">")),
)
