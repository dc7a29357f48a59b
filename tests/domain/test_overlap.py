"""Boxes that show one thing become one, whatever order or tile they come from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain.candidates import Candidates, MergeRule, above, boxed, merge
from inspector.domain.errors import FrameError
from inspector.domain.geometry import Box
from inspector.domain.overlap import suppress

RULE = MergeRule(nms_iou=0.5, seam_iou=0.5, seam_ios=0.6, most=50)
CORNERS = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 40), st.integers(1, 40))
SOME = st.lists(st.tuples(CORNERS, st.integers(1, 1000), st.integers(0, 2)), max_size=25, unique_by=lambda one: one[1])


def view(rows: list, area: Box | None = None) -> Candidates:
    boxes = np.array([(x, y, x + w, y + h) for (x, y, w, h), _, _ in rows], np.float64).reshape(-1, 4)
    return Candidates(
        area=area or Box(x=0, y=0, width=130, height=130),
        boxes=boxes,
        scores=np.array([score / 1000 for _, score, _ in rows], np.float64),
        classes=np.array([label for _, _, label in rows], np.int64),
    )


def iou(one: np.ndarray, other: np.ndarray) -> float:
    def box(row: np.ndarray) -> Box:
        return Box(x=row[0], y=row[1], width=row[2] - row[0], height=row[3] - row[1])

    return box(one).iou(box(other))


@given(SOME, st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_what_remains_is_the_same_in_any_order_and_no_two_overlap(rows: list, random: object) -> None:
    seen = merge([view(rows)], RULE)
    random.shuffle(rows)  # type: ignore[attr-defined]
    again = merge([view(rows)], RULE)
    assert [(thing.score, thing.label, *thing.box) for thing in seen] == [(t.score, t.label, *t.box) for t in again]
    for index, one in enumerate(seen):
        for other in seen[index + 1 :]:
            assert one.score >= other.score
            assert one.label != other.label or iou(one.box, other.box) <= 0.5


@given(SOME)
@settings(max_examples=120, deadline=None)
def test_every_box_that_went_was_covered_by_a_better_one_that_stayed(rows: list) -> None:
    whole = view(rows)
    kept = suppress(whole.boxes, whole.scores, whole.classes, iou=0.5, most=50)
    for index in set(range(len(rows))) - set(kept.tolist()):
        assert any(
            whole.classes[k] == whole.classes[index]
            and whole.scores[k] > whole.scores[index]
            and iou(whole.boxes[k], whole.boxes[index]) > 0.5
            for k in kept
        )


@given(SOME)
@settings(max_examples=60, deadline=None)
def test_seeing_everything_twice_sees_nothing_twice(rows: list) -> None:
    once = merge([view(rows)], RULE)
    twice = merge([view(rows), view(rows)], RULE)
    assert len(twice) <= len(once)
    assert {thing.label for thing in twice} == {thing.label for thing in once}


def halves(gap: int = 0) -> list[Candidates]:
    """A long thing, seen by two tiles that share 20 px."""
    left, right = Box(x=0, y=0, width=100, height=60), Box(x=80, y=0, width=100, height=60)
    return [view([((30, 10, 70, 8), 700, 0)], left), view([((80 + gap, 11, 60, 8), 900, 0)], right)]


def test_two_ends_of_a_thing_are_one_with_the_better_score() -> None:
    (thing,) = merge(halves(), RULE)
    assert (thing.score, thing.box.tolist(), thing.members) == (0.9, [30, 10, 140, 19], ((1, 0), (0, 0)))


def test_things_that_end_before_the_seam_are_not_joined() -> None:
    assert len(merge(halves(gap=15), RULE)) == 2


def test_another_class_is_another_thing_unless_classes_do_not_matter() -> None:
    first, second = halves()
    other = Candidates(area=second.area, boxes=second.boxes, scores=second.scores, classes=second.classes + 1)
    assert len(merge([first, other], RULE)) == 2
    together = MergeRule(nms_iou=0.5, seam_iou=0.5, seam_ios=0.6, most=50, across_classes=True)
    assert len(merge([first, other], together)) == 1


def test_more_than_may_be_are_refused_before_they_are_compared() -> None:
    rows = [((x, 0, 1, 1), 500 + x, 0) for x in range(0, 120, 2)]
    with pytest.raises(FrameError, match="too many candidates"):
        merge([view(rows)], RULE)
    with pytest.raises(FrameError, match=r"too many candidates: 60 raw boxes reach the score 0\.1, more than 59"):
        above(view(rows).scores, 0.1, most=59)


def test_boxes_end_with_the_frame() -> None:
    (found,) = boxed(merge([view([((90, 90, 40, 40), 500, 0)])], RULE), ["crack"], 100, 120)
    assert (found.box, found.length_px, found.width_px, found.area_px) == (
        Box(x=90, y=90, width=10, height=30),
        30,
        10,
        300,
    )
    assert boxed([], ["crack"], 100, 100) == ()
