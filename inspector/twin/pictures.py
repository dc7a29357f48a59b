"""Pictures of what is not the expected part: an empty belt, a part of another type, a part that lies turned."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
_RUBBER, _METAL = 46, 150


def empty_belt(height: int, width: int, seed: int = 0) -> Picture:
    """Rubber with its weave and nothing on it, (height, width)."""
    rng = np.random.Generator(np.random.SFC64(seed))
    grain = rng.normal(0.0, 4.0, (height, width))
    weave = 3.0 * np.sin(np.arange(height) / 3.0)[:, None] * np.sin(np.arange(width) / 3.0)[None, :]
    return np.clip(_RUBBER + grain + weave, 0, 255).astype(np.uint8)


def other_type(height: int, width: int, seed: int = 0) -> Picture:
    """A part of another type on the belt: round, where ours fill the frame, with three holes."""
    picture = empty_belt(height, width, seed)
    radius = int(min(height, width) * 0.42)
    middle = (width // 2, height // 2)
    cv2.circle(picture, middle, radius, (_METAL,), thickness=-1)
    for turn in range(3):
        angle = 2 * np.pi * turn / 3
        hole = (int(middle[0] + 0.6 * radius * np.cos(angle)), int(middle[1] + 0.6 * radius * np.sin(angle)))
        cv2.circle(picture, hole, radius // 6, (_RUBBER,), thickness=-1)
    return picture


def turned(picture: Picture, degrees: float) -> Picture:
    """The part turned about the middle of the frame; where it leaves the frame open, the belt shows."""
    height, width = picture.shape
    if degrees % 360 == 180:  # noqa: PLR2004 - exact, without resampling
        return np.ascontiguousarray(picture[::-1, ::-1])
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    moved = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=(_RUBBER,))
    return moved.astype(np.uint8)
