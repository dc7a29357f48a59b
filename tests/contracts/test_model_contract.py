"""What every runtime and every decoder promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.app import plugins
from inspector.app.model_package import load_card
from inspector.domain.errors import ConfigError, DeviceError, FrameError
from inspector.pipeline import tiling
from inspector.ports.model import Decoder, ModelCard, Runtime, TileOutput
from inspector.ports.plugin import Context
from tests.fakes import card
from tests.graphs import graph, package

CONTEXT = Context(station="s", data_dir="", run_dir="")
SIDE = 256


@pytest.fixture(params=plugins.names("runtime"))
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    plugin = plugins.find("runtime", request.param, where="here", key="runtime")
    graph(tmp_path / "model.onnx")
    with plugin.open(plugin.settings_model(), CONTEXT, load_card(package(tmp_path))) as opened:
        yield opened


def test_a_runtime_gives_one_array_an_output_and_the_same_for_the_same_input(runtime: Runtime) -> None:
    tensor = np.random.default_rng(1).integers(0, 256, (1, 1, 64, 96), np.uint8)
    before = tensor.copy()
    (first,), (second,) = runtime.run(tensor), runtime.run(tensor)
    assert first.shape == (1, 2, 8, 12)
    assert (first == second).all()
    assert (tensor == before).all()
    assert runtime.description


def test_a_runtime_that_fails_raises_a_device_error_and_runs_on(runtime: Runtime) -> None:
    with pytest.raises(DeviceError):
        runtime.run(np.zeros((1, 2, 3), np.uint8))
    assert runtime.run(np.zeros((1, 1, 64, 64), np.uint8))


READS_A_MAP = ("segmentation",)
"""Decoders of a class map at a stride; what other networks give is tried with the decoders' own tests."""


@pytest.fixture(params=READS_A_MAP)
def decoder(request: pytest.FixtureRequest) -> Iterator[Decoder]:
    bound: ModelCard = card(decoder=request.param)
    plugin = plugins.find("decoder", request.param, where="here", key="decoder")
    with plugin.open(plugin.settings_model(), CONTEXT, bound) as opened:
        yield opened


def outputs(fill: int, spots: Any = None, *, strip_px: int = 0) -> list[TileOutput]:
    cells = np.full((SIDE // 8, SIDE // 8), fill, np.uint8)
    if spots is not None:
        cells[spots] = 255
    given = []
    for tile in tiling.strips(SIDE, SIDE, card(), strip_px=strip_px):
        rows = np.clip(np.arange(tile.y // 8, (tile.y + tile.height) // 8), 0, SIDE // 8 - 1)
        columns = np.clip(np.arange(tile.x // 8, (tile.x + tile.width) // 8), 0, SIDE // 8 - 1)
        given.append(TileOutput(tile=tile, arrays=(cells[np.ix_(rows, columns)][None, None],)))
    return given


def picture() -> np.ndarray:
    return np.random.default_rng(2).integers(100, 150, (SIDE, SIDE)).astype(np.uint8)


def test_a_decoder_sees_nothing_in_an_empty_map(decoder: Decoder) -> None:
    assert decoder.decode(outputs(0), picture()) == ()


@pytest.mark.parametrize("strip_px", [0, 64, 104])
def test_a_defect_across_a_seam_is_one_detection_inside_the_frame(decoder: Decoder, strip_px: int) -> None:
    pixels = picture()
    pixels.flags.writeable = False
    (found,) = decoder.decode(outputs(0, np.s_[2:30, 10:12], strip_px=strip_px), pixels)
    assert found.label in card().labels
    assert 0 <= found.score <= 1
    assert 0 <= found.box.x < found.box.right <= SIDE
    assert 0 <= found.box.y < found.box.bottom <= SIDE
    assert found.box.height >= 28 * 8


def test_a_scene_full_of_candidates_is_decoded_or_refused_never_hung(decoder: Decoder) -> None:
    try:
        found = decoder.decode(outputs(0, np.s_[::4, ::4]), picture())
    except FrameError:
        return
    assert len(found) <= 64


@pytest.mark.parametrize("kind", plugins.names("decoder"))
def test_an_output_of_another_network_is_refused_in_the_houses_words(kind: str) -> None:
    """Two numbers where a map, a table of boxes or a row of scores belongs: never an empty answer, never a bug."""
    bound: ModelCard = card(decoder=kind, labels=("crack", "dent", "stain"))
    plugin = plugins.find("decoder", kind, where="here", key="decoder")
    (tile,) = tiling.strips(SIDE, SIDE, bound)
    nonsense = TileOutput(tile=tile, arrays=(np.zeros((1, 2), np.uint8),))
    with (
        pytest.raises((ConfigError, FrameError)),
        plugin.open(plugin.settings_model(), CONTEXT, bound) as decoder,
    ):
        decoder.decode([nonsense], picture())
