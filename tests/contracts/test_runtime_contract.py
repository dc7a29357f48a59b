"""What every runtime promises: it refuses a graph that is not its card's, by name, and answers as the others do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from inspector.app import plugins
from inspector.app.bench.machine import has_vnni
from inspector.app.model_package import load_card
from inspector.domain.errors import ConfigError, DeviceError
from inspector.ports.model import Runtime
from inspector.ports.plugin import Context
from inspector.twin.scenes import SceneSettings, render
from tests.graphs import graph, package

CONTEXT = Context(station="s", data_dir="", run_dir="")
KINDS = plugins.names("runtime")


def opened(kind: str, folder: Path) -> Runtime:
    plugin = plugins.find("runtime", kind, where="here", key="runtime")
    with plugin.open(plugin.settings_model(threads=1), CONTEXT, load_card(folder)) as runtime:
        found: Runtime = runtime
        return found


def test_both_runtimes_that_ship_are_tried_here() -> None:
    assert {"onnx", "openvino"} <= set(KINDS)


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
    "output dtype": (graph, {"output_dtype": "float32"}, "output.dtype = 'float32', but the graph has uint8"),
    "channels": (lambda path: graph(path, channels=3), {}, r"1 channel\(s\), but the graph takes shape"),
    "rank": (lambda path: graph(path, flat=True), {}, "a class map of 4 dimensions"),
    "not a graph": (lambda path: path.write_bytes(b"no model"), {}, "cannot load this model"),
    "empty": (lambda path: path.write_bytes(b""), {}, "cannot load this model"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", WRONG)
def test_a_graph_that_differs_from_its_card_is_refused(tmp_path: Path, what: str, kind: str) -> None:
    build, said, message = WRONG[what]
    build(tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match=message) as refused:
        opened(kind, package(tmp_path, **said))
    assert str(tmp_path / "model.onnx") in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_that_are_none_are_a_failed_model_not_an_empty_picture(tmp_path: Path, kind: str) -> None:
    graph(tmp_path / "model.onnx", output_type=TensorProto.FLOAT, log=True)
    runtime = opened(kind, package(tmp_path, output_dtype="float32"))
    assert np.isfinite(runtime.run(np.full((1, 1, 64, 64), 9, np.uint8))[0]).all()
    with pytest.raises(DeviceError, match="NaN or infinity"):
        runtime.run(np.zeros((1, 1, 64, 64), np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_stays_what_it_was_when_the_next_frame_is_run(tmp_path: Path, kind: str) -> None:
    graph(tmp_path / "model.onnx")
    runtime = opened(kind, package(tmp_path))
    (dark,) = runtime.run(np.zeros((1, 1, 64, 64), np.uint8))
    (bright,) = runtime.run(np.full((1, 1, 64, 64), 255, np.uint8))
    assert (dark.max(), bright.min()) == (0, 255)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor_that_must_not_be_written_to_is_run_as_any_other(tmp_path: Path, kind: str) -> None:
    graph(tmp_path / "model.onnx")
    runtime = opened(kind, package(tmp_path))
    tensor = np.full((1, 1, 64, 64), 7, np.uint8)
    tensor.flags.writeable = False
    assert (runtime.run(tensor)[0] == 7).all()


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_of_many_sizes_are_run_one_after_the_other(tmp_path: Path, kind: str) -> None:
    graph(tmp_path / "model.onnx")
    runtime = opened(kind, package(tmp_path))
    for side in (32, 64, 96, 128, 160, 192, 224, 64, 32):
        picture = np.random.default_rng(side).integers(0, 256, (1, 1, side, 2 * side), np.uint8)
        (cells,) = runtime.run(picture)
        strongest = picture[0, 0].reshape(side // 8, 8, side // 4, 8).max(axis=(1, 3))
        assert (cells[0, 0] == strongest).all()


def test_every_runtime_sees_in_the_shipped_model_what_onnxruntime_sees(repo: Path) -> None:
    """Up to two steps of 255 apart, without VNNI three: the runtimes round their sums at different moments."""
    most, same = (2, 0.99) if has_vnni() else (3, 0.97)
    folder = repo / "models" / "surface-small"
    runtimes = {kind: opened(kind, folder) for kind in KINDS}
    for seed in range(5000, 5006):
        frame = render(seed, SceneSettings(width=640, height=512, defect_rate=1.0)).pixels[None, None]
        answers = {kind: runtime.run(frame)[0].astype(int) for kind, runtime in runtimes.items()}
        assert answers["onnx"].max() > answers["onnx"].min()
        for answer in answers.values():
            apart = np.abs(answer - answers["onnx"])
            assert apart.max() <= most
            assert (apart == 0).mean() > same
