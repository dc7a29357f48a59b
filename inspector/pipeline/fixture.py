"""Finds the part in a frame by the edges it was taught with: how far it is moved and turned, to parts of a pixel.

    frame ─▶ its slopes at 1/64, 1/32 ─▶ the taught ones at every turn and shift ─▶ roughly there
          ─▶ whole pixels: across each taught edge, where is it now? ─▶ robust fit ─▶ Pose, and the share that agrees
Only the pixels across the edges are looked at, so that the size of the frame hardly counts.
"""

from dataclasses import dataclass
from math import ceil, cos, radians, sin
from typing import Any

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
_NEAR_TURNS = 2
_EDGES = 160
_CELLS = 14
_REACHES_PX = (24, 6)
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


class _Level:
    """The taught slopes at one size, at every turn; ``step``: px of the frame a place of it."""

    def __init__(self, rough: Plane, rule: FixtureRule, step: int) -> None:
        taught = _slopes(rough)
        self.step = step
        self.x, self.y = rule.region.x / step, rule.region.y / step
        self.strength = float(taught.mean())
        self.shape = taught.shape
        turn = _TURN_STEP_SHARE / (max(taught.shape) / 2)
        count = ceil(radians(rule.angle_deg) / turn) + 1
        self.turns = np.arange(-count, count + 1) * turn
        self._views = [_turned(taught, one) for one in self.turns]

    def find(
        self, slopes: Plane, turns: range, near_px: tuple[float, float], reach_px: float
    ) -> tuple[tuple[float, float], float, float]:
        """Shift in px (x, y) and turn that fit best, near a shift, within these turns; and the slopes' mean there."""
        height, width = self.shape
        reach = ceil(reach_px / self.step) + 1
        column = round(self.x + near_px[0] / self.step) - reach
        row = round(self.y + near_px[1] / self.step) - reach
        there = _cut(slopes, row, column, height + 2 * reach, width + 2 * reach)
        scores = np.stack([cv2.matchTemplate(there, self._views[one], cv2.TM_CCOEFF_NORMED) for one in turns])
        turn, down, across = (int(index) for index in np.unravel_index(int(scores.argmax()), scores.shape))
        dx = (column + across + _peak(scores[turn, down, :], across) - self.x) * self.step
        dy = (row + down + _peak(scores[turn, :, across], down) - self.y) * self.step
        angle = self.turns[turns[turn]] + _peak(scores[:, down, across], turn) * (self.turns[1] - self.turns[0])
        seen = there[down : down + height, across : across + width]
        return (dx, dy), float(angle), float(seen.mean())


class _Rough:
    """Where the part roughly is: at a sixty-fourth of the size by all turns, then near there at a thirty-second."""

    def __init__(self, template: NDArray[np.uint8], rule: FixtureRule) -> None:
        self._reach_px = rule.shift_px
        rough = _rough(template)
        self._first = _Level(_halved(rough), rule, 2 * ROUGH_PX)
        self._second = _Level(rough, rule, ROUGH_PX)

    def find(self, pixels: Pixels) -> tuple[tuple[float, float], float, float]:
        """Shift in px (x, y), turn in radians, and the strength of slopes against the taught one."""
        rough = _rough(pixels)
        first, second = self._first, self._second
        near, turn, _ = first.find(_slopes(_halved(rough)), range(len(first.turns)), (0.0, 0.0), self._reach_px)
        middle = int(np.abs(second.turns - turn).argmin())
        turns = range(max(middle - _NEAR_TURNS, 0), min(middle + _NEAR_TURNS + 1, len(second.turns)))
        shift, turn, strength = second.find(_slopes(rough), turns, near, ROUGH_PX)
        return shift, turn, strength / max(second.strength, 1e-6)


def _halved(rough: Plane) -> Plane:
    size = (max(rough.shape[1] // 2, 1), max(rough.shape[0] // 2, 1))
    return np.asarray(cv2.resize(rough, size, interpolation=cv2.INTER_AREA), np.float32)


def _cut(picture: Plane, row: int, column: int, height: int, width: int) -> Plane:
    """A part of a picture; beyond it stands its edge."""
    rows = np.clip(np.arange(row, row + height), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(column, column + width), 0, picture.shape[1] - 1)
    return np.ascontiguousarray(picture[np.ix_(rows, columns)])


def light_of(pixels: Pixels, pixel_format: PixelFormat) -> NDArray[np.uint8]:
    """A frame as a template is kept: grey, or of a mosaic and of colour its green; (height, width)."""
    if pixels.ndim == _COLOUR_AXES:
        return np.ascontiguousarray(pixels[..., 1], np.uint8)
    if pixel_format.is_bayer:
        return np.asarray(cv2.blur(pixels, (2, 2)), np.uint8)
    return np.ascontiguousarray(pixels, np.uint8)


def _rough(pixels: Pixels) -> Plane:
    """The frame at a thirty-second of its size, of every eighth row; whole places only, which is ten times as fast."""
    height, width = (max(side // ROUGH_PX, 1) for side in pixels.shape[:2])
    plane = pixels[..., 1] if pixels.ndim == _COLOUR_AXES else pixels
    rows = np.ascontiguousarray(plane[: height * ROUGH_PX : _ROWS_PX, : width * ROUGH_PX], np.uint8)
    return np.asarray(cv2.resize(rows, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _slopes(rough: Plane) -> Plane:
    across = cv2.Sobel(rough, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(rough, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _turned(taught: Plane, turn: float) -> Plane:
    """The taught slopes turned about their middle; beyond them stands their mean."""
    height, width = taught.shape
    x, y = (width - 1) / 2, (height - 1) / 2
    c, s = cos(turn), sin(turn)
    matrix = np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])
    level = float(taught.mean())
    return np.asarray(cv2.warpAffine(taught, matrix, (width, height), borderValue=level), np.float32)


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
