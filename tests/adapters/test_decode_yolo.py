"""YOLO heads become boxes in frame pixels: raw ones suppressed, end-to-end ones as they are, tiles joined."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.adapters.decode_yolo import PLUGIN
from inspector.domain.errors import ConfigError, FrameError
from inspector.ports.model import FrameSpec
from tests.model_graphs import corners, model_card, says, seen, spotter

SQUARE = FrameSpec(width=64, height=64)
BLANK = np.zeros((64, 64), np.uint8)


def head(*columns: tuple[float, ...]) -> np.ndarray:
    """One column a box."""
    return np.array([columns], np.float32).transpose(0, 2, 1)


def told(tmp_path: Path, answer: np.ndarray, image: np.ndarray = BLANK, **settings: Any) -> list[Any]:
    bound = model_card(says(tmp_path / "m.onnx", {"output0": answer}), frame=SQUARE)
    return [(d.label, round(d.score, 4), corners(d)) for d in seen(PLUGIN, bound, image, **settings)]


def test_a_v8_head_is_centre_and_sides_with_one_score_a_class(tmp_path: Path) -> None:
    answer = head((20, 30, 10, 20, 0.1, 0.9), (50, 40, 8, 8, 0.6, 0.2), (5, 5, 4, 4, 0.24, 0.2))
    wanted = [("spot", 0.9, (15, 20, 25, 40)), ("line", 0.6, (46, 36, 54, 44))]
    assert told(tmp_path, answer) == wanted
    assert told(tmp_path, answer.transpose(0, 2, 1).copy()) == wanted


def test_boxes_are_scaled_to_the_frame_and_clipped(tmp_path: Path) -> None:
    answer = head((60, 32, 16, 64, 0.9, 0.0))
    (found,) = told(tmp_path, answer, np.zeros((128, 640), np.uint8))
    assert found[2] == (520, 0, 640, 128)


def test_a_v5_head_multiplies_objectness(tmp_path: Path) -> None:
    answer = head((20, 30, 10, 20, 0.5, 0.9, 0.1), (20, 30, 10, 20, 0.2, 1.0, 0.1))
    assert told(tmp_path, answer, head="v5") == [("line", 0.45, (15, 20, 25, 40))]


def test_end_to_end_rows_are_taken_as_they_are(tmp_path: Path) -> None:
    rows = np.array([[[1, 2, 11, 12, 0.8, 1], [1, 2, 11, 12, 0.7, 1], [0, 0, 0, 0, 0, 0]]], np.float32)
    assert [(label, corner) for label, _, corner in told(tmp_path, rows, head="end2end")] == [
        ("spot", (1, 2, 11, 12)),
        ("spot", (1, 2, 11, 12)),
    ]


def test_overlapping_boxes_of_one_class_are_one(tmp_path: Path) -> None:
    answer = head((20, 20, 10, 10, 0.9, 0), (21, 20, 10, 10, 0.8, 0), (21, 20, 10, 10, 0, 0.7))
    assert [label for label, _, _ in told(tmp_path, answer)] == ["line", "spot"]
    assert [label for label, _, _ in told(tmp_path, answer, across_classes=True)] == ["line"]
    assert len(told(tmp_path, answer, nms_iou=0.95)) == 3


def test_a_thing_is_found_where_it_is_in_a_letterboxed_frame(tmp_path: Path) -> None:
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[40:60, 100:140, 2] = 255
    bound = model_card(spotter(tmp_path / "m.onnx"), frame=FrameSpec(fit="letterbox", width=64, height=64, pad=114))
    (found,) = seen(PLUGIN, bound, frame, nms_iou=0.5)
    assert corners(found) == pytest.approx((100, 40, 140, 60), abs=3.2)
    assert found.score > 0.9


@pytest.mark.parametrize("overlap", [0, 16, 32])
@pytest.mark.parametrize(
    ("left", "top", "right", "bottom"),
    [(10, 10, 30, 30), (20, 90, 180, 96), (90, 5, 96, 140), (40, 40, 160, 140), (58, 60, 70, 70)],
)
def test_a_thing_across_seams_is_one_detection(
    tmp_path: Path, overlap: int, left: int, top: int, right: int, bottom: int
) -> None:
    frame = np.zeros((150, 190), np.uint8)
    frame[top:bottom, left:right] = 255
    bound = model_card(
        spotter(tmp_path / "m.onnx"),
        frame=FrameSpec(fit="tiles", width=64, height=64, overlap_px=overlap, pad=0),
    )
    (found,) = seen(PLUGIN, bound, frame)
    assert corners(found) == (left, top, right, bottom)
    assert (found.length_px, found.width_px) == (max(right - left, bottom - top), min(right - left, bottom - top))


def test_two_things_in_different_tiles_stay_two(tmp_path: Path) -> None:
    frame = np.zeros((64, 128), np.uint8)
    frame[10:20, 10:20] = frame[10:20, 100:110] = 255
    bound = model_card(spotter(tmp_path / "m.onnx"), frame=FrameSpec(fit="tiles", width=64, height=64, pad=0))
    assert sorted(corners(d) for d in seen(PLUGIN, bound, frame)) == [(10, 10, 20, 20), (100, 10, 110, 20)]


def test_too_many_candidates_are_a_frame_that_cannot_be_judged(tmp_path: Path) -> None:
    answer = head(*((3.0 * i, 5, 2, 2, 0.9, 0) for i in range(20)))
    with pytest.raises(FrameError, match="too many candidates: more than 10 things"):
        told(tmp_path, answer, max_candidates=10)
    with pytest.raises(FrameError, match="too many candidates: 20 raw boxes"):
        told(tmp_path, answer, max_raw=19)


@pytest.mark.parametrize("kind", ["v8", "v5", "end2end"])
def test_a_card_that_lies_about_labels_is_refused_before_a_part_comes(tmp_path: Path, kind: str) -> None:
    bound = model_card(says(tmp_path / "m.onnx", {"output0": np.zeros((1, 9, 50), np.float32)}), frame=SQUARE)
    with pytest.raises(ConfigError, match=r"2 labels and decoder\.head .* make \d columns, but the graph gives"):
        seen(PLUGIN, bound, BLANK, head=kind)


def test_a_class_without_a_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="gave class 7, but there are 2 labels"):
        told(tmp_path, np.array([[[1, 2, 11, 12, 0.8, 7]]], np.float32), head="end2end")


def test_the_sample_is_valid(repo: Path) -> None:
    table = tomllib.loads((repo / "config" / "samples" / "decoder_yolo.toml").read_text())["decoder"]
    assert table.pop("kind") == "yolo"
    assert set(table) >= set(PLUGIN.settings_model.model_fields)
    PLUGIN.settings_model(**{key: table[key] for key in PLUGIN.settings_model.model_fields})
