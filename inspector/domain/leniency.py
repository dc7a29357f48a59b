"""What a recipe lets through: the worst single defect of each class that still passes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box, Scale
from inspector.domain.recipe import Recipe
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome

_LARGEST_PX = 4096.0
_STEPS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Leniency:
    """For one class: the worst lone defect that passes.

    ``score_any_size``: the highest confidence at which a defect of ANY size passes (None: none does).
    ``length_mm`` / ``length_px``: the longest defect that passes at full confidence; None if none does,
    infinite if every size passes.
    """

    label: str
    score_any_size: float | None
    length_px: float | None
    length_mm: float | None


def worst_passing(recipe: Recipe, labels: Sequence[str], scale: Scale | None) -> tuple[Leniency, ...]:
    """Probe ``judge`` itself, so that this never tells another story than the line does."""
    return tuple(_probe(recipe, label, scale) for label in labels)


def _probe(recipe: Recipe, label: str, scale: Scale | None) -> Leniency:
    def passes(score: float, length_px: float) -> bool:
        lone = _lone(label, score, length_px)
        return judge(recipe, [lone], scale).outcome is Outcome.PASS

    score = None if not passes(0.0, _LARGEST_PX) else _highest(lambda s: passes(s, _LARGEST_PX), 1.0)
    length: float | None = None
    if passes(1.0, _LARGEST_PX):
        length = float("inf")
    elif passes(1.0, 0.0):
        length = _highest(lambda px: passes(1.0, px), _LARGEST_PX)
    mm = length if length is None or scale is None else scale.mm(length)
    return Leniency(label=label, score_any_size=score, length_px=length, length_mm=mm if scale else None)


def _lone(label: str, score: float, length_px: float) -> Detection:
    """A defect of this length, as wide as a twentieth of it, outside every zone."""
    width = length_px / 20
    box = Box(x=-_LARGEST_PX * 2, y=-_LARGEST_PX * 2, width=length_px, height=width)
    return Detection(label=label, score=score, box=box, length_px=length_px, width_px=width, area_px=length_px * width)


def _highest(passes: Callable[[float], bool], top: float) -> float:
    """The highest value up to ``top`` that passes, by bisection (judge is monotone)."""
    if passes(top):
        return top
    low, high = 0.0, top
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    return low
