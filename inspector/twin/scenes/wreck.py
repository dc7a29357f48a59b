"""Spoil a picture as plants do: a cloth over the part, half a frame, noise, a frame full of strokes."""

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray


class Wreck(Enum):
    """What was done to the picture. Nothing of it is a defect of the part, and none may pass one."""

    COVERED = "covered"
    """A cloth of a weave of its own hangs over more than a third of the view."""
    TORN = "torn"
    """The lower part of the frame never came: its memory holds what it held before, nothing."""
    NOISE = "noise"
    """Every pixel is by chance."""
    STROKES = "strokes"
    """Five thousand dense dark strokes for every 12 megapixels and at least a thousand."""


_PER_PIXEL = 5000 / 12.3e6
_FEWEST = 1000
_DEEPEST = 70


def wrecked(pixels: NDArray[np.uint8], wreck: Wreck, seed: int) -> NDArray[np.uint8]:
    """A spoilt copy of a frame (height, width). Pure: the same arguments give the same bytes."""
    random = np.random.Generator(np.random.SFC64(seed))
    height, width = pixels.shape
    spoilt = pixels.copy()
    if wreck is Wreck.NOISE:
        return random.integers(0, 256, pixels.shape, np.uint8)
    if wreck is Wreck.TORN:
        spoilt[int(height * random.uniform(0.3, 0.7)) :] = 0
    elif wreck is Wreck.COVERED:
        edge = int(width * random.uniform(0.35, 0.6))
        rows, columns = np.mgrid[0:height, 0:edge]
        weave = 28 + 10 * ((rows // 3 + columns // 3) % 2)
        spoilt[:, :edge] = weave + random.integers(0, 6, (height, edge))
    else:
        _strew(spoilt, random)
    return spoilt


def _strew(pixels: NDArray[np.uint8], random: np.random.Generator) -> None:
    """Dark strokes by chance, in place."""
    height, width = pixels.shape
    count = max(round(pixels.size * _PER_PIXEL), _FEWEST)
    strokes = np.zeros_like(pixels)
    for x, y, angle in zip(
        random.integers(0, width, count).tolist(),
        random.integers(0, height, count).tolist(),
        random.uniform(0, np.pi, count).tolist(),
        strict=True,
    ):
        dx, dy = round(9 * np.cos(angle)), round(9 * np.sin(angle))
        cv2.line(strokes, (x - dx, y - dy), (x + dx, y + dy), _DEEPEST, 3, cv2.LINE_AA)
    cv2.subtract(pixels, strokes, dst=pixels)
