"""What the counts in a model card prove: shares of parts and defects with their 95 % intervals. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from inspector.domain.confidence import lower_bound, upper_bound

CONFIDENCE = 0.95
_ONE_SIDE = 1 - (1 - CONFIDENCE) / 2
_FOUND, _OF = "_found", "_painted"
_PARTS = (("escapes", "bad_parts"), ("false_rejects", "good_parts"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A share that was counted. ``name``: "escapes", "false_rejects", or a class of which so many were found.

    ``low``, ``high``: what the true share lies between, with 95 % confidence (Clopper-Pearson).
    """

    name: str
    count: int
    of: int
    low: float
    high: float


def proven(metrics: Mapping[str, float | str]) -> tuple[tuple[Proven, ...], tuple[Proven, ...]]:
    """Shares of whole parts, and of each class that was found; empty where a card has no such counts."""
    parts = [_share(metrics, name, name, of) for name, of in _PARTS]
    stems = [key.removesuffix(_FOUND) for key in metrics if key.endswith(_FOUND)]
    classes = [_share(metrics, stem, stem + _FOUND, stem + _OF) for stem in stems]
    return tuple(one for one in parts if one), tuple(one for one in classes if one)


def further(metrics: Mapping[str, float | str]) -> dict[str, float | str]:
    """What the card says beside these counts, as it says it."""
    shown = {key for pair in _PARTS for key in pair}
    for stem in (key.removesuffix(_FOUND) for key in metrics if key.endswith(_FOUND)):
        shown |= {stem + _FOUND, stem + _OF, stem + "_recall"}
    return {key: value for key, value in metrics.items() if key not in shown}


def _share(metrics: Mapping[str, float | str], name: str, count_key: str, of_key: str) -> Proven | None:
    count, of = metrics.get(count_key), metrics.get(of_key)
    if isinstance(count, str) or isinstance(of, str) or count is None or of is None:
        return None
    if count != int(count) or of != int(of) or not 0 <= count <= of or not of:
        return None
    return Proven(
        name=name,
        count=int(count),
        of=int(of),
        low=lower_bound(int(count), int(of), _ONE_SIDE),
        high=upper_bound(int(count), int(of), _ONE_SIDE),
    )
