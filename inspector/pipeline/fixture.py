"""Finds the part in a frame by the edges it was taught with: how far it is moved and turned, to parts of a pixel.

    frame ─▶ at 1/32: slopes ─▶ every turn x every shift, one matrix product ─▶ roughly there
          ─▶ whole pixels: across each taught edge, where is it now? ─▶ robust fit ─▶ Pose, and the share that agrees
Only the pixels across the edges are looked at, so that the size of the frame hardly counts.
"""

from dataclasses import dataclass
from math import ceil, cos, radians, sin
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import ConfigError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.domain.geometry import Box, Pose
from inspector.domain.recipe import FixtureRule

ROUGH_PX = 32
"""A place of the rough picture is so many pixels of the frame."""
_ROWS_PX = 8
_TURN_STEP_SHARE = 0.5
_EDGES = 160
_CELLS = 14
_REACHES_PX = (36, 12, 6)
_SOFT_PX = 2.0
_AGREES_PX = 1.0
_STRONG = 0.35
_LEAST_EDGES = 24
_LEAST_SLOPE = 4.0
_ROUNDS = 6
_WEAK = 0.02
_COLOUR_AXES = 3

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where the part lies. ``match``: share of its edges that are where they should be, 0 to 1.

    ``presence``: how much of edges at all there is, against the taught part.
    """

    pose: Pose
    match: float
    presence: float


class PartFinder:
    """One taught part. ``template``: grey, the taught frame's region, (height, width).

    Raises:
        ConfigError: it has too few edges, or they all run one way, so that its place is not fixed by them.
    """

    def __init__(self, template: NDArray[np.uint8], rule: FixtureRule) -> None:
        self.rule = rule
        region = rule.region
        self._centre = np.array(region.centre, np.float32)
        self._points, self._normals, self._slopes = _edges_of(template, region)
        _must_fix_the_place(self._points, self._normals, self._centre, rule)
        self._rough = _Rough(template, rule)

    def find(self, pixels: Pixels, pixel_format: PixelFormat) -> Found:
        """Look for it in an 8-bit frame of the size it was taught in."""
        shift, turn, presence = self._rough.find(pixels)
        place = np.array([*shift, turn], np.float64)
        match = 0.0
        for reach in _REACHES_PX:
            place, match = self._fit(pixels, pixel_format, place, reach)
        x, y = (float(value) for value in self._centre)
        pose = Pose(dx=float(place[0]), dy=float(place[1]), turn_deg=float(np.degrees(place[2])), x=x, y=y)
        return Found(pose=pose, match=match, presence=presence)

    def why_not(self, found: Found) -> str:
        """Why this is not the part where it should be; "" if it is."""
        rule, pose = self.rule, found.pose
        if found.match >= rule.match:
            off = max(abs(pose.dx), abs(pose.dy))
            if off > rule.shift_px:
                return f"no part: it lies {off:.0f} px from its place, {rule.shift_px:g} px are allowed"
            if abs(pose.turn_deg) > rule.angle_deg:
                return f"no part: it is turned by {pose.turn_deg:.1f} deg, {rule.angle_deg:g} deg are allowed"
            return ""
        if found.presence < rule.presence:
            return f"no part: {found.presence:.0%} of its edges' strength is there, {rule.presence:.0%} are asked for"
        return f"wrong part: {found.match:.0%} of the taught edges are there, {rule.match:.0%} are asked for"

    def _fit(
        self, pixels: Pixels, pixel_format: PixelFormat, place: NDArray[np.float64], reach: int
    ) -> tuple[NDArray[np.float64], float]:
        """One better place, from where the edges are within ``reach`` px across; and the share that agrees."""
        arms, normals = self._placed(place)
        offsets, strengths = _across(pixels, pixel_format, arms + self._centre + place[:2], normals, reach)
        strong = strengths >= _STRONG * self._slopes
        rows = np.stack([normals[:, 0], normals[:, 1], arms[:, 0] * normals[:, 1] - arms[:, 1] * normals[:, 0]], axis=1)
        lever = float(np.abs(arms).max())
        step = _robust(rows / [1.0, 1.0, lever], offsets, strong, start_px=reach / 2) / [1.0, 1.0, lever]
        left = np.abs(offsets - rows @ step)
        return place + step, float((strong & (left <= _AGREES_PX)).mean())

    def _placed(self, place: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The edges as they stand when the part is so turned: from its centre, and their normals."""
        turned = np.array([[cos(place[2]), sin(place[2])], [-sin(place[2]), cos(place[2])]])
        return (self._points - self._centre) @ turned, self._normals @ turned


