"""Sets the limit for a promised false-reject rate from leave-one-out scores, and finds the picture that is odd.

The limit is the log-normal prediction limit: exp(mean + t(n-1, 1-promise) * sd * sqrt(1 + 1/n)) of the log scores.
Scores of parts that were taught say nothing: their maximum as limit rejects half of all good parts or more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import fmean, stdev

from inspector.app.teach import student

ODD = 0.01
"""A picture is odd if so high a score would come among ``n`` good ones with less than this probability."""
ODD_TIMES = 1.5
"""... and if it is at least this many times the typical score: very equal parts make small differences improbable."""
NEARLY_BLIND = 10
FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """``value``: of the distance. ``factor``: how far above the typical good part's score it stands."""

    value: float
    promise: float
    samples: int
    factor: float

    @property
    def support(self) -> str:
        """How far the sample supports the promise, as it is told to the engineer."""
        text = f"{self.samples} good pictures; the limit is {self.factor:.2f} times the typical score of a good part"
        if self.samples < NEARLY_BLIND:
            return f"{text}: so few samples force a limit that is nearly blind; teach with 20 or more"
        if self.samples < FEW:
            return f"{text}: 20 or more would let the limit come closer"
        if self.promise * self.samples < 1:
            return (
                f"{text}: {self.samples} pictures cannot show a rate of {self.promise:.1%}; it rests on the scores "
                "being log-normal: count the false rejects on the line"
            )
        return text


def prediction_limit(scores: Sequence[float], promise: float) -> Limit:
    """The limit that the next good part exceeds with probability ``promise``."""
    logs = [log(score) for score in scores]
    middle, spread = fmean(logs), stdev(logs)
    value = exp(middle + student.prediction_factor(promise, len(logs)) * spread)
    return Limit(value=value, promise=promise, samples=len(logs), factor=value / exp(middle))


def oddest(scores: Sequence[float]) -> tuple[int, float]:
    """The picture with the highest score, and the probability of such a one among as many good ones."""
    logs = [log(score) for score in scores]
    index = max(range(len(logs)), key=logs.__getitem__)
    rest = logs[:index] + logs[index + 1 :]
    spread = max(stdev(rest), 1e-9)
    t = (logs[index] - fmean(rest)) / (spread * sqrt(1 + 1 / len(rest)))
    return index, min(1.0, len(logs) * student.tail(t, len(rest) - 1))
