"""One Gaussian over the patches of all good pictures, with exact leave-one-out by taking a picture's sums away."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.01
"""Added to the correlation matrix: directions that good parts hardly use must not decide alone."""
_LEAST_SPREAD = 1e-6

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What one or more pictures add to the statistics: number of patches, Σx, Σxx^T."""

    count: int
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    @classmethod
    def of(cls, patches: Floats) -> "Sums":
        """Of one picture's patches (count, channels)."""
        return cls(
            count=len(patches),
            first=patches.sum(axis=0, dtype=np.float64),
            second=(patches.T @ patches).astype(np.float64),
        )

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(count=self.count + other.count, first=self.first + other.first, second=self.second + other.second)

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(count=self.count - other.count, first=self.first - other.first, second=self.second - other.second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaussian:
    """``distance(x) = ||weight @ x + bias||``, near 1 for an average patch; weight (channels, channels)."""

    weight: Floats
    bias: Floats

    @classmethod
    def fit(cls, sums: Sums) -> "Gaussian":
        """Mean, spread and whitening: the correlation matrix with ``RIDGE`` on its diagonal, inverted by Cholesky."""
        mean = sums.first / sums.count
        covariance = sums.second / sums.count - np.outer(mean, mean)
        spread = np.sqrt(np.maximum(np.diag(covariance), _LEAST_SPREAD**2))
        channels = len(mean)
        correlation = covariance / np.outer(spread, spread) + RIDGE * np.eye(channels)
        whitening = np.linalg.inv(np.linalg.cholesky(correlation)) / spread / np.sqrt(channels)
        return cls(weight=whitening.astype(np.float32), bias=(-whitening @ mean).astype(np.float32))

    def whitened(self, patches: Floats) -> Floats:
        """``weight @ x + bias`` for every patch (count, channels)."""
        moved: Floats = patches @ self.weight.T + self.bias
        return moved

    def distances(self, patches: Floats) -> Floats:
        """One number a patch (count,)."""
        distances: Floats = np.sqrt(np.square(self.whitened(patches)).sum(axis=1))
        return distances


def total(sums: Sequence[Sums]) -> Sums:
    """All pictures together."""
    return reduce(Sums.__add__, sums)
