"""An anomaly model from elsewhere proves that it gives the maps and scores of its own software."""

import json
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from typer.testing import CliRunner, Result

from inspector.app.cli import app
from tests.model_graphs import heat, spotter

SIDE = 64


def imported(tmp_path: Path, graph: Path, *options: str | Path) -> Result:
    words = ["model", "import", graph, "--name", "m", "--models", tmp_path / "models", *options]
    return CliRunner().invoke(app, [str(word) for word in words])


def card(tmp_path: Path) -> dict[str, Any]:
    return tomllib.loads((tmp_path / "models" / "m" / "card.toml").read_text())


def reference(tmp_path: Path, *, error: float = 0.0, score_error: float = 0.0, side: int = SIDE) -> Path:
    """A picture, and the map and score that a model has of it whose map is the mean of the colours."""
    image = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    values = image.astype(np.float32).mean(axis=2) / 255
    values[3, 5] += error
    np.save(tmp_path / "a.npy", values[:side, :side])
    path = tmp_path / "reference.json"
    entry = {"file": "a.png", "map": "a.npy", "map_score": float(values.max()) + score_error}
    path.write_text(json.dumps({"images": [entry]}))
    return path


def test_an_anomalib_export_is_known_by_its_outputs_and_its_maps_are_proved(tmp_path: Path) -> None:
    result = imported(tmp_path, heat(tmp_path / "model.onnx"), "--reference", reference(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["decoder"], told["labels"], told["assumed"], told["parity"]) == ("anomaly_map", ["anomaly"], [], None)
    assert (told["map_parity"]["compared"], told["map_parity"]["scores"]) == (1, 1)
    assert max(told["map_parity"][f"largest_{what}_difference"] for what in ("map", "score")) < 1e-6
    assert [output.get("role") for output in card(tmp_path)["outputs"]] == ["map", "score"]
    assert (card(tmp_path)["frame"]["width"], card(tmp_path)["frame"]["interpolation"]) == (SIDE, "antialias_float")


def test_a_graph_that_scales_by_itself_is_shown_pictures_scaled_as_its_training_scaled_them(tmp_path: Path) -> None:
    result = imported(tmp_path, heat(tmp_path / "model.onnx", free=True), "--reference", reference(tmp_path))
    assert result.exit_code == 0, result.output
    frame = card(tmp_path)["frame"]
    assert (frame["fit"], frame["width"], frame["height"]) == ("whole", SIDE, SIDE)


@pytest.mark.parametrize("wrong", [{"error": 0.002}, {"score_error": 0.002}])
def test_another_map_or_another_score_is_refused_and_named(tmp_path: Path, wrong: dict[str, float]) -> None:
    result = imported(tmp_path, heat(tmp_path / "model.onnx"), "--reference", reference(tmp_path, **wrong))
    assert result.exit_code == 78
    assert "most in a.png: map by" in result.stderr
    assert not (tmp_path / "models" / "m").exists()


def test_a_wrong_preprocessing_of_a_map_is_refused_with_what_would_fit(tmp_path: Path) -> None:
    options = ("--reference", reference(tmp_path), "--normalise", "raw")
    result = imported(tmp_path, heat(tmp_path / "model.onnx"), *options)
    assert result.exit_code == 78
    assert "it would fit with --normalise unit" in result.stderr


def test_a_map_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    result = imported(tmp_path, heat(tmp_path / "model.onnx"), "--reference", reference(tmp_path, side=32))
    assert result.exit_code == 78
    assert "the reference's map has the shape (32, 32), but the graph gives (64, 64)" in result.stderr


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"file": "a.png"}, "give its detections, or its map"),
        ({"file": "a.png", "detections": [], "map_score": 0.5}, "map_score without a map"),
        ({"file": "a.png", "map": "none.npy"}, "cannot be read as a map"),
        ({"file": "a.png", "map": "row.npy"}, "cannot be read as a map"),
        ({"file": "a.png", "map": "nan.npy"}, "with NaN"),
    ],
)
def test_a_reference_that_says_nothing_usable_is_refused(tmp_path: Path, entry: dict[str, Any], says: str) -> None:
    reference(tmp_path)
    np.save(tmp_path / "row.npy", np.zeros((2, 3, 4, 5), np.float32))
    np.save(tmp_path / "nan.npy", np.full((SIDE, SIDE), np.nan, np.float32))
    (tmp_path / "reference.json").write_text(json.dumps({"images": [entry]}))
    result = imported(tmp_path, heat(tmp_path / "model.onnx"), "--reference", tmp_path / "reference.json")
    assert result.exit_code == 78
    assert says in result.stderr


def in_two_files(tmp_path: Path) -> Path:
    """A graph whose larger weights lie beside it, as torch exports by itself."""
    whole = onnx.load(spotter(tmp_path / "whole.onnx", classes=20))
    place = tmp_path / "parts.onnx"
    onnx.save(whole, str(place), save_as_external_data=True, location="w.data", size_threshold=100)
    return place


def test_weights_that_lie_beside_the_graph_come_into_the_package(tmp_path: Path) -> None:
    place = in_two_files(tmp_path)
    result = imported(tmp_path, place, "--labels", ",".join("abcdefghijklmnopqrst"), "--yes")
    assert result.exit_code == 0, result.output
    place.unlink()
    (tmp_path / "w.data").unlink()
    checked = CliRunner().invoke(app, ["model", "check", "m", "--models", str(tmp_path / "models")])
    assert checked.exit_code == 0, checked.output


def test_weights_that_are_cut_short_are_refused(tmp_path: Path) -> None:
    place = in_two_files(tmp_path)
    (tmp_path / "w.data").write_bytes(b"")
    result = imported(tmp_path, place, "--labels", ",".join("abcdefghijklmnopqrst"), "--yes")
    assert result.exit_code == 78
    assert "parts.onnx" in result.stderr
