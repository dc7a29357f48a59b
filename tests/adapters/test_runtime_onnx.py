"""What is onnxruntime's own: how it describes itself, fails, and is set."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from pydantic import ValidationError

from inspector.adapters.runtime_onnx import PLUGIN, OnnxRuntime
from inspector.app.model_package import load_card
from inspector.domain.errors import DeviceError
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


@pytest.mark.parametrize("settings", [{"threads": -1}, {"threads": 65}, {"provider": "CUDA"}])
def test_settings_out_of_bounds_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PLUGIN.settings_model(**settings)
