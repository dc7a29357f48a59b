"""Open a picture or a mask once, to know that it can be used."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.adapters.camera_folder.images import read_image
from inspector.domain.errors import FrameError
from tools.data.record import Trouble

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a picture file turned out to be."""

    width: int
    height: int
    sha256: str


def examine(path: Path) -> Picture:
    """Decode a picture with the line's own reader.

    Raises:
        FrameError: it is missing, cut short, damaged or of a kind that the line does not take.
    """
    pixels, _ = read_image(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Picture(width=pixels.shape[1], height=pixels.shape[0], sha256=digest)


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Read a mask's values; of a coloured mask the strongest channel.

    Raises:
        FrameError: there is none, or it cannot be decoded.
    """
    if not path.is_file():
        raise FrameError(f"the mask {path.name} is missing")
    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint8:
        raise FrameError(f"the mask {path.name} is no 8-bit image")
    flat = values if values.ndim == 2 else values[:, :, :3].max(axis=2)  # noqa: PLR2004 - rows and columns
    return np.asarray(flat, np.uint8)


def examine_mask(path: Path, picture: Picture, labels: int) -> NDArray[np.uint8]:
    """Read a mask and check it against its picture.

    Raises:
        FrameError: missing, of another size, or with a value that no class has.
    """
    mask = read_mask(path)
    if mask.shape != (picture.height, picture.width):
        raise FrameError(
            f"the mask {path.name} is {mask.shape[1]} x {mask.shape[0]} px, "
            f"the picture {picture.width} x {picture.height} px"
        )
    highest = int(mask.max(initial=0))
    if labels > 1 and highest > labels:
        raise FrameError(f"the mask {path.name} has the value {highest}, but there are only {labels} classes")
    return mask


def images_in(folder: Path) -> list[Path]:
    """Every picture file under a folder, by name."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


@contextmanager
def set_aside(troubles: list[Trouble], path: Path) -> Iterator[None]:
    """Note a picture that cannot be used, and go on with the next."""
    try:
        yield
    except FrameError as error:
        troubles.append(Trouble(path=path, reason=str(error).removeprefix(f"{path}: ")))
