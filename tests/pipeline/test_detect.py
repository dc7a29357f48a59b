"""The shipped model, whole or in strips: the same detections, whatever the frame's size and format."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.adapters import runtime_onnx
from inspector.adapters.decode_map import segmentation
from inspector.app.model_package import load_card
from inspector.domain.detection import Detection
from inspector.domain.frame import PixelFormat
from inspector.pipeline.detect import Detector
from inspector.ports.model import ModelCard, Runtime
from inspector.ports.plugin import Context
from inspector.twin.scenes import SceneSettings, render

CONTEXT = Context(station="s", data_dir="", run_dir="")


@pytest.fixture(scope="module")
def card(repo: Path) -> ModelCard:
    return load_card(repo / "models" / "surface-small")


@pytest.fixture(scope="module")
def runtime(card: ModelCard) -> Iterator[Runtime]:
    plugin = runtime_onnx.PLUGIN
    with plugin.open(plugin.settings_model(threads=1), CONTEXT, card) as opened:
        yield opened


def detector(card: ModelCard, runtime: Runtime, *, strip_px: int = 0, **settings: object) -> Detector:
    plugin = segmentation.PLUGIN
    with plugin.open(plugin.settings_model(**settings), CONTEXT, card) as decoder:
        return Detector(card=card, runtime=runtime, decoder=decoder, strip_px=strip_px)


def sure(eye: Detector, frame: np.ndarray) -> list[Detection]:
    return [d for d in eye.detect(frame, PixelFormat.MONO8).detections if d.score >= 0.5]


@pytest.fixture(scope="module")
def seen(card: ModelCard, runtime: Runtime) -> list[tuple[np.ndarray, list[Detection]]]:
    """Rendered parts with what the model is sure of in them."""
    eye = detector(card, runtime)
    scenes = [render(seed, SceneSettings(width=768, height=640, defect_rate=1.0)).pixels for seed in range(5000, 5024)]
    found = [(frame, sure(eye, frame)) for frame in scenes]
    return [(frame, detections) for frame, detections in found if detections]


def close(one: Detection, other: Detection) -> bool:
    """Up to one cell and a tenth of the score apart: beyond a strip's halo a net still sees a little."""
    sides = zip(
        (one.box.x, one.box.y, one.box.right, one.box.bottom),
        (other.box.x, other.box.y, other.box.right, other.box.bottom),
        strict=True,
    )
    near = all(abs(a - b) <= 8 for a, b in sides)
    return near and one.label == other.label and abs(one.score - other.score) < 0.1


def test_strips_see_what_the_whole_frame_shows(
    card: ModelCard, runtime: Runtime, seen: list[tuple[np.ndarray, list[Detection]]]
) -> None:
    eye = detector(card, runtime, strip_px=192)
    assert len(seen) >= 8
    for frame, whole in seen:
        strips = sure(eye, frame)
        assert all(any(close(one, other) for other in strips) for one in whole if one.score >= 0.6)
        assert all(any(close(one, other) for other in whole) for one in strips if one.score >= 0.6)


def test_a_defect_across_a_seam_is_one_detection(
    card: ModelCard, runtime: Runtime, seen: list[tuple[np.ndarray, list[Detection]]]
) -> None:
    frame, whole = max(seen, key=lambda row: max(d.box.height for d in row[1]))
    tall = max(whole, key=lambda d: d.box.height)
    seam = round(tall.box.centre[1] / 32) * 32  # strips begin on the input's multiple
    assert tall.box.y + 8 <= seam <= tall.box.bottom - 8
    strips = sure(detector(card, runtime, strip_px=seam), frame)
    (one,) = [d for d in strips if d.box.overlaps(tall.box)]
    assert one.box.y < seam < one.box.bottom
    assert close(one, tall)
    assert one.length_px == pytest.approx(tall.length_px, rel=0.1, abs=4)


@pytest.mark.parametrize(("height", "width"), [(100, 100), (333, 517), (32, 900), (8, 8), (1, 1)])
def test_frames_of_any_size_can_be_looked_at(card: ModelCard, runtime: Runtime, height: int, width: int) -> None:
    eye = detector(card, runtime, strip_px=96)
    frame = np.full((height, width), 128, np.uint8)
    for _ in range(2):
        for found in eye.detect(frame, PixelFormat.MONO8).detections:
            assert found.box.right <= width
            assert found.box.bottom <= height


def test_a_colour_frame_shows_what_a_grey_one_shows(
    card: ModelCard, runtime: Runtime, seen: list[tuple[np.ndarray, list[Detection]]]
) -> None:
    eye, frame = detector(card, runtime), seen[0][0]
    grey = eye.detect(frame, PixelFormat.MONO8)
    colour = eye.detect(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), PixelFormat.BGR8)
    assert colour.detections == grey.detections
    assert min(grey.preprocess_ms, grey.infer_ms, grey.decode_ms) > 0


def test_a_frame_is_not_written_to(card: ModelCard, runtime: Runtime) -> None:
    frame = render(5000, SceneSettings(width=320, height=256)).pixels.copy()
    frame.flags.writeable = False
    before = frame.copy()
    detector(card, runtime).detect(frame, PixelFormat.MONO8)
    assert (frame == before).all()
