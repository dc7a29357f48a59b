"""Quantiles and tails of Student's t, by the continued fraction of the incomplete beta function."""

from functools import lru_cache
from math import exp, lgamma, log, sqrt

_TINY = 1e-300
_ROUNDS = 200
_CLOSE = 1e-12
_BISECTIONS = 200


def tail(t: float, degrees: float) -> float:
    """P(T > t) with this many degrees of freedom."""
    half = 0.5 * _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))
    return half if t >= 0 else 1.0 - half


@lru_cache(maxsize=256)
def quantile(share_above: float, degrees: float) -> float:
    """The t above which ``share_above`` (0 to 0.5) of the distribution lies."""
    low, high = 0.0, 1.0
    while tail(high, degrees) > share_above:
        high *= 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle, degrees) > share_above else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised I_x(a, b) (Lentz's method; Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _ROUNDS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _away_from_zero(1.0 + numerator * d)
            c = _away_from_zero(1.0 + numerator / c)
            value *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            break
    return front * value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def prediction_factor(share_above: float, n: int) -> float:
    """How many standard deviations above the mean of ``n`` the next value stays, but for this share."""
    return quantile(share_above, n - 1) * sqrt(1 + 1 / n)
