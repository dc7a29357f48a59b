"""Chooses the working scale: by pictures of bad parts where there are some, else by the size of the frame."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from inspector.app.teach import graph, pictures
from inspector.app.teach.eyes import LEAST_CELLS, Backbone, Eyes, open_eyes, within_margin
from inspector.app.teach.gaussian import Floats, Gaussian, Sums, total
from inspector.app.teach.lesson import LARGE_PX, distances
from inspector.app.teach.pictures import Picture
from inspector.domain.errors import FrameError

FULL, HALF = 1, 2
SMALL_PX = 384
"""A frame whose shorter side is below this is looked at in full: half of it would be a dozen cells.

A frame from ``LARGE_PX`` on is looked at in half: in full it would take four times as long.
"""
_LEAST = 5
_MOST = 12


def choose(
    backbone: Backbone, good: Sequence[Path], bad: Sequence[Path], tell: Callable[[str], None]
) -> tuple[int, str]:
    """Which part of the frame's scale to work at (1 for full, 2 for half), and why.

    Raises:
        FrameError: no picture of a good part can be used.
    """
    first = next(
        (one for one in pictures.read(good, smallest_px=LEAST_CELLS * graph.CELL_PX) if isinstance(one, Picture)), None
    )
    if first is None:
        raise FrameError(f"{good[0].parent}: none of {len(good)} pictures can be used")
    if first.pixels.size >= LARGE_PX:
        return HALF, "half, as for all frames of two megapixels and more"
    if len(good) >= _LEAST and len(bad) >= _LEAST:
        figures = {}
        for shrink in (FULL, HALF):
            with open_eyes(backbone, shrink=shrink) as eyes:
                figures[shrink] = _separation(_cells(eyes, good), _cells(eyes, bad))
            tell(f"scale 1/{shrink}: bad pictures stand out with AUROC {figures[shrink]:.3f}")
        words = ", ".join(f"{figure:.3f} at 1/{shrink}" for shrink, figure in figures.items())
        return max(figures, key=figures.__getitem__), f"the bad pictures stand out with AUROC {words}"
    if min(first.pixels.shape) < SMALL_PX:
        return FULL, f"full, as for all frames with a side below {SMALL_PX} px"
    return HALF, "half, as for all frames of this size (pictures of bad parts would let it be measured: --bad)"


def _cells(eyes: Eyes, paths: Sequence[Path]) -> list[Floats]:
    """Up to a dozen of the pictures, spread over the folder."""
    few = [paths[int(place)] for place in np.linspace(0, len(paths) - 1, min(len(paths), _MOST))]
    usable = pictures.read(few, smallest_px=LEAST_CELLS * eyes.cell_px)
    return [within_margin(eyes.see(one.pixels)) for one in usable if isinstance(one, Picture)]


def _separation(good: Sequence[Floats], bad: Sequence[Floats]) -> float:
    """How often a bad picture scores above a good one that was not taught; 0.5 is chance."""
    if len(good) < _LEAST or not bad:
        return 0.5
    sums = [Sums.of(one.reshape(-1, one.shape[2])) for one in good]
    everything = total(sums)
    clean = [distances(Gaussian.fit(everything - own), one).max() for own, one in zip(sums, good, strict=True)]
    model = Gaussian.fit(everything)
    found = [distances(model, one).max() for one in bad]
    return float((np.array(found)[:, None] > np.array(clean)[None, :]).mean())
