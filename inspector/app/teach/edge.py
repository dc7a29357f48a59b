"""The frame's border: by how much its rings of cells look odder than the middle, on every good part."""

from collections.abc import Sequence

import numpy as np

from inspector.app.teach.gaussian import Floats

RINGS = 2
"""Rings inside the outermost one, which is not looked at, that have a factor of their own."""


def gain(maps: Sequence[Floats]) -> tuple[float, ...]:
    """Factors for ``RINGS`` rings that bring their mean to that of the middle; never above 1.

    ``maps``: distances of good parts by models that did not see them. Maps too small to have a middle are left out.
    """
    levels = [[_level(one, ring) for ring in range(RINGS + 1)] for one in maps if min(one.shape) > 2 * RINGS]
    if not levels:
        return (1.0,) * RINGS
    *rings, middle = np.mean(levels, axis=0)
    return tuple(float(min(1.0, middle / ring)) for ring in rings)


def softened(distances: Floats, factors: Sequence[float]) -> Floats:
    """The map with the factors on its rings, outermost first."""
    table = np.array([*factors, 1.0], np.float32)
    changed: Floats = distances * table[np.minimum(_rings(distances.shape), len(factors))]
    return changed


def _level(distances: Floats, ring: int) -> float:
    return float(distances[np.minimum(_rings(distances.shape), RINGS) == ring].mean())


def _rings(shape: tuple[int, ...]) -> np.ndarray:
    """How many cells away from the border each cell is."""
    inwards = [np.minimum(np.arange(length), np.arange(length)[::-1]) for length in shape]
    return np.minimum.outer(*inwards)
