"""What a recipe lets through is found by asking the judge itself."""

from math import inf

import pytest

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box, Scale
from inspector.domain.leniency import worst_passing
from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome

SCALE = Scale(id="s", px_per_mm=20.0)


def recipe(rule: ClassRule, max_score: float | None = None) -> Recipe:
    return Recipe(name="r", model="m", classes={"crack": rule}, other=ClassRule(), max_score=max_score)


def test_a_class_without_limits_passes_at_any_size() -> None:
    (row,) = worst_passing(recipe(ClassRule()), ["crack"], SCALE)
    assert (row.score_any_size, row.length_px, row.length_mm) == (1.0, inf, inf)


def test_a_class_of_which_any_fails_passes_only_without_confidence() -> None:
    (row,) = worst_passing(recipe(ClassRule(confidence=0.5, any_fails=True)), ["crack"], SCALE)
    assert row.score_any_size == pytest.approx(0.5)
    assert row.length_px is None
    assert row.length_mm is None
    (never,) = worst_passing(recipe(ClassRule(any_fails=True)), ["crack"], SCALE)
    assert never.score_any_size is None


def test_a_minimum_size_and_its_band_are_told_in_mm() -> None:
    rule = ClassRule(confidence=0.5, min_length_mm=2.0, size_band=0.1, any_fails=True)
    (row,) = worst_passing(recipe(rule), ["crack"], SCALE)
    assert row.length_mm == pytest.approx(1.8)
    assert row.length_px == pytest.approx(36.0)


def test_a_weight_against_a_score_limit_is_told_as_confidence() -> None:
    (row,) = worst_passing(recipe(ClassRule(weight=3.0), max_score=2.5), ["crack"], None)
    assert row.score_any_size == pytest.approx(2.5 / 3, abs=1e-6)
    assert row.length_mm is None


def test_what_is_told_to_pass_does_pass_and_a_little_more_does_not() -> None:
    rules = recipe(ClassRule(confidence=0.5, doubt=0.35, min_length_mm=2.0, any_fails=True))
    (row,) = worst_passing(rules, ["crack"], SCALE)
    assert row.length_px is not None
    for length, outcome in ((row.length_px - 0.01, Outcome.PASS), (row.length_px + 0.01, Outcome.FAIL)):
        box = Box(x=0, y=0, width=length, height=2)
        lone = Detection(label="crack", score=1.0, box=box, length_px=length, width_px=2, area_px=2 * length)
        assert judge(rules, [lone], SCALE).outcome is outcome
