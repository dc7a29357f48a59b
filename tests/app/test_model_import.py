"""A stranger's ONNX file becomes a package that has proved itself, or a sentence that says what is missing."""

import json
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, save
from typer.testing import CliRunner, Result

from inspector.app.cli import app
from inspector.app.model_package import load_card
from tests.model_graphs import says, spotter

NAMES = {"names": "{0: 'line', 1: 'spot'}", "imgsz": "[64, 64]", "task": "detect", "stride": "32"}


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["model", *map(str, arguments)])


def imported(tmp_path: Path, graph: Path, *options: str | Path) -> Result:
    return call("import", graph, "--name", "m", "--models", tmp_path / "models", *options)


def card(tmp_path: Path) -> dict[str, Any]:
    return tomllib.loads((tmp_path / "models" / "m" / "card.toml").read_text())


def scene(path: Path, colour: tuple[int, int, int] = (0, 0, 250)) -> Path:
    """A red block on black, 128 x 96 px."""
    image = np.zeros((96, 128, 3), np.uint8)
    image[32:64, 48:96] = colour
    cv2.imwrite(str(path), image)
    return path


def reference(
    tmp_path: Path, box: tuple[float, ...] = (48, 32, 96, 64), *, score: float = 250 / 255, label: str = "line"
) -> Path:
    scene(tmp_path / "a.png")
    path = tmp_path / "reference.json"
    seen = {"label": label, "score": score, "box": box}
    path.write_text(json.dumps({"images": [{"file": "a.png", "detections": [seen]}]}))
    return path


def test_what_the_exporter_wrote_is_not_asked(tmp_path: Path) -> None:
    result = imported(tmp_path, spotter(tmp_path / "best.onnx", metadata=NAMES), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["decoder"], told["labels"], told["assumed"]) == ("yolo", ["line", "spot"], [])
    written = card(tmp_path)
    assert written["frame"] == {"fit": "letterbox", "width": 64, "height": 64, "pad": 114}
    assert written["input"]["scale"] == pytest.approx(1 / 255)
    assert load_card(tmp_path / "models" / "m").decoder == "yolo"


