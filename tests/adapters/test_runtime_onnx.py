"""A graph that is not what its card says is refused when it is loaded, by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from pydantic import ValidationError

from inspector.adapters.runtime_onnx import PLUGIN, OnnxRuntime
from inspector.app.model_package import load_card
from inspector.domain.errors import ConfigError, DeviceError
from inspector.ports.plugin import Context
from tests.graphs import graph, package

CONTEXT = Context(station="s", data_dir="", run_dir="")


def opened(folder: Path, **settings: Any) -> OnnxRuntime:
    with PLUGIN.open(PLUGIN.settings_model(**settings), CONTEXT, load_card(folder)) as runtime:
        return runtime


def test_a_graph_runs_and_says_what_runs_it(tmp_path: Path) -> None:
    graph(tmp_path / "model.onnx")
    runtime = opened(package(tmp_path), threads=1)
    tensor = np.zeros((1, 1, 64, 96), np.uint8)
    tensor[0, 0, 9, 17] = 200
    (map_,) = runtime.run(tensor)
    assert (map_.shape, map_.dtype) == ((1, 2, 8, 12), np.uint8)
    assert np.argwhere(map_[0, 0]).tolist() == [[1, 2]]
    assert runtime.description.startswith("onnxruntime 1.")
    assert "threads 1" in runtime.description


def test_what_it_cannot_run_is_a_device_error(tmp_path: Path) -> None:
    graph(tmp_path / "model.onnx")
    runtime = opened(package(tmp_path), threads=1)
    with pytest.raises(DeviceError, match="model tiny: inference failed"):
        runtime.run(np.zeros((1, 3, 64, 64), np.uint8))


def test_numbers_that_are_none_are_a_failed_model_not_an_empty_picture(tmp_path: Path) -> None:
    graph(tmp_path / "model.onnx", output_type=TensorProto.FLOAT, log=True)
    runtime = opened(package(tmp_path, output_dtype="float32"), threads=1)
    assert np.isfinite(runtime.run(np.full((1, 1, 64, 64), 9, np.uint8))[0]).all()
    with pytest.raises(DeviceError, match="NaN or infinity"):
        runtime.run(np.zeros((1, 1, 64, 64), np.uint8))


WRONG: dict[str, tuple[Callable[[Path], Any], dict[str, Any], str]] = {
    "labels": (graph, {"labels": '["crack", "stain", "dent"]'}, "3 labels, but the graph gives 2 channels"),
    "labels the graph does not name": (
        lambda path: graph(path, says_channels=False),
        {"labels": '["crack", "stain", "dent"]'},
        "3 labels, but the graph gives 2 channels",
    ),
    "stride": (graph, {"stride": 16}, "output.stride = 16 make a map of shape"),
    "input name": (graph, {"input_name": "picture"}, r"input.name = 'picture', but the graph takes \['image'\]"),
    "output name": (graph, {"output_name": "map"}, r"output.name = 'map', but the graph gives \['logits'\]"),
    "input dtype": (lambda path: graph(path, input_type=TensorProto.FLOAT), {}, "input.dtype = 'uint8'"),
    "output dtype": (graph, {"output_dtype": "float32"}, "output.dtype = 'float32', but the graph has tensor"),
    "channels": (lambda path: graph(path, channels=3), {}, r"1 channel\(s\), but the graph takes shape"),
    "rank": (lambda path: graph(path, flat=True), {}, "a class map of 4 dimensions"),
    "not a graph": (lambda path: path.write_bytes(b"no model"), {}, "onnxruntime cannot load this model"),
    "empty": (lambda path: path.write_bytes(b""), {}, "onnxruntime cannot load this model"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_graph_that_differs_from_its_card_is_refused(tmp_path: Path, what: str) -> None:
    build, said, message = WRONG[what]
    build(tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match=message) as refused:
        opened(package(tmp_path, **said))
    assert str(tmp_path / "model.onnx") in str(refused.value)


@pytest.mark.parametrize("settings", [{"threads": -1}, {"threads": 65}, {"provider": "CUDA"}])
def test_settings_out_of_bounds_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PLUGIN.settings_model(**settings)
