"""One picture with its class mask, ready to be cut from."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tools.training.cells import BOXED, UNKNOWN_PIXEL

_POINTS = 200  # of each class, kept per picture to centre crops on


@dataclass(slots=True, kw_only=True)
class Picture:
    """One picture to cut crops from. ``mask``: values as in ``cells``."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    points: dict[int, NDArray[np.int64]]
    """Class (from 1) -> (k, 2) row, column of some of its pixels."""
    hard: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), np.int64))
    """(k, 2) row, column of sound places that the net took for a defect."""


def picture(pixels: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator) -> Picture:
    """Prepare a picture: remember some pixels of each class."""
    points: dict[int, NDArray[np.int64]] = {}
    for value in np.unique(mask[(mask > 0) & (mask != UNKNOWN_PIXEL)]):
        places = np.argwhere(mask == value)
        own = places[rng.choice(len(places), min(_POINTS, len(places)), replace=False)]
        label = int(value) - BOXED if value > BOXED else int(value)
        points[label] = np.concatenate([points[label], own]) if label in points else own
    return Picture(pixels=pixels, mask=mask, points=points)
