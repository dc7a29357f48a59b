"""Intervals by resampling whole parts: pictures of one part are no independent evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Figures = Mapping[str, float]
_ENOUGH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Percentile interval. ``flat``: every resample gave the same, so the interval says nothing: look at the count."""

    low: float
    high: float
    flat: bool


def intervals(
    figures: Callable[[Floats], Figures],
    groups: Sequence[str],
    bad: NDArray[np.bool_],
    *,
    resamples: int,
    seed: int,
    level: float = 0.95,
) -> Mapping[str, Interval]:
    """Resample parts with replacement, sound parts and parts with a defect apart, and recompute every figure.

    ``figures``: from weights (how often each picture counts) to named figures; NaN where one cannot be computed.
    A figure that fails in half of the resamples gets no interval.
    """
    names, owner = np.unique(np.asarray(groups), return_inverse=True)
    has_bad = np.bincount(owner, bad, len(names)) > 0
    strata = [np.flatnonzero(has_bad), np.flatnonzero(~has_bad)]
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(resamples):
        times = np.zeros(len(names))
        for stratum in strata:
            if len(stratum):
                times += np.bincount(rng.choice(stratum, len(stratum)), minlength=len(names))
        for name, value in figures(times[owner]).items():
            drawn.setdefault(name, []).append(value)
    tail = (1 - level) / 2 * 100
    found = {}
    for name, values in drawn.items():
        kept = np.array([value for value in values if np.isfinite(value)])
        if len(kept) >= _ENOUGH * resamples and len(kept):
            low, high = np.percentile(kept, [tail, 100 - tail])
            found[name] = Interval(low=float(low), high=float(high), flat=bool(np.ptp(kept) == 0))
    return found