class _Rough:
    """Where the part roughly is: all turns and shifts of the rough picture of its slopes, compared at once."""

    def __init__(self, template: NDArray[np.uint8], rule: FixtureRule) -> None:
        region = rule.region
        self._x, self._y = int(region.x) // ROUGH_PX, int(region.y) // ROUGH_PX
        taught = _slopes(_rough(template))
        height, width = taught.shape
        self._shape = (height, width)
        self._reach = ceil(rule.shift_px / ROUGH_PX) + 1
        self._strength = float(taught.mean())
        step = _TURN_STEP_SHARE / (max(height, width) / 2)
        count = ceil(radians(rule.angle_deg) / step) + 1
        self._turns = np.arange(-count, count + 1) * step
        turned = [_turned(taught, turn) for turn in self._turns]
        self._views = np.stack([view / max(float(np.linalg.norm(view)), 1e-6) for view in turned])

    def find(self, pixels: Pixels) -> tuple[tuple[float, float], float, float]:
        """Shift in px (x, y), turn in radians, and the strength of slopes against the taught one."""
        slopes = _slopes(_rough(pixels))
        reach, (height, width) = self._reach, self._shape
        wide = cv2.copyMakeBorder(slopes, reach, reach + 1, reach, reach + 1, cv2.BORDER_REPLICATE)
        there = cast("Plane", wide)[self._y :, self._x :]
        windows = np.lib.stride_tricks.sliding_window_view(there, (height, width))[: 2 * reach + 1, : 2 * reach + 1]
        rows, columns = windows.shape[:2]
        flat = windows.reshape(rows * columns, -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
        scores = (self._views @ flat.T).reshape(len(self._turns), rows, columns)
        turn, row, column = (int(index) for index in np.unravel_index(int(scores.argmax()), scores.shape))
        dy = row - reach + _peak(scores[turn, :, column], row)
        dx = column - reach + _peak(scores[turn, row, :], column)
        angle = self._turns[turn] + _peak(scores[:, row, column], turn) * (self._turns[1] - self._turns[0])
        middle = windows[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)]
        return (dx * ROUGH_PX, dy * ROUGH_PX), float(angle), float(middle.mean()) / max(self._strength, 1e-6)


def light_of(pixels: Pixels, pixel_format: PixelFormat) -> NDArray[np.uint8]:
    """A frame as a template is kept: grey, or of a mosaic and of colour its green; (height, width)."""
    if pixels.ndim == _COLOUR_AXES:
        return np.ascontiguousarray(pixels[..., 1], np.uint8)
    if pixel_format.is_bayer:
        return np.asarray(cv2.blur(pixels, (2, 2)), np.uint8)
    return np.ascontiguousarray(pixels, np.uint8)


