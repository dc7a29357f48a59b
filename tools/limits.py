"""Where 0.5 lies: set class by class between sound parts and defects that the net was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FEWEST_GOOD, _FEWEST_BAD = 10, 12
"""Held parts from which their logits are worth more than what training left."""
_SIGMAS = 2.0
_USUAL_SIGMA, _USUAL_WEIGHT = 1.5, 10
"""The spread of a few parts is steadied by a usual one, as if that had been seen on ten."""
_LOW_SHARE = 0.1
_APART = 4.0
"""Logits between sound and defective parts from which the middle is taken."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Of one class: the logit that becomes 0, and what it lies between (NaN where nothing tells)."""

    label: str
    logit: float
    goods: int
    bads: int
    sound: float
    defect: float


def limits(logits: Floats, good: NDArray[np.bool_], holds: NDArray[np.bool_], labels: Sequence[str]) -> list[Limit]:
    """Find each class's limit from the strongest logit of each picture.

    The limit is what sound parts reach: mean and two standard deviations (the highest one would hang on a single
    picture). Where enough defective parts stand far above, it is the middle between that and what nine of ten of
    them exceed. With fewer than ten sound parts it stays 0, where training left it.

    Args:
        logits: (pictures, classes), strongest cell.
        good: (pictures,).
        holds: (pictures, classes), whether the picture holds a defect of the class.
        labels: the classes.
    """
    return [_limit(logits[good, i], logits[holds[:, i], i], label) for i, label in enumerate(labels)]


def _limit(sound: Floats, defect: Floats, label: str) -> Limit:
    high = low = float("nan")
    if len(sound):
        spread = len(sound) * sound.var() + _USUAL_WEIGHT * _USUAL_SIGMA**2
        high = float(sound.mean() + _SIGMAS * np.sqrt(spread / (len(sound) + _USUAL_WEIGHT)))
    if len(defect):
        low = float(np.quantile(defect, _LOW_SHARE))
    limit = 0.0
    if len(sound) >= _FEWEST_GOOD:
        apart = len(defect) >= _FEWEST_BAD and low - high > _APART
        limit = (high + low) / 2.0 if apart else high
    return Limit(label=label, logit=limit, goods=len(sound), bads=len(defect), sound=high, defect=low)
