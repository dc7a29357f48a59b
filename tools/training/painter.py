"""Paint cracks of a known width and contrast on real sound ground: a start for training, and a regression test.

Nets that saw painted cracks only do not find real ones: a figure on painted cracks is never evidence of accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

_FINE = 8  # supersampling of the stroke, per axis
_SEEN = 0.3  # coverage from which a pixel counts as crack in the mask
_MARGIN_PX = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrackStyle:
    """What cracks look like. Widths are drawn from the list, the others from the ranges (contrast log-uniform)."""

    widths_px: Sequence[float] = (1.0, 1.5, 2.0, 3.0, 4.0)
    contrast: tuple[float, float] = (8.0, 60.0)
    """Grey levels darker than the ground at full coverage."""
    length_px: tuple[float, float] = (40.0, 160.0)


def paint_crack(
    rng: np.random.Generator, pixels: NDArray[np.uint8], style: CrackStyle
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Paint one dark crack, a wandering polyline, somewhere on a picture (H, W).

    Returns:
        The painted copy and the mask of the crack's pixels.
    """
    h, w = pixels.shape
    width = float(rng.choice(style.widths_px))
    contrast = float(np.exp(rng.uniform(*np.log(style.contrast))))
    length = min(float(rng.uniform(*style.length_px)), 0.8 * float(np.hypot(h, w)))
    walk = _walk(rng, length)
    extent = np.ptp(walk, axis=0)
    room = np.maximum(np.array([w, h]) - extent - 2 * _MARGIN_PX, 1.0)
    walk += _MARGIN_PX + rng.uniform(0.0, 1.0, 2) * room - walk.min(axis=0)
    coverage = _coverage(walk, width, (h, w))
    painted = np.clip(np.rint(pixels - coverage * np.float32(contrast)), 0, 255).astype(np.uint8)
    return painted, np.asarray(coverage >= _SEEN)


def _walk(rng: np.random.Generator, length: float) -> NDArray[np.float64]:
    """Walk ``length`` px with a heading that wanders; (k, 2) x, y."""
    heading, walked = float(rng.uniform(0.0, 2.0 * np.pi)), 0.0
    points = [np.zeros(2)]
    while walked < length:
        step = min(float(rng.uniform(4.0, 10.0)), length - walked + 1e-3)
        heading += float(rng.normal(0.0, 0.35))
        points.append(points[-1] + step * np.array([np.cos(heading), np.sin(heading)]))
        walked += step
    return np.array(points)


def _coverage(walk: NDArray[np.float64], width: float, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Share of each pixel that a stroke of ``width`` px along the walk covers."""
    low = np.maximum(np.floor(walk.min(axis=0) - width - 2), 0).astype(int)
    high = np.minimum(np.ceil(walk.max(axis=0) + width + 2), np.array(shape[::-1])).astype(int)
    coverage = np.zeros(shape, np.float32)
    if (high <= low).any():
        return coverage
    fine = np.zeros(((high[1] - low[1]) * _FINE, (high[0] - low[0]) * _FINE), np.uint8)
    for a, b in pairwise((walk - low + 0.5) * _FINE):
        along = (b - a) / max(float(np.hypot(*(b - a))), 1e-6)
        normal = np.array([-along[1], along[0]]) * (width * _FINE / 2.0)
        corners = np.array([a + normal, b + normal, b - normal, a - normal])
        cv2.fillConvexPoly(fine, np.rint(corners * 16).astype(np.int32), 255, cv2.LINE_8, 4)
    small = cv2.resize(fine, tuple(int(v) for v in high - low), interpolation=cv2.INTER_AREA)
    coverage[low[1] : high[1], low[0] : high[0]] = np.asarray(small, np.float32) / np.float32(255.0)
    return coverage
