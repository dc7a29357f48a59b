"""Cut training crops: centred on defects, on hard sound places, or anywhere; then vary their look."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.plan import NORM_MIDDLE, NORM_SCALE, STRIDE
from tools.training.cells import UNKNOWN_PIXEL, cell_targets
from tools.training.painter import CrackStyle, paint_crack
from tools.training.paster import paste_defect
from tools.training.picture import Picture

_OVERHANG_PX = 24  # crops may leave the picture by this much; the line pads frames the same way (replicate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How crops are chosen and their look is varied. Shares are of all crops.

    ``turned``: crops may be turned by 90 degrees; without, they are only mirrored: parts that always lie the same way
    keep the direction of their grinding. ``gain``, ``shift``: contrast factor and grey levels added.
    """

    defect_share: float = 0.6
    hard_share: float = 0.25
    scaled_share: float = 0.4
    scales: tuple[float, float] = (0.8, 1.25)
    noisy_share: float = 0.3
    blurred_share: float = 0.15
    gain: tuple[float, float] = (0.75, 1.3)
    shift: float = 25.0
    turned: bool = True


@dataclass(slots=True, kw_only=True)
class Pool:
    """Pictures of one origin, and the share of a batch's crops that come from it.

    ``classes``: how often each class is centred on; empty: all that occur, alike. ``painted``: share of its sound
    crops that get a painted crack of class ``crack`` (from 1); ``pasted``: that get a defect of another picture.
    """

    pictures: list[Picture]
    share: float
    classes: dict[int, float] = field(default_factory=dict)
    painted: float = 0.0
    pasted: float = 0.0
    crack: int = 1
    _holding: dict[int, list[int]] = field(default_factory=dict)

    def index(self) -> None:
        """Note which pictures hold which class; to be called when pictures were exchanged."""
        self._holding = {}
        for number, source in enumerate(self.pictures):
            for label in source.points:
                self._holding.setdefault(label, []).append(number)

    def draw_class(self, rng: np.random.Generator) -> int | None:
        """Choose a class to centre on; None: no picture holds one."""
        labels = sorted(self._holding)
        if not labels:
            return None
        weights = np.array([self.classes.get(label, 0.0) if self.classes else 1.0 for label in labels])
        if not weights.sum():
            return None
        return int(rng.choice(labels, p=weights / weights.sum()))

    def draw_holding(self, rng: np.random.Generator, label: int) -> Picture:
        """Choose a picture that holds a class."""
        own = self._holding[label]
        return self.pictures[own[int(rng.integers(len(own)))]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """``images`` (n, 1, s, s) float32 normalised; ``targets`` (n, classes, s/8, s/8) uint8."""

    images: NDArray[np.float32]
    targets: NDArray[np.uint8]


def _centre(rng: np.random.Generator, pool: Pool, look: Look) -> tuple[Picture, tuple[int, int] | None]:
    """Choose a picture and the pixel to centre a crop near; None: anywhere."""
    draw = rng.random()
    if draw < look.defect_share:
        label = pool.draw_class(rng)
        if label is not None:
            candidate = pool.draw_holding(rng, label)
            row, column = candidate.points[label][int(rng.integers(len(candidate.points[label])))]
            return candidate, (int(row), int(column))
    elif draw < look.defect_share + look.hard_share:
        for _ in range(12):
            candidate = pool.pictures[int(rng.integers(len(pool.pictures)))]
            if len(candidate.hard):
                row, column = candidate.hard[int(rng.integers(len(candidate.hard)))]
                return candidate, (int(row), int(column))
    return pool.pictures[int(rng.integers(len(pool.pictures)))], None


def _cut(
    rng: np.random.Generator, source: Picture, centre: tuple[int, int] | None, side: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cut a square of ``side`` px; beyond the picture its border is repeated, as on the line, and teaches nothing."""
    corner = []
    for axis in (0, 1):
        low, high = -_OVERHANG_PX, source.pixels.shape[axis] - side + _OVERHANG_PX
        if high < low:  # a picture smaller than the crop lies anywhere in it
            low, high = high, low
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
    rim = [min(margin, STRIDE) for margin in margins]
    known = cv2.copyMakeBorder(source.mask[rows, columns], rim[0], rim[1], rim[2], rim[3], cv2.BORDER_REPLICATE)
    top, bottom, left, right = (margin - kept for margin, kept in zip(margins, rim, strict=True))
    mask = cv2.copyMakeBorder(known, top, bottom, left, right, cv2.BORDER_CONSTANT, value=UNKNOWN_PIXEL)
    return np.asarray(pixels, np.uint8), np.asarray(mask, np.uint8)


def _varied(rng: np.random.Generator, pixels: NDArray[np.uint8], look: Look) -> NDArray[np.float32]:
    """Vary contrast, brightness, sharpness, noise; return grey levels as float."""
    image = pixels.astype(np.float32)
    if rng.random() < look.blurred_share:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 0.8))), np.float32)
    mean = float(image.mean())
    shift = float(rng.uniform(-look.shift, look.shift))
    image = (image - mean) * np.float32(rng.uniform(*look.gain)) + np.float32(mean + shift)
    if rng.random() < look.noisy_share:
        grain = rng.standard_normal(image.shape, np.float32)
        image += grain * np.float32(rng.uniform(0.0, 3.0))
    return np.asarray(np.clip(np.rint(image), 0, 255), np.float32)


def _crop(rng: np.random.Generator, pool: Pool, side: int, look: Look) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Make one crop: image (side, side) of grey levels and its class mask."""
    source, centre = _centre(rng, pool, look)
    cut = side
    if rng.random() < look.scaled_share:
        cut = int(side / rng.uniform(*look.scales))
    pixels, mask = _cut(rng, source, centre, cut)
    if pool.painted and not (mask % UNKNOWN_PIXEL).any() and rng.random() < pool.painted:
        pixels, crack = paint_crack(rng, pixels, CrackStyle())
        mask = np.where(crack & (mask == 0), np.uint8(pool.crack), mask).astype(np.uint8)
    if pool.pasted and not (mask % UNKNOWN_PIXEL).any() and rng.random() < pool.pasted:
        label = pool.draw_class(rng)
        if label is not None:
            pixels, mask = paste_defect(rng, pixels, mask, pool.draw_holding(rng, label), label)
    if cut != side:
        way = cv2.INTER_AREA if cut > side else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, (side, side), interpolation=way), np.uint8)
        mask = np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST), np.uint8)
    if look.turned:
        turns = int(rng.integers(4))
        pixels, mask = np.rot90(pixels, turns), np.rot90(mask, turns)
    for axis in (0, 1):
        if rng.random() < 0.5:  # noqa: PLR2004 - as often as not
            pixels, mask = np.flip(pixels, axis), np.flip(mask, axis)
    return _varied(rng, np.ascontiguousarray(pixels), look), np.ascontiguousarray(mask)


def draw_batch(
    rng: np.random.Generator, pools: Sequence[Pool], look: Look, *, count: int, side: int, classes: int
) -> Batch:
    """Draw ``count`` crops of ``side`` px from the pools, by their shares."""
    images = np.empty((count, 1, side, side), np.float32)
    shares = np.array([pool.share for pool in pools])
    targets = []
    for i in range(count):
        pool = pools[int(rng.choice(len(pools), p=shares / shares.sum()))]
        image, mask = _crop(rng, pool, side, look)
        images[i, 0] = (image - NORM_MIDDLE) / NORM_SCALE
        targets.append(cell_targets(mask, classes))
    return Batch(images=images, targets=np.stack(targets))
