"""A worse part never gets a milder verdict, whatever the recipe."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box, Polygon, Scale
from inspector.domain.recipe import ClassRule, Recipe, Zone
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome, worst

LABELS = ("crack", "scratch", "dent", "stain", "other", "unheard of")
SCALE = Scale(id="s", px_per_mm=20.0)

shares = st.floats(0, 1)
sizes = st.floats(0, 300)
places = st.integers(-20, 120)
limits_mm = st.none() | st.floats(0.1, 12)


@st.composite
def class_rules(draw: st.DrawFn) -> ClassRule:
    confidence = draw(shares)
    doubtful = st.floats(0, confidence, exclude_max=True) if confidence > 0 else st.none()
    return ClassRule(
        weight=draw(st.floats(0, 5)),
        confidence=confidence,
        doubt=draw(st.none() | doubtful),
        min_length_mm=draw(limits_mm),
        min_width_mm=draw(limits_mm),
        min_area_mm2=draw(limits_mm),
        size_band=draw(st.sampled_from([0.0, 0.1, 0.5])),
        any_fails=draw(st.booleans()),
        max_count=draw(st.none() | st.integers(0, 4)),
    )


class_tables = st.dictionaries(st.sampled_from(LABELS[:5]), class_rules(), max_size=4)


@st.composite
def zones(draw: st.DrawFn) -> Zone:
    corners = draw(st.lists(st.tuples(places, places), min_size=3, max_size=6))
    return Zone(
        name=f"z{draw(st.integers(0, 10**6))}",
        outline=Polygon(corners=tuple(corners)),
        classes=draw(class_tables),
        other=draw(class_rules()),
    )


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    return Recipe(
        name="r",
        model="m",
        classes=draw(class_tables),
        other=draw(class_rules()),
        max_score=draw(st.none() | st.floats(0, 8)),
        score_band=draw(st.sampled_from([0.0, 0.3, 2.0])),
        max_defects=draw(st.none() | st.integers(0, 4)),
        zones=tuple(draw(st.lists(zones(), max_size=3))),
    )


@st.composite
def detections(draw: st.DrawFn) -> Detection:
    width, height = draw(st.integers(0, 60)), draw(st.integers(0, 60))
    return Detection(
        label=draw(st.sampled_from(LABELS)),
        score=draw(shares),
        box=Box(x=draw(places), y=draw(places), width=width, height=height),
        length_px=draw(sizes),
        width_px=draw(sizes),
        area_px=draw(sizes) ** 2,
    )


scales = st.none() | st.just(SCALE)
several = st.lists(detections(), min_size=1, max_size=6)


@given(recipes(), st.lists(detections(), max_size=6), detections(), st.integers(0, 6), scales)
@settings(max_examples=120, deadline=None)
def test_one_more_detection_never_gives_a_milder_verdict(
    recipe: Recipe, seen: list[Detection], more: Detection, place: int, scale: Scale | None
) -> None:
    before = judge(recipe, seen, scale)
    after = judge(recipe, [*seen[:place], more, *seen[place:]], scale)
    assert after.outcome >= before.outcome
    assert after.severity_score >= before.severity_score
    assert len(after.defects) >= len(before.defects)


@given(recipes(), several, shares, scales)
@settings(max_examples=120, deadline=None)
def test_a_higher_score_never_gives_a_milder_verdict(
    recipe: Recipe, seen: list[Detection], score: float, scale: Scale | None
) -> None:
    worse = [replace(seen[0], score=max(score, seen[0].score)), *seen[1:]]
    assert judge(recipe, worse, scale).outcome >= judge(recipe, seen, scale).outcome


@given(recipes(), several, sizes, sizes, sizes, scales)
@settings(max_examples=120, deadline=None)
def test_a_larger_size_never_gives_a_milder_verdict(
    recipe: Recipe, seen: list[Detection], length: float, width: float, side: float, scale: Scale | None
) -> None:
    small = seen[0]
    large = replace(
        small,
        length_px=max(length, small.length_px),
        width_px=max(width, small.width_px),
        area_px=max(side * side, small.area_px),
    )
    assert judge(recipe, [large, *seen[1:]], scale).outcome >= judge(recipe, seen, scale).outcome


@given(recipes(), several, st.tuples(*[st.integers(0, 40)] * 4), scales)
@settings(max_examples=120, deadline=None)
def test_a_defect_that_reaches_further_over_the_part_never_gives_a_milder_verdict(
    recipe: Recipe, seen: list[Detection], more: tuple[int, ...], scale: Scale | None
) -> None:
    left, top, right, bottom = more
    box = seen[0].box
    wider = Box(x=box.x - left, y=box.y - top, width=box.width + left + right, height=box.height + top + bottom)
    worse = [replace(seen[0], box=wider), *seen[1:]]
    assert judge(recipe, worse, scale).outcome >= judge(recipe, seen, scale).outcome


@given(recipes(), several, st.randoms(use_true_random=False), scales)
@settings(max_examples=80, deadline=None)
def test_the_order_of_detections_decides_nothing(
    recipe: Recipe, seen: list[Detection], chance: object, scale: Scale | None
) -> None:
    shuffled = list(seen)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # a random.Random that hypothesis can replay
    one, other = judge(recipe, seen, scale), judge(recipe, shuffled, scale)
    assert (one.outcome, one.severity_score, one.decision) == (other.outcome, other.severity_score, other.decision)


@given(recipes(), st.lists(detections(), max_size=6), scales)
@settings(max_examples=80, deadline=None)
def test_every_verdict_names_the_check_that_decided_and_figures_that_agree(
    recipe: Recipe, seen: list[Detection], scale: Scale | None
) -> None:
    verdict = judge(recipe, seen, scale)
    if verdict.outcome is Outcome.PASS:
        assert verdict.decision.measured <= verdict.decision.limit or verdict.decision.rule.endswith(".any")
    else:
        assert verdict.decision.measured >= verdict.decision.limit
    assert verdict.defects == tuple(
        sorted(verdict.defects, key=lambda d: (d.sure, d.weight, d.detection.score, d.detection.area_px), reverse=True)
    )
    assert worst(verdict.defects) == (verdict.defects[0] if verdict.defects else None)


def crack(*, score: float = 0.9, length: float = 100.0, x: float = 0.0, label: str = "crack") -> Detection:
    box = Box(x=x, y=0, width=10, height=10)
    return Detection(label=label, score=score, box=box, length_px=length, width_px=4, area_px=4 * length)


def recipe(**values: object) -> Recipe:
    base = Recipe(name="r", model="m", classes={}, other=ClassRule())
    return replace(base, **values)


def test_without_a_scale_a_defect_is_never_too_small() -> None:
    strict = recipe(classes={"crack": ClassRule(min_length_mm=50, any_fails=True)})
    assert judge(strict, [crack(length=1)], SCALE).outcome is Outcome.PASS
    assert judge(strict, [crack(length=1)], None).outcome is Outcome.FAIL


def test_any_one_size_over_its_minimum_matters() -> None:
    either = recipe(classes={"crack": ClassRule(min_length_mm=50, min_width_mm=0.2, any_fails=True)})
    verdict = judge(either, [crack(length=20)], SCALE)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.decision.rule == "class.crack.min_width_mm.any"
    assert (verdict.decision.measured, verdict.decision.limit, verdict.decision.unit) == (0.2, 0.2, "mm")


@pytest.mark.parametrize(
    ("length_mm", "outcome"), [(1.79, Outcome.PASS), (1.81, Outcome.UNDECIDED), (2.0, Outcome.FAIL)]
)
def test_within_the_size_band_a_defect_is_doubtful(length_mm: float, outcome: Outcome) -> None:
    banded = recipe(classes={"crack": ClassRule(min_length_mm=2.0, size_band=0.1, any_fails=True)})
    assert judge(banded, [crack(length=SCALE.px(length_mm))], SCALE).outcome is outcome


@pytest.mark.parametrize(("score", "outcome"), [(0.34, Outcome.PASS), (0.35, Outcome.UNDECIDED), (0.5, Outcome.FAIL)])
def test_between_doubt_and_confidence_a_defect_is_doubtful(score: float, outcome: Outcome) -> None:
    unsure = recipe(classes={"crack": ClassRule(confidence=0.5, doubt=0.35, any_fails=True)})
    verdict = judge(unsure, [crack(score=score)], SCALE)
    assert verdict.outcome is outcome
    assert [defect.sure for defect in verdict.defects] == ([] if outcome is Outcome.PASS else [score == 0.5])


def test_a_score_in_the_band_below_the_limit_is_undecided() -> None:
    banded = recipe(max_score=2.5, score_band=0.2, other=ClassRule(weight=3))
    scores = {0.76: Outcome.PASS, 0.78: Outcome.UNDECIDED, 0.83: Outcome.UNDECIDED, 0.84: Outcome.FAIL}
    assert {score: judge(banded, [crack(score=score)], None).outcome for score in scores} == scores


def test_more_defects_of_a_class_than_allowed_fail_the_part() -> None:
    counted = recipe(other=ClassRule(max_count=2))
    assert judge(counted, [crack(x=n) for n in range(2)], None).outcome is Outcome.PASS
    verdict = judge(counted, [crack(x=n) for n in range(3)], None)
    assert (verdict.outcome, verdict.decision.rule) == (Outcome.FAIL, "class.other.max_count")


def zone(name: str, left: int, right: int, other: ClassRule) -> Zone:
    return Zone(
        name=name,
        outline=Polygon(corners=((left, -50), (right, -50), (right, 50), (left, 50))),
        classes={},
        other=other,
    )


LENIENT, STRICT = ClassRule(weight=0), ClassRule(any_fails=True)


def test_a_defect_wholly_inside_a_zone_is_judged_by_the_zone_alone() -> None:
    masked = recipe(other=STRICT, zones=(zone("mask", -10, 50, LENIENT),))
    assert judge(masked, [crack()], None).outcome is Outcome.PASS


def test_a_defect_on_the_edge_of_a_zone_is_judged_by_zone_and_recipe() -> None:
    masked = recipe(other=STRICT, zones=(zone("mask", 5, 50, LENIENT),))
    assert judge(masked, [crack()], None).outcome is Outcome.FAIL
    guarded = recipe(other=LENIENT, zones=(zone("seal", 5, 50, STRICT),))
    assert judge(guarded, [crack()], None).outcome is Outcome.FAIL


def test_a_lenient_zone_does_not_excuse_a_defect_that_reaches_into_a_strict_one() -> None:
    both = recipe(other=LENIENT, zones=(zone("mask", -10, 50, LENIENT), zone("seal", 5, 50, STRICT)))
    verdict = judge(both, [crack()], None)
    assert (verdict.outcome, verdict.decision.rule) == (Outcome.FAIL, "zone.seal.other.confidence.any")


def test_a_detection_counts_once_in_the_score_by_the_rule_that_weighs_it_most() -> None:
    heavy = recipe(other=ClassRule(weight=1), max_score=2.5, zones=(zone("seal", 5, 50, ClassRule(weight=2.5)),))
    assert judge(heavy, [crack(score=1.0)], None).severity_score == 2.5


def test_a_clean_part_passes_and_says_so() -> None:
    verdict = judge(recipe(max_score=2.5), [], None)
    assert (verdict.outcome, verdict.reason, verdict.decision.rule) == (Outcome.PASS, "no defect", "score.max")


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_a_score_outside_0_to_1_is_no_detection(score: float) -> None:
    with pytest.raises(ValueError, match="score"):
        crack(score=score)
