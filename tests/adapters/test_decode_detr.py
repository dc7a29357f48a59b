"""DETR queries become boxes: logits through the card's activation, boxes from the card's unit and form."""

import tomllib
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.adapters.decode_detr import PLUGIN
from inspector.domain.errors import ConfigError, FrameError
from inspector.ports.model import FrameSpec, OutputSpec
from tests.model_graphs import corners, model_card, says, seen

SQUARE = FrameSpec(width=64, height=64)
BLANK = np.zeros((64, 128), np.uint8)
TWO = (
    OutputSpec(name="pred_boxes", dtype="float32", role="boxes"),
    OutputSpec(name="pred_logits", dtype="float32", role="logits"),
)
BOXES = np.array([[[0.25, 0.5, 0.125, 0.25], [0.75, 0.25, 0.25, 0.5]]], np.float32)


def told(tmp_path: Path, logits: list[list[float]], boxes: np.ndarray = BOXES, **settings: Any) -> list[Any]:
    graph = says(tmp_path / "m.onnx", {"pred_logits": np.array([logits], np.float32), "pred_boxes": boxes})
    bound = model_card(graph, frame=SQUARE, outputs=TWO)
    return [(d.label, round(d.score, 4), corners(d)) for d in seen(PLUGIN, bound, BLANK, **settings)]


def test_sigmoid_logits_and_relative_centres(tmp_path: Path) -> None:
    assert told(tmp_path, [[2.0, -5.0], [-5.0, 0.0]]) == [
        ("line", round(1 / (1 + exp(-2)), 4), (24, 24, 40, 40)),
        ("spot", 0.5, (80, 0, 112, 32)),
    ]


def test_a_query_may_be_two_things_or_only_its_best(tmp_path: Path) -> None:
    assert len(told(tmp_path, [[2.0, 1.0], [-5.0, -5.0]])) == 2
    assert [label for label, _, _ in told(tmp_path, [[2.0, 1.0], [-5.0, -5.0]], several_labels=False)] == ["line"]


@pytest.mark.parametrize(("background", "logits"), [("last", [0.0, 3.0, 0.0]), ("first", [0.0, 0.0, 3.0])])
def test_softmax_with_a_class_for_nothing(tmp_path: Path, background: str, logits: list[float]) -> None:
    nothing = [9.0 if (i == 2) == (background == "last") and i in {0, 2} else 0.0 for i in range(3)]
    ((label, score, _),) = told(tmp_path, [logits, nothing], activation="softmax", background=background)
    assert (label, score) == ("spot", round(exp(3) / (exp(3) + 2), 4))


def test_scores_and_corners_in_pixels_that_the_graph_has_made(tmp_path: Path) -> None:
    both = np.array([[[8, 16, 24, 32, 0.75, 0.1]]], np.float32)
    bound = model_card(says(tmp_path / "m.onnx", {"output0": both}), frame=SQUARE)
    (found,) = seen(PLUGIN, bound, BLANK, activation="none", unit="px", boxes="xyxy")
    assert (found.label, found.score, corners(found)) == ("line", 0.75, (16, 16, 48, 32))


def test_a_thing_that_two_tiles_see_is_one_detection(tmp_path: Path) -> None:
    boxes = np.array([[[0.75, 0.5, 0.5, 0.25], [0.25, 0.5, 0.5, 0.25]]], np.float32)
    graph = says(tmp_path / "m.onnx", {"pred_logits": np.full((1, 2, 2), [3.0, -9.0], np.float32), "pred_boxes": boxes})
    frame = FrameSpec(fit="tiles", width=64, height=64, overlap_px=32, pad=0)
    found = seen(PLUGIN, model_card(graph, frame=frame, outputs=TWO), np.zeros((64, 96), np.uint8))
    assert sorted(corners(d) for d in found) == [(0, 24, 32, 40), (32, 24, 64, 40), (64, 24, 96, 40)]


def test_too_many_things_are_a_frame_that_cannot_be_judged(tmp_path: Path) -> None:
    boxes = np.repeat(BOXES, 20, axis=1)
    with pytest.raises(FrameError, match="too many candidates"):
        told(tmp_path, [[2.0, -5.0]] * 40, boxes, max_candidates=39)


def test_a_card_that_lies_about_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"2 labels and decoder\.background = 'none' make 2 classes"):
        told(tmp_path, [[2.0, -5.0, 1.0], [0.0, 0.0, 0.0]])


def test_outputs_without_roles_are_refused(tmp_path: Path) -> None:
    graph = says(tmp_path / "m.onnx", {"a": BOXES, "b": BOXES})
    outputs = (OutputSpec(name="a", dtype="float32", role="boxes"), OutputSpec(name="b", dtype="float32", role="x"))
    with pytest.raises(ConfigError, match="roles 'logits' and 'boxes'"):
        seen(PLUGIN, model_card(graph, frame=SQUARE, outputs=outputs), BLANK)


def test_the_sample_is_valid(repo: Path) -> None:
    table = tomllib.loads((repo / "config" / "samples" / "decoder_detr.toml").read_text())["decoder"]
    assert table.pop("kind") == "detr"
    assert set(table) >= set(PLUGIN.settings_model.model_fields)
    PLUGIN.settings_model(**{key: table[key] for key in PLUGIN.settings_model.model_fields})
