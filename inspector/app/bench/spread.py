"""Turns measurements into the few figures that are told: spread, growth and ratio. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil

_DECIMALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How measurements lie, in their own unit. With under 100 of them ``p99`` is ``most``."""

    count: int
    least: float
    p50: float
    p99: float
    most: float

    def as_dict(self) -> dict[str, float]:
        """JSON-ready, rounded to a thousandth."""
        return {key: round(value, _DECIMALS) for key, value in asdict(self).items()}


def spread(values: Sequence[float]) -> Spread:
    """Spread of at least one value; percentiles are nearest rank, so each is a value that was measured.

    Raises:
        ValueError: nothing was measured.
    """
    if not values:
        raise ValueError("no value was measured; at least one is needed")
    ordered = sorted(values)
    return Spread(
        count=len(ordered), least=ordered[0], p50=_rank(ordered, 0.50), p99=_rank(ordered, 0.99), most=ordered[-1]
    )


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(ceil(share * len(ordered)) - 1, 0)]


def growth(places: Sequence[float], values: Sequence[float]) -> float:
    """Slope of the least-squares line through ``values`` at ``places``; 0 for fewer than two different places."""
    count = len(places)
    if count != len(values):
        raise ValueError(f"{count} places for {len(values)} values; one each is right")
    if count == 0:
        return 0.0
    middle, level = sum(places) / count, sum(values) / count
    width = sum((place - middle) ** 2 for place in places)
    if width == 0.0:
        return 0.0
    return sum((place - middle) * (value - level) for place, value in zip(places, values, strict=True)) / width


def ratio(value: float, reference: float) -> float | None:
    """``value / reference``, rounded; None where there is no reference."""
    return round(value / reference, _DECIMALS) if reference > 0 else None
