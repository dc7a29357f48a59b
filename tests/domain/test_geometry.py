"""Places, sizes and millimetres."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inspector.domain.geometry import Box, Polygon, Scale

lengths = st.floats(0, 1e5)
px_per_mm = st.floats(0.01, 10_000)
whole = st.integers(-50, 50)
sides = st.integers(0, 40)
boxes = st.builds(Box, x=whole, y=whole, width=sides, height=sides)


@given(lengths, px_per_mm)
def test_millimetres_and_pixels_make_a_round_trip(length: float, density: float) -> None:
    scale = Scale(id="s", px_per_mm=density)
    assert scale.mm(scale.px(length)) == pytest.approx(length)
    assert scale.px(scale.mm(length)) == pytest.approx(length)
    assert scale.mm2(length * length) == pytest.approx(scale.mm(length) ** 2)


@pytest.mark.parametrize("density", [0.0, -1.0, float("nan")])
def test_a_scale_without_pixels_is_refused(density: float) -> None:
    with pytest.raises(ValueError, match="px_per_mm"):
        Scale(id="s", px_per_mm=density)


@given(boxes, boxes)
def test_overlap_goes_both_ways_and_agrees_with_iou(one: Box, other: Box) -> None:
    assert one.overlaps(other) == other.overlaps(one)
    assert one.iou(other) == other.iou(one)
    assert 0.0 <= one.iou(other) <= 1.0
    assume(one.width and one.height and other.width and other.height)
    assert (one.iou(other) > 0) == one.overlaps(other)
    assert one.iou(one) == 1.0


@given(st.lists(st.tuples(whole, whole), min_size=3, max_size=7), boxes)
def test_a_polygon_touches_every_box_of_which_it_has_a_point(corners: list[tuple[int, int]], box: Box) -> None:
    outline = Polygon(corners=tuple(corners))
    steps = [(box.x + box.width * i / 8, box.y + box.height * j / 8) for i in range(9) for j in range(9)]
    if any(outline.contains(x, y) for x, y in steps):
        assert outline.touches(box)
    if outline.holds(box):
        assert outline.touches(box)
        assert all(outline.contains(x, y) for x, y in steps)


@given(st.lists(st.tuples(whole, whole), min_size=3, max_size=7), boxes, sides, sides)
def test_what_holds_a_box_holds_every_box_inside_it(
    corners: list[tuple[int, int]], box: Box, left: int, top: int
) -> None:
    outline = Polygon(corners=tuple(corners))
    inner = Box(
        x=box.x + min(left, box.width),
        y=box.y + min(top, box.height),
        width=max(box.width - left, 0),
        height=max(box.height - top, 0),
    )
    if outline.holds(box):
        assert outline.holds(inner)
    if outline.touches(inner):
        assert outline.touches(box)


def test_a_polygon_of_two_corners_and_a_box_with_a_negative_side_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        Polygon(corners=((0, 0), (1, 1)))
    with pytest.raises(ValueError, match="negative"):
        Box(x=0, y=0, width=-1, height=1)