def _rough(pixels: Pixels) -> Plane:
    """The frame at a thirty-second of its size, of every eighth row."""
    plane = pixels[::_ROWS_PX, :, 1] if pixels.ndim == _COLOUR_AXES else pixels[::_ROWS_PX]
    rows = np.ascontiguousarray(plane, np.uint8)
    size = (max(pixels.shape[1] // ROUGH_PX, 1), max(pixels.shape[0] // ROUGH_PX, 1))
    return np.asarray(cv2.resize(rows, size, interpolation=cv2.INTER_AREA), np.float32)


def _slopes(rough: Plane) -> Plane:
    across = cv2.Sobel(rough, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(rough, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _turned(taught: Plane, turn: float) -> NDArray[np.float32]:
    """The taught slopes turned about their middle, their mean taken off, as one row; beyond the picture stands none."""
    height, width = taught.shape
    x, y = (width - 1) / 2, (height - 1) / 2
    c, s = cos(turn), sin(turn)
    matrix = np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])
    level = float(taught.mean())
    shown = cv2.warpAffine(taught - level, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=0)
    return np.asarray(shown, np.float32).ravel()


def _peak(scores: NDArray[Any], index: int) -> float:
    """Where between its neighbours the highest of three lies, -0.5 to 0.5; 0 at an end."""
    if not 0 < index < len(scores) - 1:
        return 0.0
    before, here, after = (float(score) for score in scores[index - 1 : index + 2])
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


def _edges_of(
    template: NDArray[np.uint8], region: Box
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The strongest edges spread over the region: places on the frame (n, 2), unit normals, and slopes across."""
    soft = cv2.GaussianBlur(template, (0, 0), 2 * _SOFT_PX).astype(np.float32)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.125)
    strength = np.asarray(cv2.magnitude(across, down), np.float32)
    margin = 2 * int(_SOFT_PX) + 2
    strength[:margin] = strength[-margin:] = 0
    strength[:, :margin] = strength[:, -margin:] = 0
    height, width = template.shape
    places: list[tuple[float, int, int]] = []
    for row in range(_CELLS):
        for column in range(_CELLS):
            top, left = height * row // _CELLS, width * column // _CELLS
            cell = strength[top : height * (row + 1) // _CELLS, left : width * (column + 1) // _CELLS]
            places += _two_strongest(cell, top, left)
    places.sort(reverse=True)
    best = [one for one in places[:_EDGES] if one[0] >= max(_LEAST_SLOPE / 4, _WEAK)]
    rows, columns = np.array([one[1] for one in best], int), np.array([one[2] for one in best], int)
    if not best:
        none = np.empty((0, 2), np.float32)
        return none, none, np.empty(0, np.float32)
    normals = np.stack([across[rows, columns], down[rows, columns]], axis=1) / strength[rows, columns, None]
    points = np.stack([columns + region.x, rows + region.y], axis=1).astype(np.float32)
    offsets, slopes = _across(
        template, PixelFormat.MONO8, points - [region.x, region.y], normals, reach=2 * int(_SOFT_PX) + 2
    )
    return (points + normals * offsets[:, None]).astype(np.float32), normals.astype(np.float32), slopes


def _two_strongest(cell: Plane, top: int, left: int) -> list[tuple[float, int, int]]:
    """The strongest place of a cell, and the strongest away from it."""
    if not cell.size:
        return []
    found = []
    rest = cell.copy()
    for _ in range(2):
        row, column = (int(index) for index in np.unravel_index(int(rest.argmax()), rest.shape))
        found.append((float(rest[row, column]), top + row, left + column))
        apart = max(min(cell.shape) // 3, 4)
        rest[max(row - apart, 0) : row + apart + 1, max(column - apart, 0) : column + apart + 1] = 0
    return found


def _across(
    pixels: Pixels, pixel_format: PixelFormat, points: NDArray[Any], normals: NDArray[Any], reach: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where across each edge its steepest rise lies, px from its place along the normal; and how steep it is there.

    Three profiles side by side are averaged.
    """
    steps = np.arange(-reach - 3, reach + 4, dtype=np.float32)
    along = np.stack([-normals[:, 1], normals[:, 0]], axis=1)
    asides = np.array([-_SOFT_PX, 0.0, _SOFT_PX])[:, None, None]
    x = points[:, :1] + asides * along[:, :1] + steps * normals[:, :1]
    y = points[:, 1:] + asides * along[:, 1:] + steps * normals[:, 1:]
    flat = (len(asides) * len(points), len(steps))
    taken = _sampled(pixels, pixel_format, x.reshape(flat).astype(np.float32), y.reshape(flat).astype(np.float32))
    profiles = taken.reshape(len(asides), len(points), len(steps)).mean(axis=0)
    soft = cv2.GaussianBlur(profiles, (0, 0), sigmaX=_SOFT_PX, sigmaY=1e-3, borderType=cv2.BORDER_REPLICATE)
    rise = (soft[:, 2:] - soft[:, :-2]) / 2
    rise = rise[:, 2:-2]
    best = rise.argmax(axis=1)
    index = np.arange(len(points))
    inner = np.clip(best, 1, rise.shape[1] - 2)
    before, here, after = rise[index, inner - 1], rise[index, inner], rise[index, inner + 1]
    bend = before - 2 * here + after
    between = np.where(bend < 0, (before - after) / (2 * np.minimum(bend, -1e-6)), 0)
    offsets = inner + np.clip(between, -1, 1) - reach
    return offsets.astype(np.float32), rise[index, best].astype(np.float32)


def _sampled(pixels: Pixels, pixel_format: PixelFormat, x: Plane, y: Plane) -> Plane:
    """Grey levels at these places; of a mosaic the middle of four neighbours, so that its colours do not count."""
    if pixel_format.is_bayer:
        near = [_taken(pixels, x + dx, y + dy) for dx in (-0.5, 0.5) for dy in (-0.5, 0.5)]
        return np.asarray(sum(near) / 4, np.float32)
    return _taken(pixels, x, y)


def _taken(pixels: Pixels, x: Plane, y: Plane) -> Plane:
    """Bilinear, without a look at the rest of the frame; beyond it stands its edge."""
    shown = cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown[..., 1] if pixels.ndim == _COLOUR_AXES else shown, np.float32)


def _robust(
    rows: NDArray[np.float64], offsets: NDArray[np.float32], use: NDArray[np.bool_], *, start_px: float
) -> NDArray[np.float64]:
    """The step that most offsets agree on: least squares, weighed again by how far each is off (Tukey's biweight)."""
    if use.sum() < _LEAST_EDGES // 2:
        return np.zeros(3)
    weights = use.astype(np.float64)
    step: NDArray[Any] = np.zeros(3)
    width = start_px * 2
    for _ in range(_ROUNDS):
        normal = rows.T @ (rows * weights[:, None]) + np.eye(3) * 1e-6
        step = np.linalg.solve(normal, rows.T @ (offsets * weights))
        left = np.abs(offsets - rows @ step)
        spread = 1.4826 * float(np.median(left[use]))
        width = max(min(width, 4.685 * spread), 1.5)
        weights = np.where(use & (left < width), (1 - (left / width) ** 2) ** 2, 0.0)
        if weights.sum() < _LEAST_EDGES / 4:
            return np.zeros(3)
    return step


def _must_fix_the_place(
    points: NDArray[np.float32], normals: NDArray[np.float32], centre: NDArray[np.float32], rule: FixtureRule
) -> None:
    if len(points) < _LEAST_EDGES:
        raise ConfigError(
            f"fixture {rule.template}: {len(points)} edges stand out in its region, {_LEAST_EDGES} are needed; choose "
            "a region with the part's outline in it, or better light"
        )
    arms = points - centre
    lever = max(float(np.abs(arms).max()), 1.0)
    turning = (arms[:, 0] * normals[:, 1] - arms[:, 1] * normals[:, 0]) / lever
    rows = np.stack([normals[:, 0], normals[:, 1], turning], axis=1)
    weakest = float(np.linalg.eigvalsh(rows.T @ rows / len(rows))[0])
    if weakest < _WEAK:
        raise ConfigError(
            f"fixture {rule.template}: its edges nearly all run one way or round one point, so they do not fix its "
            "place; choose a larger region"
        )
