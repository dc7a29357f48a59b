"""Cut training crops: centred on defects, on hard sound places, or anywhere; then vary their look."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.cells import cell_targets
from tools.plan import NORM_MIDDLE, NORM_SCALE
from tools.scenebank import Picture

_OVERHANG_PX = 24  # crops may leave the picture by this much; the line pads frames the same way (replicate)
_DEFECT_SHARE, _HARD_SHARE = 0.4, 0.35
_CLASSES, _CLASS_SHARES = (1, 2, 3, 4, 5), (0.25, 0.4, 0.15, 0.15, 0.05)
"""Dark scratches are the rarer ones, and are told from cracks by their course alone: they need more looks."""
_SCALED_SHARE, _NOISY_SHARE, _BLURRED_SHARE = 0.4, 0.3, 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """``images`` (n, 1, s, s) float32 normalised; ``targets`` (n, 5, s/8, s/8) uint8."""

    images: NDArray[np.float32]
    targets: NDArray[np.uint8]


def _centre(rng: np.random.Generator, pictures: list[Picture]) -> tuple[Picture, tuple[int, int] | None]:
    """Choose a picture and the pixel to centre a crop near; None: anywhere."""
    draw = rng.random()
    if draw < _DEFECT_SHARE:
        label = int(rng.choice(_CLASSES, p=_CLASS_SHARES))
        for _ in range(12):
            candidate = pictures[int(rng.integers(len(pictures)))]
            places = candidate.points.get(label)
            if places is not None:
                row, column = places[int(rng.integers(len(places)))]
                return candidate, (int(row), int(column))
    elif draw < _DEFECT_SHARE + _HARD_SHARE:
        for _ in range(12):
            candidate = pictures[int(rng.integers(len(pictures)))]
            if len(candidate.hard):
                row, column = candidate.hard[int(rng.integers(len(candidate.hard)))]
                return candidate, (int(row), int(column))
    return pictures[int(rng.integers(len(pictures)))], None


def _cut(
    rng: np.random.Generator, source: Picture, centre: tuple[int, int] | None, side: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut a square of ``side`` px; beyond the picture its border is repeated, and sound."""
    corner = []
    for axis in (0, 1):
        low, high = -_OVERHANG_PX, source.pixels.shape[axis] - side + _OVERHANG_PX
        high = max(high, low)
        start = int(rng.integers(low, high + 1)) if centre is None else centre[axis] - int(rng.uniform(0.1, 0.9) * side)
        corner.append(min(max(start, low), high))
    top, left = corner
    h, w = source.pixels.shape
    before = (max(-top, 0), max(-left, 0))
    after = (max(top + side - h, 0), max(left + side - w, 0))
    rows = slice(max(top, 0), min(top + side, h))
    columns = slice(max(left, 0), min(left + side, w))
    margins = (before[0], after[0], before[1], after[1])
    pixels = cv2.copyMakeBorder(source.pixels[rows, columns], *margins, cv2.BORDER_REPLICATE)
    mask = cv2.copyMakeBorder(source.mask[rows, columns], *margins, cv2.BORDER_REPLICATE)
    return np.asarray(pixels, np.uint8), np.asarray(mask, np.uint8)


def _varied(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Vary contrast, brightness, sharpness, noise; return grey levels as float."""
    image = pixels.astype(np.float32)
    if rng.random() < _BLURRED_SHARE:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 0.8))), np.float32)
    mean = float(image.mean())
    image = (image - mean) * np.float32(rng.uniform(0.75, 1.3)) + np.float32(mean + rng.uniform(-25, 25))
    if rng.random() < _NOISY_SHARE:
        grain = rng.standard_normal(image.shape, np.float32)
        image += grain * np.float32(rng.uniform(0.0, 3.0))
    return np.asarray(np.clip(np.rint(image), 0, 255), np.float32)


def _crop(
    rng: np.random.Generator, pictures: list[Picture], side: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Make one crop: image (side, side) of grey levels and its class mask."""
    source, centre = _centre(rng, pictures)
    cut = side
    if rng.random() < _SCALED_SHARE:
        cut = int(side / rng.uniform(0.8, 1.25))
    pixels, mask = _cut(rng, source, centre, cut)
    if cut != side:
        way = cv2.INTER_AREA if cut > side else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, (side, side), interpolation=way), np.uint8)
        mask = np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST), np.uint8)
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    pixels, mask = np.rot90(pixels, turns), np.rot90(mask, turns)
    if flip:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    return _varied(rng, np.ascontiguousarray(pixels)), np.ascontiguousarray(mask)


def draw_batch(
    rng: np.random.Generator,
    scenes: list[Picture],
    real: list[Picture],
    *,
    count: int,
    side: int,
    real_share: float,
) -> Batch:
    """Draw ``count`` crops, each from a real picture with probability ``real_share``."""
    images = np.empty((count, 1, side, side), np.float32)
    targets = []
    for i in range(count):
        pool = real if real and rng.random() < real_share else scenes
        image, mask = _crop(rng, pool, side)
        images[i, 0] = (image - NORM_MIDDLE) / NORM_SCALE
        targets.append(cell_targets(mask))
    return Batch(images=images, targets=np.stack(targets))
