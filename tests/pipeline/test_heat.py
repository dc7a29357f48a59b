"""The map that people see: over the whole frame, small, hot where the model saw something, and of this frame only."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.adapters import runtime_onnx
from inspector.adapters.decode_map import segmentation
from inspector.app.model_package import load_card
from inspector.domain.frame import PixelFormat
from inspector.domain.geometry import Polygon
from inspector.pipeline.detect import Detector, Seen
from inspector.pipeline.heat import MOST_CELLS, HeatSource
from inspector.pipeline.view import View, Window
from inspector.ports.model import ModelCard, Runtime
from inspector.ports.plugin import Context
from inspector.twin.scenes import SceneSettings, render

CONTEXT = Context(station="s", data_dir="", run_dir="")


@pytest.fixture(scope="module")
def card(repo: Path) -> ModelCard:
    return load_card(repo / "models" / "surface-nano")


@pytest.fixture(scope="module")
def runtime(card: ModelCard) -> Iterator[Runtime]:
    plugin = runtime_onnx.PLUGIN
    with plugin.open(plugin.settings_model(threads=1), CONTEXT, card) as opened:
        yield opened


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return render(5001, SceneSettings(width=768, height=640, defect_rate=1.0)).pixels


def eye(card: ModelCard, runtime: Runtime, **settings: int) -> Detector:
    plugin = segmentation.PLUGIN
    with plugin.open(plugin.settings_model(), CONTEXT, card) as decoder:
        return Detector(card=card, runtime=runtime, decoder=decoder, **settings)


def heat_of(seen: Seen) -> np.ndarray:
    assert seen.heat is not None
    return seen.heat.picture()


def test_the_map_is_hot_where_something_was_seen_and_as_hot_as_its_score(
    card: ModelCard, runtime: Runtime, frame: np.ndarray
) -> None:
    seen = eye(card, runtime).detect(frame, PixelFormat.MONO8)
    heat = heat_of(seen)
    assert heat.shape == (80, 96)
    assert seen.detections
    for found in seen.detections:
        rows, columns = (
            slice(int(found.box.y // 8), int(-(-found.box.bottom // 8))),
            slice(int(found.box.x // 8), int(-(-found.box.right // 8))),
        )
        assert heat[rows, columns].max() / 255 == pytest.approx(found.score, abs=0.01)
    strips = heat_of(eye(card, runtime, strip_px=192).detect(frame, PixelFormat.MONO8))
    assert np.abs(strips.astype(int) - heat).mean() < 2


def test_the_map_of_one_frame_is_not_that_of_the_next(card: ModelCard, runtime: Runtime, frame: np.ndarray) -> None:
    detector = eye(card, runtime)
    seen = detector.detect(frame, PixelFormat.MONO8)
    before = heat_of(seen)
    detector.detect(np.full_like(frame, 128), PixelFormat.MONO8)
    assert np.array_equal(heat_of(seen), before)


def test_what_the_recipe_does_not_look_at_is_cold(card: ModelCard, runtime: Runtime, frame: np.ndarray) -> None:
    window = Window(x=128, y=96, width=512, height=448)
    roi = Polygon(corners=((32, 32), (480, 32), (480, 416), (32, 416)))
    heat = heat_of(eye(card, runtime).detect(frame, PixelFormat.MONO8, view=View(roi=roi, window=window)))
    assert heat.shape == (80, 96)
    inside = np.zeros_like(heat, dtype=bool)
    inside[12:68, 16:80] = True
    assert not heat[~inside].any()
    whole = heat_of(eye(card, runtime).detect(frame, PixelFormat.MONO8))
    assert heat[20:60, 24:72].max() == pytest.approx(int(whole[20:60, 24:72].max()), abs=30)


class OneHotCell:
    def __init__(self, rows: int, columns: int, at: tuple[int, int]) -> None:
        self.cells = np.zeros((rows, columns), np.uint8)
        self.cells[at] = 255

    def heat(self, outputs: object, height: int, width: int) -> np.ndarray:
        return self.cells


@pytest.mark.parametrize("at", [(0, 0), (1023, 4095), (500, 1777), (1, 2)])
def test_a_large_map_is_made_small_and_keeps_its_hottest_cell(at: tuple[int, int]) -> None:
    source = HeatSource(reader=OneHotCell(1024, 4096, at), outputs=(), window=None, height=1024, width=4096)
    heat = source.picture()
    assert max(heat.shape) <= MOST_CELLS
    assert heat.max() == 255
    row, column = np.argwhere(heat == 255).mean(axis=0)
    assert abs(row * 8 - at[0]) <= 12
    assert abs(column * 8 - at[1]) <= 12


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 8), (100, 517), (3000, 64)])
def test_frames_of_any_size_have_a_map(card: ModelCard, runtime: Runtime, height: int, width: int) -> None:
    frame = np.full((height, width), 128, np.uint8)
    heat = heat_of(eye(card, runtime).detect(frame, PixelFormat.MONO8))
    assert heat.shape == (-(-height // 8), -(-width // 8))
    assert cv2.imencode(".png", heat)[0]
