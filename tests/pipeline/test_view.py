"""What is masked is not judged, and hides nothing beside it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.adapters.decode_map.segmentation import SegmentationDecoder, SegmentationSettings
from inspector.domain.detection import Detection
from inspector.domain.frame import PixelFormat
from inspector.domain.geometry import Box, Polygon, Pose
from inspector.domain.recipe import FixtureRule, Mask
from inspector.pipeline.detect import Detector
from inspector.pipeline.view import EVERYTHING, View, view_of, window_sides
from tests.fakes import RECIPE, card

HEIGHT, WIDTH, STRIDE = 320, 480, 8


class MapRuntime:
    """Sees a defect of the highest score in every cell over a dark pixel. ``shapes``: of what it was given."""

    description = "map"

    def __init__(self) -> None:
        self.shapes: set[tuple[int, ...]] = set()

    def run(self, tensor: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
        self.shapes.add(tensor.shape)
        _, _, height, width = tensor.shape
        cells = tensor.reshape(height // STRIDE, STRIDE, width // STRIDE, STRIDE).min(axis=(1, 3))
        return (np.where(cells < 60, 255, 0).astype(np.uint8)[None, None],)


def looked(frame: NDArray[np.uint8], view: View = EVERYTHING) -> tuple[Detection, ...]:
    made = card()
    decoder = SegmentationDecoder(SegmentationSettings(), made)
    detector = Detector(card=made, runtime=MapRuntime(), decoder=decoder)
    return detector.detect(frame, PixelFormat.MONO8, view=view).detections


def dark(*boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    frame = np.full((HEIGHT, WIDTH), 150, np.uint8)
    for x, y, width, height in boxes:
        frame[y : y + height, x : x + width] = 20
    return frame


PRINT = Polygon.around(Box(x=160, y=80, width=160, height=80))


def test_what_lies_in_a_mask_is_not_seen() -> None:
    frame = dark((176, 96, 80, 32))
    assert len(looked(frame)) == 1
    assert looked(frame, View(masks=(PRINT,))) == ()


def test_a_defect_beside_masked_print_is_seen_alone_although_they_touch() -> None:
    frame = dark((176, 96, 144, 40), (320, 112, 80, 8))
    (joined,) = looked(frame)
    assert joined.box.width > 200
    (alone,) = looked(frame, View(masks=(PRINT,)))
    assert (alone.box.x, alone.box.right) == (320, 400)
    assert alone.length_px < 100


def test_what_hangs_over_the_edge_of_a_mask_is_seen() -> None:
    (seen,) = looked(dark((300, 100, 60, 16)), View(masks=(PRINT,)))
    assert seen.box.right >= 360


@given(x=st.integers(0, WIDTH - 40), y=st.integers(0, HEIGHT - 40))
def test_no_mask_hides_a_defect_that_is_not_whole_in_it(x: int, y: int) -> None:
    seen = looked(dark((x, y, 32, 32)), View(masks=(PRINT,)))
    in_mask = 160 <= x <= 320 - 32 and 80 <= y <= 160 - 32
    assert bool(seen) or in_mask


def test_a_roi_is_all_that_the_model_is_given_and_places_stay_those_of_the_frame() -> None:
    made, runtime = card(), MapRuntime()
    detector = Detector(card=made, runtime=runtime, decoder=SegmentationDecoder(SegmentationSettings(), made))
    recipe = replace(RECIPE, roi=Polygon.around(Box(x=200, y=100, width=90, height=60)))
    view = view_of(recipe, recipe, HEIGHT, WIDTH)
    frame = dark((208, 104, 24, 16), (20, 20, 40, 40), (300, 100, 40, 40))
    (seen,) = detector.detect(frame, PixelFormat.MONO8, view=view).detections
    assert seen.box.overlaps(Box(x=208, y=104, width=24, height=16))
    assert seen.box.width <= 40
    assert all(shape[2] < HEIGHT and shape[3] < WIDTH for shape in runtime.shapes)


def test_a_roi_that_goes_along_with_the_part_needs_no_other_layout() -> None:
    rule = FixtureRule(template="t.png", region=Box(x=0, y=0, width=400, height=300))
    recipe = replace(RECIPE, roi=Polygon.around(Box(x=100, y=80, width=200, height=120)), fixture=rule)
    sides = window_sides(recipe, 3000, 4096)
    for pose in (Pose(x=200, y=150), Pose(dx=20, dy=-20, turn_deg=5, x=200, y=150), Pose(dx=4000, x=200, y=150)):
        view = view_of(recipe, recipe.carried(pose), 3000, 4096)
        assert view.window is not None
        assert (view.window.height, view.window.width) == sides
        assert (view.window.x % 2, view.window.y % 2) == (0, 0)
        assert view.window.x + view.window.width <= 4096
        if pose.dx < 4000:
            assert view.roi is not None
            bounds = view.roi.bounds
            assert min(bounds.x, bounds.y) >= 0
            assert bounds.right <= view.window.width
            assert bounds.bottom <= view.window.height


@pytest.mark.parametrize("turn_deg", [-5.0, 0.0, 5.0])
def test_zones_and_masks_are_carried_with_the_part(turn_deg: float) -> None:
    pose = Pose(dx=20, dy=-20, turn_deg=turn_deg, x=240, y=160)
    recipe = replace(RECIPE, masks=(Mask(name="print", outline=PRINT),)).carried(pose)
    centre = pose.moved(*PRINT.bounds.centre)
    assert recipe.masks[0].outline.contains(*centre)
    assert view_of(RECIPE, recipe, HEIGHT, WIDTH).masks == (recipe.masks[0].outline,)


class BoxDecoder:
    """Gives boxes, as a detector does."""

    def decode(self, outputs: Sequence[object], pixels: object) -> tuple[Detection, ...]:
        boxes = (Box(x=170, y=90, width=40, height=40), Box(x=300, y=90, width=40, height=40))
        return tuple(
            Detection(label="crack", score=0.9, box=box, length_px=40, width_px=40, area_px=1600) for box in boxes
        )


def test_of_a_model_that_gives_boxes_those_whole_in_a_mask_are_left_out() -> None:
    detector = Detector(card=card(task="detection"), runtime=MapRuntime(), decoder=BoxDecoder())
    (seen,) = detector.detect(dark(), PixelFormat.MONO8, view=View(masks=(PRINT,))).detections
    assert seen.box.x == 300
