"""A bank of rendered scenes with their masks, renewed scene by scene as training goes on."""

import numpy as np

from inspector.twin.scenes import SceneSettings, render_mask
from tools.training.picture import Picture, picture

FIRST_TRAINING_SEED = 10_000_000
"""Training seeds start here; evaluation never uses seeds this high."""
_SIZES = ((1024, 1024), (1280, 960), (1024, 768), (1536, 1280), (2048, 1536), (1024, 1024), (1024, 768), (4096, 3000))


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
            min_contrast_sigma=float(rng.uniform(2.6, 6.0)),
        )
        scene, mask = render_mask(seed, settings)
        return picture(scene.pixels, mask, rng)