def test_a_package_meets_its_own_reference_vectors(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    assert imported(tmp_path, graph, "--example", scene(tmp_path / "a.png")).exit_code == 0
    checked = call("check", "m", "--models", tmp_path / "models", "--json")
    assert checked.exit_code == 0, checked.output
    told = json.loads(checked.stdout)
    assert (told["fits"], told["same_input"], told["pictures"]) == (True, True, 1)


def test_a_card_changed_afterwards_no_longer_meets_its_vectors(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    imported(tmp_path, graph, "--example", scene(tmp_path / "a.png"))
    path = tmp_path / "models" / "m" / "card.toml"
    path.write_text(path.read_text().replace('colour = "rgb"', 'colour = "bgr"'))
    checked = call("check", "m", "--models", tmp_path / "models")
    assert checked.exit_code == 1
    assert "DOES NOT FIT" in checked.stdout
    assert "inputs NOT the same" in checked.stdout


def test_parity_with_the_models_own_software_is_proved(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    # Two frame pixels a cell, and the soft edge of the resized block counts less than its brightest pixels.
    result = imported(tmp_path, graph, "--reference", reference(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    parity = json.loads(result.stdout)["parity"]
    assert (parity["compared"], parity["missing"], parity["extra"]) == (1, 0, 0)
    assert parity["least_iou"] >= 0.99


def test_a_reference_box_that_goes_beyond_the_picture_counts_as_far_as_the_picture_goes(tmp_path: Path) -> None:
    image = np.zeros((96, 128, 3), np.uint8)
    image[64:96, 96:128] = (0, 0, 250)
    path = reference(tmp_path, (96, 64, 150, 131))
    cv2.imwrite(str(tmp_path / "a.png"), image)
    result = imported(tmp_path, spotter(tmp_path / "best.onnx", metadata=NAMES), "--reference", path, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["parity"]["least_iou"] >= 0.99


def test_a_wrong_preprocessing_is_refused_with_the_difference_and_what_would_fit(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    result = imported(tmp_path, graph, "--reference", reference(tmp_path), "--colour", "bgr")
    assert result.exit_code == 78
    assert "largest difference: a.png: line 0.980 at 48.0,32.0 to 96.0,64.0 is not seen" in result.stderr
    assert 'it would fit with input.colour = "rgb"' in result.stderr
    assert not (tmp_path / "models" / "m").exists()


@pytest.mark.parametrize(
    ("options", "fits"),
    [(("--normalise", "raw"), "--normalise unit"), (("--fit", "whole"), 'frame.fit = "letterbox", pad = 114')],
)
def test_other_wrong_preprocessings_are_named_too(tmp_path: Path, options: tuple[str, ...], fits: str) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    result = imported(tmp_path, graph, "--reference", reference(tmp_path), *options)
    assert result.exit_code == 78
    assert f"it would fit with {fits}" in result.stderr


def test_a_reference_that_shows_nothing_proves_nothing(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "dark.png"), np.zeros((64, 64, 3), np.uint8))
    path = tmp_path / "reference.json"
    path.write_text(json.dumps({"images": [{"file": "dark.png", "detections": []}]}))
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    result = imported(tmp_path, graph, "--reference", path, "--set", "frame.pad=0")
    assert result.exit_code == 78
    assert "nothing is compared" in result.stderr


def test_labels_in_another_order_are_suspected(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    result = imported(tmp_path, graph, "--reference", reference(tmp_path, label="spot"))
    assert result.exit_code == 78
    assert "there is line 0.980" in result.stderr
    assert "are the labels in the model's order?" in result.stderr


def test_what_cannot_be_known_is_listed_where_nobody_can_be_asked(tmp_path: Path) -> None:
    answers = {"pred_logits": np.zeros((1, 5, 3), np.float32), "pred_boxes": np.zeros((1, 5, 4), np.float32)}
    graph = says(tmp_path / "d.onnx", answers, shape=(1, 3, "height", "width"))
    result = imported(tmp_path, graph)
    assert result.exit_code == 78
    assert "--labels  names of the classes, in the model's order (the graph makes 3 classes)" in result.stderr
    assert "--size  sides of the input" in result.stderr
    assert (
        "--normalise  how the training normalised its pictures: raw, unit, imagenet, signed [usual: unit"
        in result.stderr
    )
    result = imported(tmp_path, graph, "--labels", "a,b,c", "--yes")
    assert result.exit_code == 0, result.output
    assert "assumed: --normalise unit" in result.stdout
    assert (card(tmp_path)["decoder"]["kind"], card(tmp_path)["frame"]["width"]) == ("detr", 640)


KINDS: dict[str, tuple[Mapping[str, np.ndarray], tuple[str, ...], str, dict[str, Any]]] = {
    "v5": ({"o": np.zeros((1, 50, 7), np.float32)}, ("--labels", "a,b"), "yolo", {"head": "v5"}),
    "v8": ({"o": np.zeros((1, 6, 50), np.float32)}, ("--labels", "a,b"), "yolo", {"head": "v8"}),
    "end2end": ({"o": np.zeros((1, 50, 6), np.float32)}, ("--labels", "a,b,c"), "yolo", {"head": "end2end"}),
    "seg": (
        {"o": np.zeros((1, 38, 50), np.float32), "p": np.zeros((1, 32, 16, 16), np.float32)},
        ("--labels", "a,b"),
        "instance_segmentation",
        {"head": "v8"},
    ),
    "torchvision": (
        {"b": np.zeros((3, 4), np.float32), "l": np.ones(3, np.int64), "s": np.zeros(3, np.float32)},
        ("--labels", "a,b"),
        "torchvision",
        {"first_label": 1},
    ),
    "ultralytics rtdetr": (
        {"o": np.zeros((1, 300, 6), np.float32)},
        ("--labels", "a,b", "--yes"),
        "detr",
        {"activation": "none"},
    ),
    "rf-detr": (
        {"dets": np.zeros((1, 9, 4), np.float32), "labels": np.zeros((1, 9, 3), np.float32)},
        ("--labels", "a,b"),
        "detr",
        {"activation": "sigmoid", "background": "last"},
    ),
    "logits": (
        {"o": np.array([[1, 2]], np.float32)},
        ("--labels", "a,b", "-y"),
        "classification",
        {"activation": "softmax"},
    ),
    "shares": (
        {"o": np.array([[0.5, 0.5]], np.float32)},
        ("--labels", "a,b", "-y"),
        "classification",
        {"activation": "none"},
    ),
    "map": ({"o": np.zeros((1, 2, 8, 8), np.float32)}, ("--labels", "a,b", "-y"), "segmentation", {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_decoder_is_told_from_the_shapes(tmp_path: Path, kind: str) -> None:
    answers, options, decoder, settings = KINDS[kind]
    result = imported(tmp_path, says(tmp_path / "x.onnx", answers), *options)
    assert result.exit_code == 0, result.output
    written = card(tmp_path)["decoder"]
    assert written["kind"] == decoder
    assert settings.items() <= written.items()


def test_tiles_are_cut_where_the_user_wants_them(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    assert imported(tmp_path, graph, "--fit", "tiles", "--overlap", "16", "--set", "frame.pad=0").exit_code == 0
    assert card(tmp_path)["frame"] == {"fit": "tiles", "width": 64, "height": 64, "overlap_px": 16, "pad": 0}


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "labels": (("--labels", "a,b,c"), "labels: 3 are named"),
    "twice": (("--labels", "a,a"), "a is named more than once"),
    "size": (("--size", "320"), "--size 320x320: the graph takes 64x64 only"),
    "no size": (("--size", "big"), "a side in pixels or WIDTHxHEIGHT is right"),
    "decoder": (("--decoder", "torchvision"), "are those of 'yolo'; leave --decoder away"),
    "word": (("--fit", "stretch"), "--fit 'stretch' is unknown; there are: whole, letterbox, tiles, crop"),
    "setting": (("--set", "frame"), "table.key=value is right"),
    "key": (("--set", "frame.padding=3"), "frame.padding is unknown; did you mean 'pad'"),
    "example": (("--example", "nothing.png"), "--example nothing.png"),
    "reference": (("--reference", "nothing.json"), "nothing.json: cannot be read"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_wrong_options_are_refused_with_what_is_right(tmp_path: Path, what: str) -> None:
    options, message = REFUSED[what]
    result = imported(tmp_path, spotter(tmp_path / "best.onnx", metadata=NAMES), *options)
    assert result.exit_code == 78
    assert message in result.stderr
    assert not (tmp_path / "models" / "m").exists()


def test_a_package_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    assert imported(tmp_path, graph).exit_code == 0
    again = imported(tmp_path, graph)
    assert (again.exit_code, "is there already" in again.stderr) == (78, True)
    assert imported(tmp_path, graph, "--replace").exit_code == 0


def test_a_failed_replacement_leaves_the_old_package(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    imported(tmp_path, graph)
    before = card(tmp_path)
    assert imported(tmp_path, graph, "--replace", "--set", "input.scale=-1").exit_code == 78
    assert card(tmp_path) == before
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["m"]


def unusual(path: Path, shape: list[int | str] | None, kind: int = TensorProto.FLOAT) -> Path:
    entry = helper.make_tensor_value_info("images", kind, shape)
    made = helper.make_graph(
        [helper.make_node("Identity", ["images"], ["o"])],
        "g",
        [entry],
        [helper.make_tensor_value_info("o", kind, shape)],
    )
    save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        (None, TensorProto.FLOAT, "its rank is free"),
        ([1, 8], TensorProto.FLOAT, "no input is a picture of four dimensions"),
        ([1, 5, 64, 64], TensorProto.FLOAT, "neither 1 nor 3 channels"),
        ([4, 3, 64, 64], TensorProto.FLOAT, "takes 4 pictures at once"),
        ([1, 3, 64, 64], TensorProto.FLOAT16, "dtype float16; export the model with float32"),
    ],
)
def test_inputs_that_are_no_picture_are_refused(
    tmp_path: Path, shape: list[int | str] | None, kind: int, message: str
) -> None:
    result = imported(tmp_path, unusual(tmp_path / "x.onnx", shape, kind), "--labels", "a")
    assert result.exit_code == 78
    assert message in result.stderr


def test_an_output_nobody_reads_is_named_with_its_shape(tmp_path: Path) -> None:
    graph = says(tmp_path / "x.onnx", {"o": np.zeros((1, 2, 3, 4, 5), np.float32)})
    result = imported(tmp_path, graph, "--labels", "a")
    assert result.exit_code == 78
    assert "no decoder reads the outputs o (1, 2, 3, 4, 5)" in result.stderr


def test_a_damaged_package_is_refused_when_it_is_checked(tmp_path: Path) -> None:
    imported(tmp_path, spotter(tmp_path / "best.onnx", metadata=NAMES))
    index = tmp_path / "models" / "m" / "reference" / "reference.json"
    index.write_text("{}")
    assert "is damaged" in call("check", "m", "--models", tmp_path / "models").stderr
    shutil.rmtree(index.parent)
    assert "has no reference vectors" in call("check", "m", "--models", tmp_path / "models").stderr


def test_the_list_shows_what_is_there_and_what_is_broken(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "best.onnx", metadata=NAMES)
    imported(tmp_path, graph)
    broken = tmp_path / "models" / "broken"
    broken.mkdir()
    (broken / "card.toml").write_text("schema = 1")
    told = json.loads(call("list", "--models", tmp_path / "models", "--json").stdout)
    rows = {row["name"]: row for row in told["packages"]}
    assert "schema = 1 is wrong" in rows["broken"]["trouble"]
    assert rows["m"]["input"] == "rgb float32 letterbox 64x64"
    assert rows["m"]["parameters"] > 0
    assert "broken" in call("list", "--models", tmp_path / "models").stdout


def test_the_list_measures_on_a_12_megapixel_frame(tmp_path: Path) -> None:
    imported(tmp_path, spotter(tmp_path / "best.onnx", metadata=NAMES))
    told = json.loads(call("list", "--models", tmp_path / "models", "--bench", "--rounds", "3", "--json").stdout)
    (row,) = told["packages"]
    assert row["trouble"] == ""
    assert 0 < row["p50_ms"] <= row["p99_ms"]
    assert {"onnx", "openvino"} <= row["runtimes"].keys()
    assert row["runtime"] in {one["runtime"] for one in row["runtimes"].values()}
    assert row["p50_ms"] == min(one["p50_ms"] for one in row["runtimes"].values() if not one["trouble"])
