"""Cells become components, components become detections, sizes are measured on the frame's own pixels."""

from math import cos, radians, sin
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from inspector.adapters.decode_map.segmentation import PLUGIN, SegmentationDecoder, SegmentationSettings
from inspector.domain.errors import FrameError
from inspector.pipeline import tiling
from inspector.ports.model import ModelCard, OutputSpec, TileOutput
from inspector.ports.plugin import Context
from tests.fakes import card

STRIDE = 8
LABELS = ("crack", "scratch", "dent")
QUIET, LOUD = 20, 200
QUANTISED = OutputSpec(name="logits", dtype="uint8", stride=STRIDE, scale=0.1, zero_point=128)


def decoder(bound: ModelCard | None = None, **settings: Any) -> SegmentationDecoder:
    bound = bound or card(labels=LABELS, output=QUANTISED)
    with PLUGIN.open(PLUGIN.settings_model(**settings), Context(station="s", data_dir="", run_dir=""), bound) as opened:
        return opened


def ground(height: int = 320, width: int = 480, seed: int = 1, noise: float = 4.0) -> np.ndarray:
    light = np.random.default_rng(seed).normal(128, noise, (height, width))
    return np.clip(light, 0, 255).astype(np.uint8)


def outputs(cells: np.ndarray, height: int, width: int, *, strip_px: int = 0) -> list[TileOutput]:
    """The map of the whole frame (classes, rows, columns) as a runtime would give it tile by tile."""
    bound = card(labels=LABELS, output=QUANTISED)
    given = []
    for tile in tiling.strips(height, width, bound, strip_px=strip_px):
        array = np.full((1, len(cells), tile.height // STRIDE, tile.width // STRIDE), QUIET, cells.dtype)
        for row in range(array.shape[2]):
            for column in range(array.shape[3]):
                y, x = tile.y // STRIDE + row, tile.x // STRIDE + column
                if 0 <= y < cells.shape[1] and 0 <= x < cells.shape[2]:
                    array[0, :, row, column] = cells[:, y, x]
        given.append(TileOutput(tile=tile, arrays=(array,)))
    return given


def blank(height: int, width: int) -> np.ndarray:
    return np.full((len(LABELS), -(-height // STRIDE), -(-width // STRIDE)), QUIET, np.uint8)


def cells_of(mask: np.ndarray, channel: int = 0) -> np.ndarray:
    """A perfect map of what was drawn."""
    height, width = mask.shape
    cells = blank(height, width)
    rows, columns = np.nonzero(mask)
    cells[channel, rows // STRIDE, columns // STRIDE] = LOUD
    return cells


def test_an_empty_map_has_no_detection() -> None:
    frame = ground()
    assert decoder().decode(outputs(blank(*frame.shape), *frame.shape), frame) == ()


def test_a_component_has_the_class_and_score_of_its_cells_and_a_box_around_them() -> None:
    frame = ground()
    cells = blank(*frame.shape)
    cells[1, 5:8, 10:20] = LOUD
    cells[2, 6, 12] = LOUD - 40
    (found,) = decoder().decode(outputs(cells, *frame.shape), frame)
    assert found.label == "scratch"
    assert found.score == pytest.approx(1 / (1 + np.exp(-(LOUD - 128) * 0.1)), rel=1e-5)
    assert (found.box.x, found.box.y, found.box.width, found.box.height) == (80, 40, 80, 24)


@given(
    st.integers(40, 330),
    st.integers(20, 250),
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(1, 12), st.integers(1, 12)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([40, 64, 104, 200]),
)
@settings(max_examples=40, deadline=None)
def test_strips_give_the_detections_of_the_whole_frame(
    height: int, width: int, patches: list[tuple[int, int, int, int]], strip_px: int
) -> None:
    frame, cells = ground(height, width), blank(height, width)
    for index, (y, x, h, w) in enumerate(patches):
        cells[index % len(LABELS), y : y + h, x : x + w] = LOUD - index
    whole = decoder().decode(outputs(cells, height, width), frame)
    assert decoder().decode(outputs(cells, height, width, strip_px=strip_px), frame) == whole
    for found in whole:
        assert 0 <= found.box.x < found.box.right <= width
        assert 0 <= found.box.y < found.box.bottom <= height


def test_a_defect_across_a_seam_is_one_detection() -> None:
    frame = ground()
    cells = blank(*frame.shape)
    cells[0, 2:38, 20] = LOUD
    (found,) = decoder().decode(outputs(cells, *frame.shape, strip_px=64), frame)
    assert found.box.height == 36 * STRIDE


def test_a_small_gap_does_not_split_a_defect_and_a_wide_one_does() -> None:
    frame = ground()
    cells = blank(*frame.shape)
    cells[0, 10, [5, 6, 9, 10, 20, 21]] = LOUD
    assert len(decoder().decode(outputs(cells, *frame.shape), frame)) == 2
    assert len(decoder(join_cells=0).decode(outputs(cells, *frame.shape), frame)) == 3


def test_nothing_below_the_cards_candidate_score_is_a_detection() -> None:
    frame = ground()
    cells = blank(*frame.shape)
    edge = 128 + int(np.log(0.3 / 0.7) / 0.1)  # logit of 0.3 in steps of 0.1
    cells[0, 3, 3], cells[0, 20, 20] = edge - 1, edge + 1
    (found,) = decoder().decode(outputs(cells, *frame.shape), frame)
    assert (found.box.x, found.box.y) == (160, 160)
    assert found.score >= 0.3


def test_float_logits_mean_the_same_as_quantised_ones() -> None:
    frame = ground()
    cells = blank(*frame.shape)
    cells[0, 5, 5], cells[1, 20, 20:30] = 150, 190
    exact = OutputSpec(name="logits", dtype="float32", stride=STRIDE, scale=1.0, zero_point=0)
    logits = (cells.astype(np.float32) - 128) * np.float32(0.1)
    floats = decoder(card(labels=LABELS, output=exact)).decode(outputs(logits, *frame.shape), frame)
    steps = decoder().decode(outputs(cells, *frame.shape), frame)
    assert [d.label for d in floats] == [d.label for d in steps]
    assert [d.score for d in floats] == pytest.approx([d.score for d in steps], abs=1e-5)


def test_a_scene_of_thousands_of_components_is_refused_in_bounded_time() -> None:
    frame = ground(1600, 1600)
    cells = blank(*frame.shape)
    cells[0, ::4, ::4] = LOUD
    with pytest.raises(FrameError, match="too many candidates: 2500 components, more than 400"):
        decoder().decode(outputs(cells, *frame.shape), frame)


@pytest.mark.parametrize("angle", [0, 17, 45, 71, 90, 138])
@pytest.mark.parametrize(("length", "width"), [(60, 2), (120, 3), (200, 4)])
def test_a_dark_line_on_noise_is_measured_to_a_few_pixels(length: int, width: int, angle: int) -> None:
    """Stated tolerance: length -3 px to +8 % + 3 px (a slanting outline is a staircase), width within 2 px."""
    frame = ground(seed=angle)
    mask = np.zeros(frame.shape, np.uint8)
    dx, dy = cos(radians(angle)) * length / 2, sin(radians(angle)) * length / 2
    start, end = (round(240 - dx), round(160 - dy)), (round(240 + dx), round(160 + dy))
    cv2.line(mask, start, end, 1, width)
    frame[mask > 0] = 40
    (found,) = decoder().decode(outputs(cells_of(mask), *frame.shape), frame)
    drawn_length, drawn_width = drawn(mask)
    assert drawn_length - 3 <= found.length_px <= drawn_length * 1.08 + 3
    assert found.width_px == pytest.approx(drawn_width, abs=2.0)
    assert found.area_px == pytest.approx(float(mask.sum()), rel=0.2)


def drawn(mask: np.ndarray) -> tuple[float, float]:
    """Length and width of what was really drawn: OpenCV's pen has round ends and whole pixels."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    (_, (one, other), _) = cv2.minAreaRect(max(contours, key=len))
    return max(one, other) + 1, min(one, other) + 1


def disc(diameter: int, light: int) -> tuple[np.ndarray, np.ndarray]:
    frame, mask = ground(480, 640), np.zeros((480, 640), np.uint8)
    cv2.circle(mask, (320, 240), diameter // 2, 1, cv2.FILLED)
    frame[mask > 0] = light
    return frame, mask


@pytest.mark.parametrize("diameter", [24, 40, 80, 140])
def test_a_faint_round_dent_on_noise_is_measured_to_a_few_pixels(diameter: int) -> None:
    """Stated tolerance: both diameters within 5 px or 10 %."""
    frame, mask = disc(diameter, 110)
    (found,) = decoder().decode(outputs(cells_of(mask, 2), *frame.shape), frame)
    tolerance = max(5.0, 0.1 * diameter)
    assert found.length_px == pytest.approx(diameter, abs=tolerance)
    assert found.width_px == pytest.approx(diameter, abs=tolerance)


@pytest.mark.parametrize("light", [20, 70, 220])
@pytest.mark.parametrize("diameter", [12, 24, 40, 80, 140])
def test_a_strong_round_blob_is_never_measured_too_short(diameter: int, light: int) -> None:
    frame, mask = disc(diameter, light)
    (found,) = decoder().decode(outputs(cells_of(mask, 2), *frame.shape), frame)
    assert found.length_px >= diameter - 4


def test_the_cards_measured_bias_is_taken_off() -> None:
    frame, mask = ground(), np.zeros((320, 480), np.uint8)
    cv2.line(mask, (100, 100), (260, 100), 1, 3)
    frame[mask > 0] = 40
    biased = card(labels=LABELS, output=QUANTISED, length_bias_px=5.0, width_bias_px=-1.0)
    seen = outputs(cells_of(mask), *frame.shape)
    (plain,), (corrected,) = decoder().decode(seen, frame), decoder(biased).decode(seen, frame)
    assert corrected.length_px == pytest.approx(plain.length_px - 5.0)
    assert corrected.width_px == pytest.approx(plain.width_px + 1.0)


def test_where_nothing_stands_out_the_size_is_that_of_the_cells() -> None:
    frame = np.full((320, 480), 128, np.uint8)
    cells = blank(320, 480)
    cells[0, 10, 10:15] = LOUD
    (found,) = decoder().decode(outputs(cells, 320, 480), frame)
    assert (found.length_px, found.width_px, found.area_px) == (40.0, 8.0, 320.0)


@pytest.mark.parametrize("corner", [(0, 0), (0, 39), (29, 0), (29, 39)])
def test_a_defect_in_the_corner_of_the_frame_is_measured_there(corner: tuple[int, int]) -> None:
    frame, cells = ground(236, 316), blank(236, 316)
    cells[0, corner[0], corner[1]] = LOUD
    (found,) = decoder().decode(outputs(cells, *frame.shape), frame)
    assert found.box.right <= 316
    assert found.box.bottom <= 236


@pytest.mark.parametrize("wrong", [{"max_candidates": 0}, {"join_cells": 9}, {"threshold": 0.5}])
def test_settings_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SegmentationSettings(**wrong)
