"""Choose the threshold that keeps escapes under a promise, or say what is missing. Pure: no clock, no device, no log.

A part is rejected when its score reaches the threshold. Thresholds are tried from the strictest upwards on a grid that
does not depend on the data; each is a test of "escapes are above the promise", and the first one that is not refuted
ends the walk. The last refuted one keeps the promise with the stated confidence, whatever the number of
thresholds tried: fixed-sequence testing, as in A. N. Angelopoulos, S. Bates, E. J. Candes, M. I. Jordan, L. Lei, "Learn
then Test: Calibrating Predictive Algorithms to Achieve Risk Control", arXiv 2110.01052 (2021).

It holds for parts like those reviewed: same product, same camera, same light, parts independent of each other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from inspector.domain.confidence import (
    Trial,
    alike,
    doubt,
    effective_count,
    estimated_rate,
    highest_rate,
    lowest_rate,
    parts_needed,
)

GRID = tuple(step / 200 for step in range(1, 200))
"""Thresholds that are tried, strictest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedPart:
    """A part whose truth a person told.

    ``score``: 0 to 1; the part is rejected at every threshold up to it. ``probability``: with which a part like this
    came to be reviewed at all. ``let_pass``: the machine passed it, so that only a random sample brought it here.
    """

    score: float
    bad: bool
    probability: float
    let_pass: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a threshold costs, on the reviewed parts and beyond them (``high``, ``low``: at the asked confidence)."""

    threshold: float
    missed: int
    bad: int
    escapes: float
    escapes_high: float
    false_rejects: float
    false_rejects_low: float
    false_rejects_high: float
    good: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The answer. ``chosen`` is None where the promise cannot be kept; ``refusal`` then says why and what is needed.

    ``needed``: known-bad parts, sampled alike, that would be enough with as many missed as the strictest threshold
    misses; ``counted``: as how many such parts the sample counts.
    """

    chosen: Price | None
    current: Price | None
    refusal: str
    needed: int
    counted: float
    prices: tuple[Price, ...] = ()


def tune(
    parts: Sequence[ReviewedPart],
    *,
    alpha: float,
    confidence: float,
    current: float | None = None,
    thresholds: Sequence[float] = GRID,
) -> Tuning:
    """Find the loosest threshold that keeps escapes at or below ``alpha`` with this confidence."""
    bad = [part for part in parts if part.bad]
    good = [part for part in parts if not part.bad]
    least = min((part.probability for part in parts), default=1.0)
    every = _trials(bad, 0.0)
    counted = effective_count(every, least)
    # Unequal sampling costs half of the capital on the bets that no miss has to win, see confidence.doubt.
    sure = confidence if alike(every, least) else 1.0 - (1.0 - confidence) / 2
    now = _price(parts, current, confidence) if current is not None and bad and good else None
    refusal, needed = _cannot(bad, good, parts), parts_needed(alpha, sure)
    if refusal:
        return Tuning(chosen=None, current=now, refusal=refusal, needed=needed, counted=counted)
    passed: list[float] = []
    for threshold in thresholds:
        if doubt(_trials(bad, threshold), alpha, least) > 1.0 - confidence:
            break
        passed.append(threshold)
    if not passed:
        strictest = sum(part.score < thresholds[0] for part in bad)
        needed = parts_needed(alpha, sure, strictest)
        refusal = _too_few(len(bad), counted, strictest, needed, alpha=alpha, confidence=confidence)
        return Tuning(chosen=None, current=now, refusal=refusal, needed=needed, counted=counted)
    steps = sorted({*passed[:: max(len(passed) // 8, 1)], passed[-1]})
    return Tuning(
        chosen=_price(parts, passed[-1], confidence),
        current=now,
        refusal="",
        needed=needed,
        counted=counted,
        prices=tuple(_price(parts, threshold, confidence) for threshold in steps),
    )


def _cannot(bad: Sequence[ReviewedPart], good: Sequence[ReviewedPart], parts: Sequence[ReviewedPart]) -> str:
    if not any(part.let_pass for part in parts):
        return (
            "no part that the machine let pass is among the reviewed ones: rejects alone cannot show escapes; "
            "keep a random share of the good parts (recipe: evidence.keep_good) and have them reviewed"
        )
    if not good:
        return "no good part is among the reviewed ones: the price in false rejects cannot be told"
    return "" if bad else "no bad part is among the reviewed ones: nothing shows that bad parts are found"


def _too_few(have: int, counted: float, missed: int, needed: int, *, alpha: float, confidence: float) -> str:
    text = (
        f"escapes <= {alpha:.2%} at {confidence:.0%} confidence needs {needed} known-bad parts"
        f"{f' with no more than {missed} let through' if missed else ' with none let through'}; reviewed are {have}"
    )
    if ceil(counted) < have:
        text += (
            f", which count as {counted:.0f}, because parts that the machine let pass were looked at more rarely "
            "than rejects: keep and review a larger share of those"
        )
    if missed:
        text += f". Even the strictest threshold lets {missed} of the {have} through: the model does not see them"
    return text


def _trials(parts: Sequence[ReviewedPart], threshold: float) -> list[Trial]:
    """Count the parts that are let through at a threshold, those of one probability together."""
    counted = Counter((part.score < threshold, part.probability) for part in parts)
    return [Trial(happened=low, probability=share, times=times) for (low, share), times in counted.items()]


def _price(parts: Sequence[ReviewedPart], threshold: float, confidence: float) -> Price:
    escapes = _trials([part for part in parts if part.bad], threshold)
    passes = _trials([part for part in parts if not part.bad], threshold)
    rejects = [replace(trial, happened=not trial.happened) for trial in passes]
    least = min(part.probability for part in parts)
    each_side = 1.0 - (1.0 - confidence) / 2
    return Price(
        threshold=threshold,
        missed=sum(trial.times for trial in escapes if trial.happened),
        bad=sum(part.bad for part in parts),
        escapes=estimated_rate(escapes),
        escapes_high=highest_rate(escapes, confidence, least),
        false_rejects=estimated_rate(rejects),
        false_rejects_low=lowest_rate(rejects, each_side, least),
        false_rejects_high=highest_rate(rejects, each_side, least),
        good=sum(not part.bad for part in parts),
    )
