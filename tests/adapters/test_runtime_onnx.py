"""What is onnxruntime's own: how it describes itself, fails, and is set."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto
from pydantic import ValidationError

from inspector.adapters.runtime_onnx import PLUGIN, OnnxRuntime
from inspector.adapters.runtime_onnx.graph import load, plain
from inspector.app.model_package import load_card
from inspector.domain.errors import ConfigError, DeviceError
from inspector.ports.card_check import MOST_STEPS, check_steps, noise
from inspector.ports.plugin import Context
from tests import cpu_guard
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


@pytest.mark.parametrize("name", ["surface-nano", "surface-small", "surface-base"])
def test_the_shipped_models_are_computed_as_their_files_mean_whatever_this_processor_can(repo: Path, name: str) -> None:
    """Without VNNI onnxruntime cuts sums off unless it is told not to: these maps are then 33 to 77 steps away."""
    runtime = opened(repo / "models" / name, threads=1)
    card = load_card(repo / "models" / name)
    (given,) = runtime.run(noise(card))
    (meant,) = plain(card.path).run(None, {card.input.name: noise(card)})
    assert np.abs(given.astype(int) - meant.astype(int)).max() <= MOST_STEPS
    assert np.ptp(meant) > 10 * MOST_STEPS, "the noise moves the map, or nothing is shown"


def test_weights_that_share_their_zero_point_are_loaded_and_exact_too(tmp_path: Path) -> None:
    """Without VNNI onnxruntime cannot load such a graph for exact sums in 8 bits."""
    path = tmp_path / "model.onnx"
    path.write_bytes(cpu_guard.reference())
    rng = np.random.default_rng(3)
    blocks = rng.integers(0, 256, (1, cpu_guard.CHANNELS, cpu_guard.ROWS, cpu_guard.COLUMNS), np.uint8)
    (given,) = load(path, ort.SessionOptions()).run(None, {"image": blocks})
    (meant,) = plain(path).run(None, {"image": blocks})
    assert np.ptp(meant) > 10 * MOST_STEPS
    assert np.abs(given.astype(int) - meant.astype(int)).max() <= MOST_STEPS


def test_a_processor_that_computes_another_map_is_refused(repo: Path) -> None:
    card = load_card(repo / "models" / "surface-nano")
    meant = np.full((1, 5, 4, 4), 250, np.uint8)
    check_steps(meant - MOST_STEPS, meant, card)
    with pytest.raises(ConfigError, match=r"model\.onnx: this processor computes another map .* up to 9 of 255 steps"):
        check_steps(meant - MOST_STEPS - 1, meant, card)
