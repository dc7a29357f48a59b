"""What a count of reviewed parts proves: exact bounds on a rate. Pure: stdlib only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, fsum, inf, lgamma, log, log1p

_STEPS = 60
_SHYER = tuple(2.0**-step for step in range(1, 14))
_MOST_PARTS = 10_000_000


def binomial_at_most(count: int, trials: int, rate: float) -> float:
    """P(at most ``count`` of ``trials``) when each happens with probability ``rate``; summed, not approximated."""
    if count >= trials or rate <= 0.0:
        return 1.0
    if rate >= 1.0 or count < 0:
        return 0.0
    if count > trials * rate:  # the other tail is the shorter sum
        return 1.0 - _mass(range(count + 1, trials + 1), trials, rate)
    return _mass(range(count, -1, -1), trials, rate)


def _mass(counts: range, trials: int, rate: float) -> float:
    """Sum the binomial's mass from its highest term outwards, until terms no longer matter."""
    terms = []
    base = lgamma(trials + 1)
    for count in counts:
        term = exp(
            base - lgamma(count + 1) - lgamma(trials - count + 1) + count * log(rate) + (trials - count) * log1p(-rate)
        )
        terms.append(term)
        if term < terms[0] * 1e-18 or (term == 0.0 and len(terms) > 1):
            break
    return min(fsum(terms), 1.0)


def upper_bound(count: int, trials: int, confidence: float) -> float:
    """Highest rate that ``count`` of ``trials`` does not yet refute: one-sided Clopper-Pearson.

    C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934), 404-413. It is the beta quantile B(confidence; count + 1, trials - count), found by bisection
    on the exact tail.
    """
    if count >= trials:
        return 1.0
    return _where_falls(lambda rate: binomial_at_most(count, trials, rate) - (1.0 - confidence))


def lower_bound(count: int, trials: int, confidence: float) -> float:
    """Lowest rate that ``count`` of ``trials`` does not yet refute: one-sided Clopper-Pearson."""
    return 1.0 - upper_bound(trials - count, trials, confidence) if count else 0.0


def parts_needed(rate: float, confidence: float, missed: int = 0) -> int:
    """Fewest known-bad parts, ``missed`` of them let through, that prove escapes at or below ``rate``.

    With none missed this is log(1 - confidence) / log(1 - rate), rounded up: 373 for 0.8 % at 95 %.
    """
    low, high = missed, max(missed, 1)
    while binomial_at_most(missed, high, rate) > 1.0 - confidence:
        low, high = high, high * 2
        if high > _MOST_PARTS:
            return _MOST_PARTS
    while high - low > 1:
        middle = (low + high) // 2
        if binomial_at_most(missed, middle, rate) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Parts that count alike for a rate: did it happen, and with what probability was such a part looked at?"""

    happened: bool
    probability: float
    times: int = 1


def doubt(trials: Sequence[Trial], rate: float, least: float | None = None) -> float:
    """p-value of "the true rate is ``rate`` or more", from parts that were sampled with known probabilities.

    ``least``: the lowest probability that ANY part of the sample had, also of a kind of which none is among ``trials``:
    that no escape was found among passes of which one in twenty was looked at proves a twentieth as much. None: the
    lowest among ``trials``.

    Parts sampled alike: the exact binomial tail. Otherwise each part counts 1 / probability (D. G. Horvitz,
    D. J. Thompson, JASA 47 (1952), 663-685), and the test is a bet against the claim whose capital cannot be expected
    to grow while it is true (I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting",
    JRSS B 86 (2024), 1-27): half of the capital on the boldest bet, which with no miss is the binomial tail itself,
    half spread over shyer ones. By Markov's inequality 1 / capital is a p-value for every sample size.
    """
    if not trials:
        return 1.0
    if alike(trials, least):
        return binomial_at_most(*_counts(trials), rate)
    if rate >= 1.0:
        return 0.0
    rarest = _rarest(trials, least)
    counted: dict[tuple[float, bool], int] = {}
    for trial in trials:
        key = (rarest / trial.probability, trial.happened)
        counted[key] = counted.get(key, 0) + trial.times
    boldest = _log_capital(counted, rate, 1.0) - log(2.0)
    others = [_log_capital(counted, rate, share) - log(2.0 * len(_SHYER)) for share in _SHYER]
    best = max(boldest, *others)
    if best == -inf:
        return 1.0
    capital = best + log(fsum(exp(value - best) for value in (boldest, *others)))
    return min(exp(-capital), 1.0)


def _log_capital(counted: dict[tuple[float, bool], int], rate: float, share: float) -> float:
    """Log capital after betting ``share`` of the most that can be bet on every part."""
    stake = share / (1.0 - rate)
    total = 0.0
    for (weight, happened), times in counted.items():
        gain = 1.0 + stake * weight * (rate - happened)
        if gain <= 0.0:
            return -inf
        total += times * log(gain)
    return total


def alike(trials: Sequence[Trial], least: float | None = None) -> bool:
    """Whether all parts were sampled with the same probability, and none more rarely."""
    return {trial.probability for trial in trials} <= {_rarest(trials, least)}


def _counts(trials: Sequence[Trial]) -> tuple[int, int]:
    """How often it happened, of how many."""
    return sum(trial.times for trial in trials if trial.happened), sum(trial.times for trial in trials)


def _rarest(trials: Sequence[Trial], least: float | None) -> float:
    lowest = min((trial.probability for trial in trials), default=1.0)
    return lowest if least is None else min(least, lowest)


def highest_rate(trials: Sequence[Trial], confidence: float, least: float | None = None) -> float:
    """Highest rate that the sample does not refute at this confidence. ``least`` as in ``doubt``."""
    if not trials:
        return 1.0
    if alike(trials, least):
        return upper_bound(*_counts(trials), confidence)
    return _where_falls(lambda rate: doubt(trials, rate, least) - (1.0 - confidence))


def lowest_rate(trials: Sequence[Trial], confidence: float, least: float | None = None) -> float:
    """Lowest rate that the sample does not refute at this confidence. ``least`` as in ``doubt``."""
    turned = [replace(trial, happened=not trial.happened) for trial in trials]
    return 1.0 - highest_rate(turned, confidence, least)


def estimated_rate(trials: Sequence[Trial]) -> float:
    """Share of happenings, every part counted 1 / probability; 0 for no part."""
    total = fsum(trial.times / trial.probability for trial in trials)
    return fsum(t.times / t.probability for t in trials if t.happened) / total if total else 0.0


def effective_count(trials: Sequence[Trial], least: float | None = None) -> float:
    """As how many parts sampled alike the trials count: a part looked at twenty times as often counts a twentieth."""
    rarest = _rarest(trials, least)
    return fsum(trial.times * rarest / trial.probability for trial in trials)


def _where_falls(above: Callable[[float], float]) -> float:
    """Where a falling function crosses 0 in 0..1, from above, so that the bound is never too small."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) > 0.0 else (low, middle)
    return high
