"""Shape each kind of defect as a small patch of coverage, before it is placed or painted."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes.ground import chance

_FINE = 4  # supersampling of strokes, per axis
_SHIFT = 4  # fractional bits of OpenCV's drawing calls
_GROWTH = 0.55  # px by which OpenCV's border-inclusive fill widens a stroke, divided by _FINE below

_SEEN = 0.28  # coverage from which a pixel counts as defect in a class mask
_DENT_SEEN = 0.92  # squared share of its radius to which a dent's shading is seen
_TAIL = 0.04  # fainter skirts of a stain are cut, so that its box is tight
_SHORTEST_TRUNK = 8  # points of a crack that can carry a branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A defect without a place."""

    label: str
    coverage: NDArray[np.float32]
    """(height, width) in -1..1: the share of the contrast that each pixel gets."""
    footprint: NDArray[np.bool_]
    """(height, width): the pixels that count as defect in a class mask."""
    length_px: float
    width_px: float
    area_px: float


def _stroke(points: NDArray[np.float64], widths: NDArray[np.float64]) -> NDArray[np.float32]:
    """Draw a polyline of varying width, anti-aliased; points start at a margin of 4 px."""
    extent = points.max(axis=0) + widths.max() + 5.0
    w, h = (int(np.ceil(v)) for v in extent)
    fine = np.zeros((h * _FINE, w * _FINE), np.uint8)
    scale = _FINE * (1 << _SHIFT)
    half = np.maximum(widths / 2.0 - _GROWTH / _FINE, 0.05)
    for (a, b), (ra, rb) in zip(pairwise(points), pairwise(half), strict=True):
        along = (b - a) / max(float(np.hypot(*(b - a))), 1e-6)
        normal = np.array([-along[1], along[0]])
        quad = np.array([a + normal * ra, b + normal * rb, b - normal * rb, a - normal * ra])
        corners = np.rint((quad + 0.5) * scale - (1 << _SHIFT) / 2).astype(np.int32)
        cv2.fillConvexPoly(fine, corners, 255, cv2.LINE_8, _SHIFT)
    small = cv2.resize(fine, (w, h), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255.0)


