"""How well scores rank bad pictures above good ones. ``weights``: how often each picture counts."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def auroc(scores: Floats, bad: Bools, weights: Floats | None = None) -> float:
    """Probability that a bad picture scores above a good one; ties count one half (Mann-Whitney U). NaN: one kind."""
    share = np.ones(len(scores)) if weights is None else weights
    _, level = np.unique(scores, return_inverse=True)
    on_bad = np.bincount(level, share * bad)
    on_good = np.bincount(level, share * ~bad)
    below = np.cumsum(on_good) - on_good
    pairs = on_bad.sum() * on_good.sum()
    return float((on_bad * (below + on_good / 2)).sum() / pairs) if pairs else float("nan")


def precision_recall(scores: Floats, bad: Bools, weights: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and threshold, one point a distinct score, highest first."""
    share = np.ones(len(scores)) if weights is None else weights
    values, level = np.unique(-scores, return_inverse=True)
    right = np.cumsum(np.bincount(level, share * bad))
    taken = np.cumsum(np.bincount(level, share))
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / taken, right / right[-1], -values


def average_precision(scores: Floats, bad: Bools, weights: Floats | None = None) -> float:
    """Sum of precision times gain in recall, without interpolation, ties taken together. NaN: nothing is bad."""
    precision, recall, _ = precision_recall(scores, bad, weights)
    gain = np.diff(recall, prepend=0.0)
    kept = gain > 0
    return float((precision[kept] * gain[kept]).sum()) if kept.any() else float("nan")


def threshold_for(goods: Floats, share: float, weights: Floats | None = None) -> float:
    """Lowest threshold that lets at most floor(share x goods) goods reach it; a picture is rejected from it on."""
    count = np.ones(len(goods)) if weights is None else weights
    if not count.sum():
        return float("nan")
    values, level = np.unique(-goods, return_inverse=True)
    over = np.cumsum(np.bincount(level, count))
    allowed = np.floor(share * count.sum() + 1e-9)
    first = int(np.searchsorted(over, allowed, side="right"))
    return -np.inf if first == len(values) else float(np.nextafter(-values[first], np.inf))


def escapes_at(scores: Floats, bad: Bools, share: float, weights: Floats | None = None) -> float:
    """Share of bad pictures below the threshold that rejects at most ``share`` of the good ones."""
    count = np.ones(len(scores)) if weights is None else weights
    limit = threshold_for(scores[~bad], share, count[~bad])
    all_bad = float(count[bad].sum())
    return float(count[bad & (scores < limit)].sum() / all_bad) if all_bad and not np.isnan(limit) else float("nan")
