"""Makes the frames that are measured on: rendered parts of any size, and parts strewn with marks."""

from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes import SceneSettings, render

SENSORS = {5: (2592, 1944), 12: (4096, 3000), 20: (5472, 3648), 50: (8192, 6144)}
"""Width and height of usual sensors, by megapixels."""
COMPONENTS = (0, 10, 100, 400, 1000, 5000)
"""Marks strewn over a frame; the worker makes a component of each in the model's map, whether the model sees it or not:
a covered or torn scene is what no model was trained for."""
MARKS_SUFFIX = ".marks.npy"
_MULTIPLE = 8
_DEEPEST = 70
_REACH_PX, _STROKE_PX = 8, 3
_SEEDS = (8101, 8102, 8104)
"""Parts that no training, calibration or evaluation uses."""


def sides(megapixels: float) -> tuple[int, int]:
    """Width and height of a sensor of this size; an unusual size is made 4:3.

    Raises:
        ValueError: smaller than the smallest scene.
    """
    if megapixels in SENSORS:
        return SENSORS[int(megapixels)]
    width = round(sqrt(megapixels * 1e6 * 4 / 3) / _MULTIPLE) * _MULTIPLE
    return width, round(width * 3 / 4 / _MULTIPLE) * _MULTIPLE


def write_parts(folder: Path, width: int, height: int, *, count: int = len(_SEEDS)) -> list[Path]:
    """Render parts, some with defects, one file each: (height, width) uint8."""
    paths = []
    for seed in _SEEDS[:count]:
        scene = render(seed, SceneSettings(width=width, height=height, defect_rate=0.5))
        paths.append(_write(folder / f"part-{seed}-{width}x{height}.npy", scene.pixels))
    return paths


def write_strewn(folder: Path, width: int, height: int, counts: Sequence[int] = COMPONENTS) -> list[Path]:
    """One part without defects, strewn with as many dark strokes as each count says; beside each its marks' places."""
    ground = render(_SEEDS[0], SceneSettings(width=width, height=height, defect_rate=0.0)).pixels
    paths = []
    for count in counts:
        path = folder / f"strewn-{count}-{width}x{height}.npy"
        places = grid(width, height, count)
        np.save(marks_of(path), places)
        paths.append(_write(path, strewn(ground, places)))
    return paths


def marks_of(path: Path) -> Path:
    """The file of a frame's marks: (count, 2), x and y of each, px."""
    return path.with_suffix(MARKS_SUFFIX)


def grid(width: int, height: int, count: int) -> NDArray[np.int64]:
    """Centres of ``count`` cells of a grid that fills the frame, (count, 2), x and y."""
    if count == 0:
        return np.empty((0, 2), np.int64)
    columns = max(ceil(sqrt(count * width / height)), 1)
    rows = ceil(count / columns)
    index = np.arange(count)
    x, y = (index % columns + 0.5) * width / columns, (index // columns + 0.5) * height / rows
    return np.stack([x, y], axis=1).astype(np.int64)


def strewn(ground: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """A copy of ``ground`` (height, width) with a dark stroke at each place."""
    strokes = np.zeros_like(ground)
    angles = np.random.default_rng(len(places)).uniform(0.0, np.pi, len(places))
    for (x, y), angle in zip(places.tolist(), angles.tolist(), strict=True):
        dx, dy = round(_REACH_PX * np.cos(angle)), round(_REACH_PX * np.sin(angle))
        cv2.line(strokes, (x - dx, y - dy), (x + dx, y + dy), _DEEPEST, _STROKE_PX, cv2.LINE_AA)
    return np.asarray(cv2.subtract(ground, strokes), np.uint8)


def _write(path: Path, pixels: NDArray[np.uint8]) -> Path:
    np.save(path, pixels)
    return path
