"""Formats of pixels on a camera's wire, by the names of GenICam's Pixel Format Naming Convention (PFNC).

Mono12         two bytes a pixel                    Mono12p        bits one after the other, lowest first
BayerRG8       a mosaic; red stands top left        Mono12Packed   GigE Vision: two pixels in three bytes
"""

import re
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from inspector.domain.frame import Pixels

_NAME = re.compile(r"(Mono|BayerRG|BayerGR|BayerGB|BayerBG)(8|10|12|14|16)(p|Packed|)")
_COLOUR = {"RGB8": "RGB", "RGB8Packed": "RGB", "BGR8": "BGR", "BGR8Packed": "BGR"}
_PACKED_BITS = frozenset({10, 12})
_BYTE_BITS = 8


class Packing(Enum):
    """How the bits of deep pixels lie. ``BYTES``: each in bytes of its own; ``BITS``: "p"; ``PAIRS``: "Packed"."""

    BYTES = ""
    BITS = "p"
    PAIRS = "Packed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFormat:
    """One format. ``kind``: "Mono", "BayerRG" ..., "RGB" or "BGR"; ``bits``: of a pixel, or of each of its colours."""

    name: str
    kind: str
    bits: int
    packing: Packing = Packing.BYTES

    @property
    def deep(self) -> bool:
        """Whether a pixel has more than 8 bits."""
        return self.bits > _BYTE_BITS

    @property
    def mosaic(self) -> bool:
        """Whether it is a raw colour mosaic."""
        return self.kind.startswith("Bayer")

    @property
    def group(self) -> int:
        """A row must have a multiple of so many pixels, to end with a whole byte."""
        if self.packing is Packing.BYTES:
            return 1
        return 4 if self.packing is Packing.BITS and self.bits == 10 else 2  # noqa: PLR2004 - 4 x 10 bits are 5 bytes

    def row_bytes(self, width: int) -> int:
        """Bytes of a row."""
        if self.packing is Packing.PAIRS:
            return width * 3 // 2
        if self.packing is Packing.BITS:
            return width * self.bits // _BYTE_BITS
        return width * (2 if self.deep else 1) * (1 if self.kind not in {"RGB", "BGR"} else 3)

    def frame(self, data: NDArray[np.uint8], width: int, height: int) -> Pixels:
        """The bytes of one frame, at least as many as it has, as ``Delivery`` has them; a view."""
        rows = data[: self.row_bytes(width) * height].reshape(height, self.row_bytes(width))
        if self.kind in {"RGB", "BGR"}:
            return rows.reshape(height, width, 3)
        return rows.view(np.uint16) if self.deep and self.packing is Packing.BYTES else rows


def wire_format(name: str) -> WireFormat:
    """The format of this name.

    Raises:
        ValueError: none that is read here; with what would be right.
    """
    if name in _COLOUR:
        return WireFormat(name=name, kind=_COLOUR[name], bits=8)
    match = _NAME.fullmatch(name)
    if match is not None:
        kind, bits, packing = match[1], int(match[2]), Packing(match[3])
        if packing is Packing.BYTES or bits in _PACKED_BITS:
            return WireFormat(name=name, kind=kind, bits=bits, packing=packing)
    raise ValueError(
        f"pixel_format = {name!r} is not read; Mono8, Mono10 to Mono16, BayerRG8 to BayerRG16 (and GR, GB, BG), their "
        "packed kinds (Mono10p, Mono12p, Mono10Packed, Mono12Packed ...), RGB8 and BGR8 are"
    )


def unpacked(rows: NDArray[np.uint8], wire: WireFormat, width: int) -> NDArray[np.uint16]:
    """Packed rows (height, bytes of a row) as (height, width) uint16."""
    height = rows.shape[0]
    groups = np.ascontiguousarray(rows).reshape(height, -1, 5 if wire.group == 4 else 3)  # noqa: PLR2004 - see group
    part = [groups[..., index].astype(np.uint16) for index in range(groups.shape[-1])]
    pixels = np.empty((height, groups.shape[1], wire.group), np.uint16)
    if wire.packing is Packing.PAIRS:
        low = 4 if wire.bits == 12 else 2  # noqa: PLR2004 - bits of each pixel in the byte that both share
        pixels[..., 0] = part[0] << low | part[1] & (1 << low) - 1
        pixels[..., 1] = part[2] << low | part[1] >> 4 & (1 << low) - 1
    elif wire.bits == 12:  # noqa: PLR2004 - its name says it
        pixels[..., 0] = part[0] | (part[1] & 0x0F) << 8
        pixels[..., 1] = part[1] >> 4 | part[2] << 4
    else:
        pixels[..., 0] = part[0] | (part[1] & 0x03) << 8
        pixels[..., 1] = part[1] >> 2 | (part[2] & 0x0F) << 6
        pixels[..., 2] = part[2] >> 4 | (part[3] & 0x3F) << 4
        pixels[..., 3] = part[3] >> 6 | part[4] << 2
    return pixels.reshape(height, width)
