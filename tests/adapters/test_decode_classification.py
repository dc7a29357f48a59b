"""A classifier's best classes cover what it was shown; sound ones are no detection."""

import tomllib
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.adapters.decode_classification import PLUGIN
from inspector.domain.errors import ConfigError
from inspector.ports.model import FrameSpec
from tests.model_graphs import corners, model_card, says, seen

BLANK = np.zeros((50, 100), np.uint8)
LABELS = ("good", "scratched", "dented")


def told(tmp_path: Path, logits: list[float], frame: FrameSpec | None = None, **settings: Any) -> list[Any]:
    graph = says(tmp_path / "m.onnx", {"output0": np.array([logits], np.float32)})
    bound = model_card(
        graph, frame=frame or FrameSpec(width=64, height=64), labels=LABELS, task="classification", candidate_score=0.05
    )
    return [(d.label, round(d.score, 4), corners(d)) for d in seen(PLUGIN, bound, BLANK, **settings)]


def test_classes_above_the_floor_cover_the_frame_best_first(tmp_path: Path) -> None:
    total = exp(1) + exp(2) + exp(-5)
    assert told(tmp_path, [1, 2, -5]) == [
        ("scratched", round(exp(2) / total, 4), (0, 0, 100, 50)),
        ("good", round(exp(1) / total, 4), (0, 0, 100, 50)),
    ]


def test_a_sound_class_is_no_detection_but_the_doubt_beside_it_is(tmp_path: Path) -> None:
    found = told(tmp_path, [0.6, 0.3, 0.1], activation="none", sound_labels=("good",))
    assert found == [("scratched", 0.3, (0, 0, 100, 50)), ("dented", 0.1, (0, 0, 100, 50))]


def test_independent_classes_and_top_k(tmp_path: Path) -> None:
    assert told(tmp_path, [0, 2, 3], activation="sigmoid", top_k=1) == [
        ("dented", round(1 / (1 + exp(-3)), 4), (0, 0, 100, 50))
    ]


def test_every_tile_is_classified_for_itself(tmp_path: Path) -> None:
    tiles = FrameSpec(fit="tiles", width=64, height=64, pad=0)
    found = told(tmp_path, [0, 0, 5], tiles)
    assert sorted(corner for _, _, corner in found) == [(0, 0, 50, 50), (50, 0, 100, 50)]


def test_a_card_that_lies_about_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"3 labels, but the graph gives \(1, 4\)"):
        told(tmp_path, [1, 2, 3, 4])


def test_a_sound_label_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sound_labels: \['ok'\] are no labels of the model; there are: good"):
        told(tmp_path, [1, 2, 3], sound_labels=("ok",))


def test_the_sample_is_valid(repo: Path) -> None:
    table = tomllib.loads((repo / "config" / "samples" / "decoder_classification.toml").read_text())["decoder"]
    assert table.pop("kind") == "classification"
    assert set(table) >= set(PLUGIN.settings_model.model_fields)
    PLUGIN.settings_model(**{key: table[key] for key in PLUGIN.settings_model.model_fields})
