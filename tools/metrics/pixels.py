"""Pixel figures from histograms: every pixel bears its cell's score, as the line sees it, without smoothing.

Scores are put on ``LEVELS`` steps of their logit, finer than an int8 map's own steps, so that histograms of single
pictures add up and nothing is lost.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.metrics.components import TrueCells

LEVELS = 1024
_SPAN = 16.0
_LIMIT_FPR = 0.3
"""AUPRO is integrated up to this false-positive rate (Bergmann et al., "The MVTec Anomaly Detection Dataset",
International Journal of Computer Vision 129, 2021)."""
Floats = NDArray[np.float64]


def levels(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Step of each score, 0 the lowest."""
    clipped = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    logit = np.log(clipped / (1 - clipped))
    return np.clip(np.rint((logit + _SPAN) / (2 * _SPAN) * (LEVELS - 1)), 0, LEVELS - 1).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelCounts:
    """One picture's histograms by level.

    ``bad``: pixels on defects; ``good``: on sound ground; ``overlap``: the sum over its ``regions`` (8-connected)
    of the share of the region at that level.
    """

    bad: Floats
    good: Floats
    overlap: Floats
    regions: int


def count_pixels(scores: NDArray[np.float32], truth: TrueCells, mask: NDArray[np.uint8], stride: int) -> PixelCounts:
    """Histogram one picture. ``scores`` (rows, columns): the strongest class of each cell."""
    level = levels(scores)
    bad = _histogram(level.ravel(), truth.pixels.ravel())
    every = _histogram(level.ravel(), truth.area.ravel())
    overlap: Floats = np.zeros(LEVELS)
    regions = 0
    if mask.any():
        count, pieces = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
        y, x = np.nonzero(mask)
        owner = pieces[y, x]
        shares = 1.0 / np.maximum(np.bincount(owner, minlength=count), 1)
        overlap = _histogram(level[y // stride, x // stride], shares[owner])
        regions = count - 1
    return PixelCounts(bad=bad, good=every - bad, overlap=overlap, regions=regions)


def _histogram(level: NDArray[np.int64], weights: NDArray[Any]) -> Floats:
    return np.bincount(level, weights, LEVELS).astype(np.float64)


def pixel_ap(bad: Floats, good: Floats) -> float:
    """Average precision over pixels, from summed histograms. NaN: no defect pixel."""
    right, wrong = np.cumsum(bad[::-1]), np.cumsum(good[::-1])
    if right[-1] <= 0:
        return float("nan")
    gain = np.diff(right, prepend=0.0) / right[-1]
    kept = gain > 0
    return float((right[kept] / (right + wrong)[kept] * gain[kept]).sum())


def aupro(good: Floats, overlap: Floats, regions: float) -> float:
    """Area under the per-region overlap up to 30 % false positives, as a share of the best. NaN: nothing to find."""
    sound = good.sum()
    if not regions or not sound:
        return float("nan")
    fpr = np.concatenate(([0.0], np.cumsum(good[::-1]) / sound))
    pro = np.concatenate(([0.0], np.cumsum(overlap[::-1]) / regions))
    inside = fpr <= _LIMIT_FPR
    at_limit = float(np.interp(_LIMIT_FPR, fpr, pro))
    xs, ys = np.append(fpr[inside], _LIMIT_FPR), np.append(pro[inside], at_limit)
    return float(np.trapezoid(ys, xs) / _LIMIT_FPR)
