"""Whether a confidence of 0.8 is right eight times in ten, and how to make it so."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
_STEPS = 100
_CLOSE = 1e-10
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """One bin: how many, their mean confidence, the share of them that was right."""

    count: float
    confidence: float
    right: float


def reliability(
    confidences: Floats, right: Bools, weights: Floats | None = None, bins: int = BINS
) -> tuple[Reliability, ...]:
    """Bin by confidence, equal widths, right edges inside; empty bins are left out."""
    share = np.ones(len(confidences)) if weights is None else weights
    place = np.clip(np.ceil(confidences * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, share, bins)
    total, hits = np.bincount(place, share * confidences, bins), np.bincount(place, share * right, bins)
    return tuple(
        Reliability(count=float(n), confidence=float(c / n), right=float(h / n))
        for n, c, h in zip(count, total, hits, strict=True)
        if n
    )


def calibration_error(confidences: Floats, right: Bools, weights: Floats | None = None, bins: int = BINS) -> float:
    """Expected calibration error: mean |right - confidence| over bins, by count. NaN: nothing was detected.

    Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """
    rows = reliability(confidences, right, weights, bins)
    total = sum(row.count for row in rows)
    return sum(row.count * abs(row.right - row.confidence) for row in rows) / total if total else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platt:
    """confidence = sigmoid(slope x logit + shift). Slope 1, shift 0 changes nothing; shift 0: temperature 1/slope."""

    slope: float
    shift: float

    def __call__(self, confidences: Floats) -> Floats:
        """Calibrate."""
        return np.asarray(1.0 / (1.0 + np.exp(-(self.slope * logit(confidences) + self.shift))), np.float64)


def logit(confidences: Floats) -> Floats:
    """Log odds; 0 and 1 are held at one in ten million."""
    held = np.clip(confidences, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(held / (1 - held)), np.float64)


def fit_platt(confidences: Floats, right: Bools) -> Platt:
    """Fit slope and shift by Newton's method on the log likelihood, with Platt's smoothed targets.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999: targets (n1 + 1) / (n1 + 2) and 1 / (n0 + 2)
    keep the fit finite where the two kinds are apart.

    Raises:
        ValueError: all were right, or all wrong: nothing can be learned from them.
    """
    hits = int(right.sum())
    if hits in {0, len(right)}:
        raise ValueError(f"{hits} of {len(right)} detections are right: calibration needs right ones and wrong ones")
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))
    x = np.column_stack((logit(confidences), np.ones(len(confidences))))
    beta = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-(x @ beta)))
        curvature = x.T @ (x * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, x.T @ (target - p))
        length = float(np.abs(step).max())
        beta += step if length <= 1 else step / length
        if length < _CLOSE:
            break
    return Platt(slope=float(beta[0]), shift=float(beta[1]))
