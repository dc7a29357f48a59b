"""A bank of rendered scenes with their masks, renewed scene by scene as training goes on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes import SceneSettings, render_mask

FIRST_TRAINING_SEED = 10_000_000
"""Training seeds start here; evaluation never uses seeds this high."""
_SIZES = ((1024, 1024), (1280, 960), (1024, 768), (1536, 1280), (2048, 1536), (1024, 1024), (1024, 768), (4096, 3000))
_POINTS = 200  # of each class, kept per picture to centre crops on


@dataclass(slots=True, kw_only=True)
class Picture:
    """One picture to cut crops from."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    points: dict[int, NDArray[np.int64]]
    """Class -> (k, 2) row, column of some of its pixels."""
    hard: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), np.int64))
    """(k, 2) row, column of sound places that the net took for a defect."""


def picture(pixels: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator) -> Picture:
    """Prepare a picture: remember some pixels of each class."""
    points = {}
    for label in range(1, int(mask.max()) + 1):
        places = np.argwhere(mask == label)
        if len(places):
            points[label] = places[rng.choice(len(places), min(_POINTS, len(places)), replace=False)]
    return Picture(pixels=pixels, mask=mask, points=points)


class SceneBank:
    """Holds ``size`` scenes; each renewal replaces the oldest by the next seed's."""

    def __init__(self, *, size: int, seed: int, made: int = 0) -> None:
        """``made`` scenes were rendered before (0 at the start): resuming renders the last ``size`` again."""
        self._seed = seed
        self._made = max(made - size, 0)
        self._size = size
        self.pictures: list[Picture] = []
        for _ in range(size):
            self.renew()
        turn = (self._made - size) % size  # scene k lies at place k % size, however the bank was filled
        self.pictures = self.pictures[size - turn :] + self.pictures[: size - turn]

    @property
    def made(self) -> int:
        """How many scenes were rendered so far."""
        return self._made

    def renew(self) -> Picture:
        """Render the next scene and put it in the place of the oldest."""
        fresh = self._render(FIRST_TRAINING_SEED + self._seed * 1_000_000 + self._made)
        if len(self.pictures) < self._size:
            self.pictures.append(fresh)
        else:
            self.pictures[self._made % self._size] = fresh
        self._made += 1
        return fresh

    @staticmethod
    def _render(seed: int) -> Picture:
        rng = np.random.default_rng(seed)
        width, height = _SIZES[int(rng.integers(len(_SIZES)))]
        settings = SceneSettings(
            width=width,
            height=height,
            defect_rate=0.7,
            px_per_mm=float(np.exp(rng.uniform(np.log(8.0), np.log(42.0)))),
            min_contrast_sigma=float(rng.uniform(4.2, 6.0)),
        )
        scene, mask = render_mask(seed, settings)
        return picture(scene.pixels, mask, rng)
