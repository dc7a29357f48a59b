"""Where 0.5 lies: set class by class between sound parts and defects that the net was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIGMAS = 2.0
_LOW_SHARE = 0.1
_FEWEST = 3
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Of one class: the logit that becomes 0, and what it lies between (NaN where too few parts tell)."""

    label: str
    logit: float
    goods: int
    bads: int
    sound: float
    defect: float


def limits(logits: Floats, good: NDArray[np.bool_], holds: NDArray[np.bool_], labels: Sequence[str]) -> list[Limit]:
    """Find each class's limit from the strongest logit of each picture.

    The limit lies midway between what sound parts reach (their mean and two standard deviations: a highest one would
    hang on a single picture) and what nine of ten defective ones exceed; where the two overlap, at what sound parts
    reach.

    Args:
        logits: (pictures, classes), strongest cell.
        good: (pictures,).
        holds: (pictures, classes), whether the picture holds a defect of the class.
        labels: the classes.
    """
    found = []
    for index, label in enumerate(labels):
        sound, defect = logits[good, index], logits[holds[:, index], index]
        high = float(sound.mean() + _SIGMAS * sound.std()) if len(sound) >= _FEWEST else float("nan")
        low = float(np.quantile(defect, _LOW_SHARE)) if len(defect) >= _FEWEST else float("nan")
        limit = high if np.isnan(low) or low <= high else (high + low) / 2.0
        if np.isnan(high):
            limit = 0.0
        found.append(Limit(label=label, logit=limit, goods=len(sound), bads=len(defect), sound=high, defect=low))
    return found
