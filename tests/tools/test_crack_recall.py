"""Recall at a fixed rate of false alarms, and what int8 costs of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from inspector.app.model_package import load_card
from inspector.domain.errors import ConfigError
from tests.graphs import graph, package
from tools.crack_recall import Question, drop, float_card, measure_recall, share, threshold

MODELS = Path(__file__).parents[2] / "models"
SMALL = Question(good=2, cracked=2, each=2, width=1280, height=960)


@given(st.lists(st.floats(0.0, 1.0), max_size=30), st.integers(0, 30))
def test_no_more_false_alarms_than_allowed_reach_the_threshold(scores: list[float], allowed: int) -> None:
    limit = threshold(scores, allowed=allowed, floor=0.3)
    assert sum(1 for score in scores if score >= limit) <= allowed
    assert limit >= 0.3


def test_without_false_alarms_the_floor_is_the_threshold() -> None:
    assert threshold([0.1, 0.2], allowed=0, floor=0.3) == 0.3


def test_a_share_stands_with_its_counts_and_an_exact_interval() -> None:
    assert share(0, 0)["recall"] == 0.0
    all_found = share(100, 100)
    assert (all_found["recall"], all_found["high"]) == (1.0, 1.0)
    assert all_found["low"] == pytest.approx(0.9638, abs=1e-3)  # 0.025 ** (1 / 100)


def test_what_int8_costs_is_told_in_points_for_each_width() -> None:
    own = {"widths": {"1": share(80, 100), "2": share(100, 100)}, "all": share(180, 200)}
    whole = {"widths": {"1": share(82, 100), "2": share(99, 100)}, "all": share(181, 200)}
    assert drop(own, whole) == {"1": 2.0, "2": -1.0, "all": 0.5}


def test_the_shipped_model_finds_cracks_of_each_width() -> None:
    found = measure_recall(MODELS / "surface-small", None, SMALL, tell=lambda _: None)
    own = found["package"]
    assert own["widths"].keys() == {"1", "2", "3"}
    assert all(0 < row["painted"] <= 4 for row in own["widths"].values())
    assert own["all"]["recall"] >= 0.5
    assert own["false_alarms"] == 0
    assert own["sha256"] == load_card(MODELS / "surface-small").sha256
    assert found["float"] is found["drop_points"] is None


def test_a_float_sibling_goes_through_the_same_parts(tmp_path: Path) -> None:
    graph(tmp_path / "model.onnx")
    package(tmp_path)
    sibling = graph(tmp_path / "model_fp32.onnx", output_type=TensorProto.FLOAT)
    found = measure_recall(tmp_path, sibling, SMALL, tell=lambda _: None)
    assert found["float"]["file"] == "model_fp32.onnx"
    assert found["float"]["sha256"] != found["package"]["sha256"]
    assert found["float"]["widths"]["1"]["painted"] == found["package"]["widths"]["1"]["painted"]
    assert found["drop_points"].keys() == {"1", "2", "3", "all"}


def test_a_graph_that_is_no_float_sibling_is_refused(tmp_path: Path) -> None:
    graph(tmp_path / "model.onnx")
    package(tmp_path)
    with pytest.raises(ConfigError, match="logits uint8; one input of pixels"):
        float_card(load_card(tmp_path), tmp_path / "model.onnx")
