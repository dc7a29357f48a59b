"""The part and its picture."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


class PixelFormat(Enum):
    """How a frame's numbers are light (GenICam PFNC names)."""

    MONO8 = "Mono8"
    MONO16 = "Mono16"
    BGR8 = "BGR8"
    BAYER_RG8 = "BayerRG8"
    BAYER_GR8 = "BayerGR8"
    BAYER_GB8 = "BayerGB8"
    BAYER_BG8 = "BayerBG8"

    @property
    def channels(self) -> int:
        """Numbers a pixel."""
        return 3 if self is PixelFormat.BGR8 else 1

    @property
    def dtype(self) -> np.dtype[np.uint8] | np.dtype[np.uint16]:
        """The numpy type of one number."""
        return np.dtype(np.uint16) if self is PixelFormat.MONO16 else np.dtype(np.uint8)

    @property
    def is_bayer(self) -> bool:
        """Whether the frame is a raw colour mosaic."""
        return self.value.startswith("Bayer")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartId:
    """One part on the belt.

    ``part_seq`` is the PLC's own trigger counter (32 bit, 0 unused; where no PLC counts, ours). ``series``
    grows by one whenever that counter starts anew, so that (series, part_seq) never comes twice.
    """

    part_seq: int
    series: int = 1
    serial: str = ""
    lot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStamp:
    """Which camera took a frame, and how it was set. ``None``: this camera cannot tell."""

    serial: str
    exposure_us: float | None = None
    gain_db: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What a camera gave for one grab, before anyone said which part it shows.

    ``pixels``: read-only view into the buffer that was lent, shape (height, width) or (height, width, 3).
    ``frame_no``: the camera's own frame counter; None for a source that has none (a folder of files).
    ``taken_at``: monotonic seconds of the exposure (or of arrival); ``taken_utc``: the same for the record.
    ``source``: the file (or place in a file) that this very picture came from; "" for a live camera.
    ``device_timestamp_ns``: by the camera's own clock, whose zero is its own; None for a source that has none.
    """

    pixels: Pixels
    pixel_format: PixelFormat
    frame_no: int | None
    taken_at: float
    taken_utc: datetime
    camera: CameraStamp
    source: str = ""
    device_timestamp_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One part's picture: the capture and the part it belongs to. Pixels are read-only."""

    part: PartId
    capture: Capture

    @property
    def pixels(self) -> Pixels:
        """Shape (height, width) or (height, width, 3), read-only."""
        return self.capture.pixels


SEQ_MODULUS = 1 << 32
MOST_UNSEEN = 1_000_000
"""A trigger counter that is further ahead than this jumped: no line runs so long that nobody saw it."""


def seq_after(part_seq: int, step: int = 1) -> int:
    """The 32-bit part number ``step`` after this one; 0 is never used, so the number after 2**32-1 is 1."""
    return (part_seq - 1 + step) % (SEQ_MODULUS - 1) + 1


def seq_distance(newer: int, older: int) -> int:
    """How many parts ``newer`` lies after ``older``; negative if it lies before (serial numbers with wrap)."""
    ring = SEQ_MODULUS - 1
    ahead = (newer - older) % ring
    return ahead if ahead <= ring // 2 else ahead - ring


SHORT_IDS = 0xFFFF
"""The last of a camera's 16-bit frame ids."""


MOST_LOST = 2000
"""Frames that a camera may take between two looks of a line that lives: 10 s at 200 a second. More are no loss."""


def ids_ahead(newer: int, older: int) -> int | None:
    """How many frames a camera's own frame id lies after an older one; None if its counter began anew.

    GigE Vision's short ids have 16 bits and leave 0 out: 65535 is followed by 1. Long ids have 64 bits and never wrap.
    Which of them a camera has, an id alone does not tell: one that goes back is a wrap only where it lost few frames.
    """
    if newer >= older:
        return newer - older
    if older > SHORT_IDS:
        return None
    ahead = (newer - older) % SHORT_IDS
    return ahead if ahead <= MOST_LOST else None
