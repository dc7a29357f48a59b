"""Prototypes x coefficients become a mask, its outline and its measured size."""

import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.adapters.decode_yolo.instances import PLUGIN
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.ports.model import FrameSpec, OutputSpec
from tests.model_graphs import corners, model_card, says, seen

OUTPUTS = (
    OutputSpec(name="output0", dtype="float32", role="predictions"),
    OutputSpec(name="output1", dtype="float32", role="prototypes"),
)
SQUARE = FrameSpec(width=64, height=64)
BLANK = np.zeros((64, 64), np.uint8)


def drawn(*things: np.ndarray) -> np.ndarray:
    """Prototypes at a quarter of the input, one a thing: inside +4, outside -4."""
    small = [cv2.resize(thing, (16, 16), interpolation=cv2.INTER_AREA) for thing in things]
    return np.stack([(cells - 0.5) * 8 for cells in small])[None].astype(np.float32)


def told(
    tmp_path: Path, rows: list[list[float]], prototypes: np.ndarray, image: np.ndarray = BLANK, **kw: Any
) -> tuple[Detection, ...]:
    head = np.array([rows], np.float32).transpose(0, 2, 1)
    graph = says(tmp_path / "m.onnx", {"output0": head, "output1": prototypes})
    bound = model_card(graph, frame=kw.pop("frame", SQUARE), outputs=OUTPUTS, task="instance_segmentation")
    return seen(PLUGIN, bound, image, **kw)


def block(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    thing = np.zeros((64, 64), np.float32)
    thing[top:bottom, left:right] = 1
    return thing


def area(detection: Detection) -> float:
    assert detection.outline is not None
    return float(cv2.contourArea(np.array(detection.outline.corners, np.float32)))


def test_a_blob_has_the_size_of_its_mask_not_of_its_box(tmp_path: Path) -> None:
    disc = cv2.circle(np.zeros((64, 64), np.float32), (32, 32), 16, 1.0, cv2.FILLED)
    (found,) = told(tmp_path, [[32, 32, 40, 40, 0.9, 0.0, 1.0]], drawn(disc))
    assert corners(found) == (12, 12, 52, 52)
    assert found.area_px == pytest.approx(np.pi * 16**2, rel=0.08)
    assert found.length_px == pytest.approx(33, abs=2.5)
    assert found.width_px == pytest.approx(33, abs=2.5)
    assert area(found) == pytest.approx(found.area_px, rel=0.15)


def test_a_slanted_bar_is_measured_along_and_across(tmp_path: Path) -> None:
    bar = np.zeros((64, 64), np.float32)
    points = cv2.boxPoints(((32.0, 32.0), (56.0, 8.0), 45.0)).astype(np.int32)
    cv2.fillPoly(bar, [points], 1.0)
    (found,) = told(tmp_path, [[32, 32, 60, 60, 0.9, 0.0, 1.0]], drawn(bar))
    assert found.length_px == pytest.approx(57, abs=6)
    assert found.width_px == pytest.approx(9, abs=2)


def test_the_mask_ends_with_its_box(tmp_path: Path) -> None:
    (found,) = told(tmp_path, [[20, 20, 16, 16, 0.9, 0.0, 1.0]], drawn(block(0, 0, 64, 64)))
    assert found.area_px == 256
    assert found.outline is not None
    assert all(12 <= x <= 28 and 12 <= y <= 28 for x, y in found.outline.corners)


def test_sizes_are_those_of_the_frame_not_of_the_input(tmp_path: Path) -> None:
    frame = FrameSpec(fit="letterbox", width=64, height=64, pad=114)
    (found,) = told(
        tmp_path,
        [[32, 32, 16, 16, 0.9, 0, 1.0]],
        drawn(block(24, 24, 40, 40)),
        np.zeros((128, 256), np.uint8),
        frame=frame,
    )
    assert corners(found) == (96, 32, 160, 96)
    assert found.area_px == pytest.approx(64 * 64, rel=0.03)


def test_coefficients_choose_among_the_prototypes(tmp_path: Path) -> None:
    prototypes = drawn(block(4, 4, 20, 20), block(40, 40, 56, 60))
    rows = [[12, 12, 16, 16, 0.9, 0, 1, 0], [48, 50, 16, 20, 0, 0.8, 0, 1], [12, 12, 18, 18, 0.5, 0, 0, 1]]
    first, second, empty = told(tmp_path, rows, prototypes, nms_iou=0.95)
    assert (first.label, first.area_px) == ("line", pytest.approx(256, rel=0.1))
    assert (second.label, second.area_px) == ("spot", pytest.approx(320, rel=0.1))
    assert (empty.outline, empty.area_px) == (None, 18 * 18)  # no mask: the box stays, nothing is dropped


def test_a_thing_across_a_seam_has_one_outline(tmp_path: Path) -> None:
    frame = FrameSpec(fit="tiles", width=64, height=64, overlap_px=32, pad=0)
    (found,) = told(
        tmp_path, [[32, 34, 64, 20, 0.9, 0, 1]], drawn(block(0, 24, 64, 44)), np.zeros((64, 96), np.uint8), frame=frame
    )
    assert corners(found) == (0, 24, 96, 44)
    assert found.area_px == pytest.approx(96 * 20, rel=0.1)
    assert found.length_px == pytest.approx(96, abs=3)


def test_prototypes_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"prototypes \(1, n, rows, columns\) are right"):
        told(tmp_path, [[32, 32, 16, 16, 0.9, 0, 1.0]], np.zeros((1, 16), np.float32))


def test_coefficients_that_do_not_match_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make 8 columns"):
        told(tmp_path, [[32, 32, 16, 16, 0.9, 0, 1.0]], np.zeros((1, 2, 16, 16), np.float32))


def test_outputs_without_roles_are_refused(tmp_path: Path) -> None:
    graph = says(tmp_path / "m.onnx", {"output0": np.zeros((1, 7, 3), np.float32)})
    with pytest.raises(ConfigError, match="roles 'predictions' and 'prototypes'"):
        seen(PLUGIN, model_card(graph, frame=SQUARE), BLANK)


def test_the_sample_is_valid(repo: Path) -> None:
    table = tomllib.loads((repo / "config" / "samples" / "decoder_instance_segmentation.toml").read_text())["decoder"]
    assert table.pop("kind") == "instance_segmentation"
    assert set(table) >= set(PLUGIN.settings_model.model_fields)
    PLUGIN.settings_model(**{key: table[key] for key in PLUGIN.settings_model.model_fields})
