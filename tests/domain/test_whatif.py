"""Another recipe over parts that were judged, and the difference of two recipes."""

from dataclasses import replace
from uuid import UUID

from inspector.domain.detection import Detection
from inspector.domain.difference import Change, difference
from inspector.domain.frame import PartId
from inspector.domain.geometry import Box
from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome, Severity
from inspector.domain.whatif import JudgedPart, what_if

CRACK = ClassRule(severity=Severity.CRITICAL, weight=3.0, confidence=0.5, any_fails=True)
RECIPE = Recipe(name="critical", model="surface", classes={"crack": CRACK}, other=ClassRule(), max_score=2.5)
STRICT = replace(RECIPE, classes={"crack": replace(CRACK, confidence=0.3, min_length_mm=1.0, size_band=0.2)})


def seen(score: float) -> Detection:
    box = Box(x=1, y=2, width=30, height=4)
    return Detection(label="crack", score=score, box=box, length_px=30, width_px=4, area_px=100)


def archived(number: int, *scores: float, rule: str = "") -> JudgedPart:
    verdict = judge(RECIPE, [seen(score) for score in scores], None)
    return JudgedPart(
        result_id=UUID(int=number),
        part=PartId(part_seq=number, series=1),
        outcome=Outcome.UNDECIDED if rule else verdict.outcome,
        rule=rule or verdict.decision.rule,
        detections=tuple(seen(score) for score in scores),
    )


ARCHIVE = (archived(1), archived(2, 0.4), archived(3, 0.9), archived(4, rule="law.late"))


def test_the_same_recipe_changes_nothing() -> None:
    found = what_if(RECIPE, ARCHIVE, None)
    assert (found.parts, found.left_out, found.flips) == (3, 1, ())


def test_exactly_the_parts_that_change_are_named() -> None:
    found = what_if(STRICT, ARCHIVE, None)
    assert [(flip.part.part.part_seq, flip.now.outcome) for flip in found.flips] == [(2, Outcome.FAIL)]
    assert found.moved == {
        (Outcome.PASS, Outcome.PASS): 1,
        (Outcome.PASS, Outcome.FAIL): 1,
        (Outcome.FAIL, Outcome.FAIL): 1,
    }


def test_a_difference_names_each_key_once() -> None:
    assert difference(RECIPE, RECIPE) == ()
    assert difference(RECIPE, STRICT) == (
        Change(key="classes.crack.confidence", before="0.5", after="0.3"),
        Change(key="classes.crack.min_length_mm", before="none", after="1"),
        Change(key="classes.crack.size_band", before="0", after="0.2"),
    )
    milder = replace(RECIPE, classes={"crack": replace(CRACK, any_fails=False)})
    assert difference(RECIPE, milder) == (Change(key="classes.crack.any_fails", before="true", after="false"),)
    fewer = replace(RECIPE, classes={})
    assert difference(RECIPE, fewer)[0] == Change(key="classes.crack.severity", before="critical", after=None)