def _to_margin(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points so that the smallest coordinates are 4 px."""
    return np.asarray(points - points.min(axis=0) + 4.0)


def _path_length(points: NDArray[np.float64]) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _taper(count: int, ends: float, share: float) -> NDArray[np.float64]:
    """Return 1 along the middle, falling to ``ends`` over ``share`` of the length at each end."""
    t = np.linspace(0.0, 1.0, count)
    return np.asarray(np.interp(t, [0, share, 1 - share, 1], [ends, 1, 1, ends]))


def _walk(rng: np.random.Generator, length: float, heading: float) -> NDArray[np.float64]:
    """Walk ``length`` px with a wandering heading, as a crack follows grain borders."""
    points = [np.zeros(2)]
    walked, drift = 0.0, 0.0
    while walked < length:
        step = min(float(rng.uniform(4.0, 13.0)), length - walked + 1e-3)
        drift = 0.75 * drift + float(rng.normal(0.0, 0.26))
        angle = heading + drift + float(rng.normal(0.0, 0.28))
        points.append(points[-1] + step * np.array([np.cos(angle), np.sin(angle)]))
        walked += step
    return np.array(points)


def crack(rng: np.random.Generator, longest: float, width_px: float | None = None) -> Shape:
    """Shape a jagged dark line 60-600 px long, 1-3 px or ``width_px`` wide, at times with a short branch."""
    length = float(min(np.exp(rng.uniform(np.log(60), np.log(600))), longest))
    width = float(rng.uniform(1.0, 3.0))  # drawn in any case: the same seed stays the same course
    width = width if width_px is None else width_px
    trunk = _walk(rng, length, float(rng.uniform(0, 2 * np.pi)))
    waver = np.clip(1.0 + rng.normal(0.0, 0.16, len(trunk)), 0.7, 1.3)
    lines = [(trunk, width * waver * _taper(len(trunk), 0.5, 0.2))]
    if chance(rng, 0.3) and len(trunk) > _SHORTEST_TRUNK:
        start = int(rng.integers(len(trunk) // 4, 3 * len(trunk) // 4))
        ahead = trunk[start + 1] - trunk[start]
        turn = float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.1))
        heading = float(np.arctan2(ahead[1], ahead[0])) + turn
        branch = _walk(rng, length * float(rng.uniform(0.08, 0.22)), heading) + trunk[start]
        lines.append((branch, np.linspace(0.8, 0.45, len(branch)) * width))
    low = np.min([line.min(axis=0) for line, _ in lines], axis=0)
    high = np.max([line.max(axis=0) for line, _ in lines], axis=0)
    size = np.ceil(high - low + 2 * width + 14).astype(int)
    coverage = np.zeros((size[1], size[0]), np.float32)
    for line, widths in lines:
        drawn = _stroke(line - low + 4.0, widths)
        region = coverage[: drawn.shape[0], : drawn.shape[1]]
        np.maximum(region, drawn[: region.shape[0], : region.shape[1]], out=region)
    return Shape(
        label="crack",
        coverage=coverage,
        footprint=coverage >= _SEEN,
        length_px=_path_length(trunk),
        width_px=width,
        area_px=float(coverage.sum()),
    )


def scratch(rng: np.random.Generator, longest: float, avoid_angle: float | None) -> Shape:
    """Shape a thin straight or slightly bent line, 100-900 px long, that presses unevenly.

    ``avoid_angle`` (radians) is the direction of the brushing: a scratch along it is no scratch.
    """
    length = float(min(np.exp(rng.uniform(np.log(100), np.log(900))), longest))
    width = float(rng.uniform(1.2, 3.2))
    angle = float(rng.uniform(0, np.pi))
    if avoid_angle is not None:
        angle = avoid_angle + float(rng.uniform(0.26, np.pi - 0.26))
    t = np.linspace(-0.5, 0.5, max(int(length / 12), 6))
    bend = float(rng.choice([0.0, 1.0])) * float(rng.uniform(-0.12, 0.12))
    local = np.stack([t * length, bend * length * (0.25 - t * t) * 4 * 0.5], axis=1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = _to_margin(local @ turn)
    widths = width * _taper(len(points), 0.6, 0.08)
    coverage = _stroke(points, widths)
    pressure = cv2.resize(
        rng.uniform(0.65, 1.0, (6, 6)).astype(np.float32),
        coverage.shape[::-1],
        interpolation=cv2.INTER_CUBIC,
    )
    area = float(coverage.sum())
    coverage = coverage * np.clip(pressure, 0.5, 1.0)
    return Shape(
        label="scratch",
        coverage=coverage,
        footprint=coverage >= _SEEN,
        length_px=_path_length(points),
        width_px=width,
        area_px=area,
    )


def dent(rng: np.random.Generator, longest: float, light_angle: float) -> Shape:
    """Shape the shading of a hollow, 24-160 px across: dark towards the light, bright beyond."""
    long_axis = float(min(np.exp(rng.uniform(np.log(24), np.log(160))), longest))
    short_axis = long_axis * float(rng.uniform(0.6, 1.0))
    tilt = float(rng.uniform(0, np.pi))
    side = int(np.ceil(long_axis)) + 6
    y, x = np.mgrid[:side, :side].astype(np.float32) - np.float32((side - 1) / 2)
    u = (x * np.cos(tilt) + y * np.sin(tilt)) / (long_axis / 2)
    v = (-x * np.sin(tilt) + y * np.cos(tilt)) / (short_axis / 2)
    r2 = u * u + v * v
    bowl = np.clip(1.0 - r2, 0.0, None)
    lu = np.cos(light_angle - tilt)
    lv = np.sin(light_angle - tilt)
    slope = -(u * lu + v * lv) * bowl ** float(rng.uniform(0.6, 1.4))
    slope = slope - 0.12 * bowl**2 * float(np.abs(slope).max())
    coverage = (slope / np.abs(slope).max()).astype(np.float32)
    return Shape(
        label="dent",
        coverage=coverage,
        footprint=np.asarray(r2 <= _DENT_SEEN),
        length_px=long_axis,
        width_px=short_axis,
        area_px=float(np.pi / 4 * long_axis * short_axis),
    )


def stain(rng: np.random.Generator, longest: float) -> Shape:
    """Shape a soft irregular patch, 80-400 px across, some with the darker rim of a dried drop."""
    size = float(min(np.exp(rng.uniform(np.log(80), np.log(400))), longest))
    side = int(size * 1.5) + 8
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32) * np.float32(1.5)
    tilt, ratio = float(rng.uniform(0, np.pi)), float(rng.uniform(0.55, 1.0))
    u = x * np.cos(tilt) + y * np.sin(tilt)
    v = (-x * np.sin(tilt) + y * np.cos(tilt)) / ratio
    cells = int(rng.integers(5, 9))
    wander = cv2.resize(
        rng.normal(0, 1, (cells, cells)).astype(np.float32),
        (side, side),
        interpolation=cv2.INTER_CUBIC,
    )
    inside = 1.0 - np.hypot(u, v) + 0.16 * wander - 0.06
    frame = np.clip((1.45 - np.hypot(x, y)) * 5.0, 0.0, 1.0)
    softness = float(rng.uniform(6.0, 18.0)) / (size / 2)
    ramp = np.clip(inside / softness, 0.0, 1.0) * frame
    soft = ramp * ramp * (3.0 - 2.0 * ramp)
    rim = float(rng.uniform(0.0, 0.4)) * np.exp(-(((inside - softness) / 0.1) ** 2))
    mottle = 0.88 + 0.12 * np.clip(wander, -1.0, 1.0)
    coverage = (soft * mottle * (1.0 + rim)).astype(np.float32)
    coverage[coverage < _TAIL] = 0.0
    return _outlined(coverage)


def _outlined(coverage: NDArray[np.float32]) -> Shape:
    """Measure a stain on its own footprint: only the largest piece is kept."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((coverage >= _SEEN).astype(np.uint8))
    biggest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])) if count > 1 else 0
    footprint = pieces == biggest
    near = cv2.dilate(footprint.astype(np.uint8), np.ones((25, 25), np.uint8))
    outline, _ = cv2.findContours(footprint.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    (_, (first, second), _) = cv2.minAreaRect(outline[0])
    kept = coverage * near
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    tight = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return Shape(
        label="stain",
        coverage=np.ascontiguousarray(kept[tight]),
        footprint=footprint[tight],
        length_px=float(max(first, second)) + 1.0,
        width_px=float(min(first, second)) + 1.0,
        area_px=float(footprint.sum()),
    )
