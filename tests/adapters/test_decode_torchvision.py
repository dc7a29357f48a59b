"""Finished boxes, labels and scores are taken as they are, with the card's names."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.adapters.decode_torchvision import PLUGIN
from inspector.domain.errors import ConfigError, FrameError
from inspector.ports.model import FrameSpec, InputSpec, OutputSpec
from tests.model_graphs import corners, model_card, says, seen

OUTPUTS = (
    OutputSpec(name="boxes", dtype="float32", role="boxes"),
    OutputSpec(name="labels", dtype="int64", role="labels"),
    OutputSpec(name="scores", dtype="float32", role="scores"),
)
BLANK = np.zeros((48, 80), np.uint8)
BOXES = np.array([[8, 4, 24, 44], [40, 10, 50, 20], [1, 1, 2, 2]], np.float32)


def told(
    tmp_path: Path,
    labels: list[int],
    boxes: np.ndarray = BOXES,
    scores: tuple[float, ...] = (0.5, 0.75, 0.125),
    **settings: Any,
) -> list[Any]:
    answers = {"boxes": boxes, "labels": np.array(labels, np.int64), "scores": np.array(scores, np.float32)}
    graph = says(tmp_path / "m.onnx", answers, shape=(1, 3, "height", "width"))
    bound = model_card(graph, frame=FrameSpec(), outputs=OUTPUTS, border="none")
    return [(d.label, d.score, corners(d)) for d in seen(PLUGIN, bound, BLANK, **settings)]


def test_labels_begin_at_one_because_nought_is_background(tmp_path: Path) -> None:
    assert told(tmp_path, [1, 2, 1]) == [("spot", 0.75, (40, 10, 50, 20)), ("line", 0.5, (8, 4, 24, 44))]


def test_labels_may_begin_at_nought(tmp_path: Path) -> None:
    assert [label for label, _, _ in told(tmp_path, [0, 1, 1], first_label=0)] == ["spot", "line"]


def test_relative_boxes_are_of_the_input(tmp_path: Path) -> None:
    boxes = np.array([[0.5, 0.25, 1.0, 0.5]], np.float32)
    assert told(tmp_path, [1], boxes, (0.5,), unit="relative") == [("line", 0.5, (40, 12, 80, 24))]


def test_an_input_without_a_batch_is_torchvisions_own_export(tmp_path: Path) -> None:
    answers = {
        "boxes": BOXES,
        "labels": np.array([1, 2, 1], np.int64),
        "scores": np.array([0.5, 0.75, 0.1], np.float32),
    }
    graph = says(tmp_path / "m.onnx", answers, shape=(3, "height", "width"))
    entry = InputSpec(name="images", dtype="float32", layout="CHW", channels=3, multiple=1, colour="rgb", scale=1 / 255)
    bound = model_card(graph, frame=FrameSpec(), outputs=OUTPUTS, border="none", input=entry)
    assert [d.label for d in seen(PLUGIN, bound, BLANK)] == ["spot", "line"]


def test_a_picture_without_boxes_has_no_detection(tmp_path: Path) -> None:
    assert told(tmp_path, [], np.zeros((0, 4), np.float32), ()) == []


def test_a_label_the_card_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FrameError, match=r"gave label 3, but 2 labels with decoder\.first_label = 1 are numbered 1 to 2"
    ):
        told(tmp_path, [1, 3, 1])


def test_shapes_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"boxes \(n, 4\), labels \(n,\) and scores \(n,\) are right"):
        told(tmp_path, [1, 2])


def test_too_many_boxes_are_a_frame_that_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="too many candidates: 2 things"):
        told(tmp_path, [1, 2, 1], max_candidates=1)


def test_outputs_without_roles_are_refused(tmp_path: Path) -> None:
    graph = says(tmp_path / "m.onnx", {"output0": BOXES})
    with pytest.raises(ConfigError, match="roles boxes, labels, scores"):
        seen(PLUGIN, model_card(graph, frame=FrameSpec(width=64, height=64)), BLANK)


def test_the_sample_is_valid(repo: Path) -> None:
    table = tomllib.loads((repo / "config" / "samples" / "decoder_torchvision.toml").read_text())["decoder"]
    assert table.pop("kind") == "torchvision"
    assert set(table) >= set(PLUGIN.settings_model.model_fields)
    PLUGIN.settings_model(**{key: table[key] for key in PLUGIN.settings_model.model_fields})
