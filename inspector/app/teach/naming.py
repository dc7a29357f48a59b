"""Names for anomalies from a few labelled pictures: ridge regression on the whitened features of their regions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.app.teach.gaussian import Floats

RIDGE = 3.0
"""Strength of the ridge, in units of one labelled region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """``evidence = weight @ z + bias`` on whitened features, near 1 for the right name; weight (labels, channels).

    ``right``: of ``tried`` regions, how many were named rightly by a model that had not seen them.
    """

    labels: tuple[str, ...]
    weight: Floats
    bias: Floats
    right: int
    tried: int


def learn(regions: Mapping[str, Sequence[Floats]]) -> Names:
    """Learn from each label's regions, given as their mean whitened features (channels,)."""
    labels = tuple(sorted(regions))
    points = np.stack([point for label in labels for point in regions[label]]).astype(np.float64)
    truth = np.array([index for index, label in enumerate(labels) for _ in regions[label]])
    right = 0
    for held in range(len(points)):
        rest = np.arange(len(points)) != held
        weight, bias = _ridge(points[rest], truth[rest], len(labels))
        right += int((weight @ points[held] + bias).argmax()) == int(truth[held])
    weight, bias = _ridge(points, truth, len(labels))
    return Names(
        labels=labels,
        weight=weight.astype(np.float32),
        bias=bias.astype(np.float32),
        right=right,
        tried=len(points),
    )


def _ridge(
    points: NDArray[np.float64], truth: NDArray[np.intp], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One against all, in the dual form: there are fewer regions than channels."""
    targets = np.eye(classes)[truth]
    share = np.bincount(truth, minlength=classes)[truth]
    weights = np.sqrt(1.0 / share)[:, None]  # a name with few regions counts as much as one with many
    centre, level = points.mean(axis=0), targets.mean(axis=0)
    scale = float(np.square(points - centre).sum(axis=1).mean()) or 1.0
    moved, wanted = weights * (points - centre), weights * (targets - level)
    kernel = moved @ moved.T + RIDGE * scale / len(points) * np.eye(len(points))
    weight = (moved.T @ np.linalg.solve(kernel, wanted)).T
    return weight, level - weight @ centre
