"""Draw what belongs to a good part: machined edges, drilled holes, dust, fibres."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes.ground import Ground, chance
from inspector.twin.scenes.scene import SceneSettings

_DUST_PX = 48  # side of the patch a speck or fibre is drawn in


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Where on the frame the part's surface is free for a defect. Pixels."""

    left: int
    top: int
    right: int
    bottom: int
    holes: tuple[tuple[float, float, float], ...]
    """Centre x, centre y, outer radius of each drilled hole."""

    def is_free(self, left: int, top: int, right: int, bottom: int) -> bool:
        """Say whether a box lies on the face and clear of every hole."""
        if left < self.left or top < self.top or right > self.right or bottom > self.bottom:
            return False
        for x, y, radius in self.holes:
            near_x = min(max(x, left), right)
            near_y = min(max(y, top), bottom)
            if np.hypot(near_x - x, near_y - y) < radius + 12.0:
                return False
        return True


def _blend(region: NDArray[np.uint8], value: NDArray[np.float32], alpha: NDArray[np.float32]) -> None:
    """Lay ``value`` over ``region`` in place, by ``alpha`` in 0..1."""
    mixed = region + (value - region) * alpha
    region[...] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _edge_sides(rng: np.random.Generator, settings: SceneSettings) -> dict[str, tuple[float, float]]:
    """Choose the sides on which the part ends inside the frame: inset px at either end."""
    if chance(rng, 0.35):
        return {}
    longest = min(5.0 * settings.px_per_mm, 0.05 * min(settings.width, settings.height))
    sides = {}
    for side in ("left", "top", "right", "bottom"):
        if chance(rng, 0.6):
            inset = float(rng.uniform(0.25, 0.85) * longest)
            sides[side] = (inset, inset + float(rng.uniform(-0.12, 0.12) * longest))
    return sides


def _distance(
    side: str,
    ends: tuple[float, float],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    settings: SceneSettings,
) -> NDArray[np.float32]:
    """Distance inwards from one edge, px; negative beyond it."""
    w, h = settings.width, settings.height
    along = y / h if side in ("left", "right") else x / w
    inset = ends[0] + (ends[1] - ends[0]) * along
    away = {"left": x, "top": y, "right": w - 1 - x, "bottom": h - 1 - y}[side]
    return np.asarray(away - inset, np.float32)


def _strip(side: str, depth: int, settings: SceneSettings) -> tuple[slice, slice]:
    """Rows and columns of the frame that an edge on ``side`` can touch."""
    w, h = settings.width, settings.height
    return {
        "left": (slice(0, h), slice(0, depth)),
        "right": (slice(0, h), slice(w - depth, w)),
        "top": (slice(0, depth), slice(0, w)),
        "bottom": (slice(h - depth, h), slice(0, w)),
    }[side]


def _draw_edges(rng: np.random.Generator, ground: Ground, settings: SceneSettings) -> tuple[int, int, int, int]:
    """Draw the chamfered ends of the part; return the margins left, top, right, bottom in px."""
    sides = _edge_sides(rng, settings)
    chamfer = float(np.clip(rng.uniform(0.2, 0.5) * settings.px_per_mm, 3.0, 14.0))
    beyond = float(rng.uniform(8.0, 30.0))
    margins = dict.fromkeys(("left", "top", "right", "bottom"), 0)
    normals = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}
    for side, ends in sides.items():
        depth = int(max(ends) + chamfer + 6)
        margins[side] = depth
        rows, columns = _strip(side, depth, settings)
        region = ground.pixels[rows, columns]
        y, x = np.mgrid[rows.start : rows.stop, columns.start : columns.stop].astype(np.float32)
        near = np.minimum.reduce([_distance(s, e, x, y, settings) for s, e in sides.items()])
        nx, ny = normals[side]
        facing = nx * np.cos(ground.light_angle) + ny * np.sin(ground.light_angle)
        shine = ground.level * (1.0 + 0.55 * facing) + 18.0
        value = np.interp(near, [-1.5, 0.5, chamfer], [beyond, shine, shine * 0.96])
        alpha = np.interp(near, [chamfer - 1.0, chamfer + 1.5], [1.0, 0.0])
        grain = (region.astype(np.float32) - ground.level) * 0.25 * (near > -1.0)
        shown = value + grain + (near <= -1.0) * (region % 5)
        _blend(region, np.asarray(shown, np.float32), np.asarray(alpha, np.float32))
    return margins["left"], margins["top"], margins["right"], margins["bottom"]


def _draw_hole(ground: Ground, x: float, y: float, radius: float, chamfer: float) -> None:
    """Draw a drilled, countersunk hole: dark bore, chamfer ring lit from one side."""
    reach = int(radius + chamfer + 4)
    h, w = ground.pixels.shape
    x0, x1 = max(int(x) - reach, 0), min(int(x) + reach + 1, w)
    y0, y1 = max(int(y) - reach, 0), min(int(y) + reach + 1, h)
    region = ground.pixels[y0:y1, x0:x1]
    yy, xx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    dx, dy = xx - x, yy - y
    r = np.hypot(dx, dy)
    lx, ly = np.cos(ground.light_angle), np.sin(ground.light_angle)
    towards = (dx * lx + dy * ly) / np.maximum(r, 1.0)
    ring = ground.level * (1.0 - 0.5 * towards) + 10.0  # the far wall faces the light
    bore = 16.0 + 20.0 * np.clip(-towards, 0, 1) * np.clip(r / radius, 0, 1) ** 3
    inside = np.clip(radius - r + 0.5, 0, 1)
    value = ring * (1 - inside) + bore * inside + (region % 4)
    alpha = np.clip(radius + chamfer - r + 0.5, 0, 1)
    _blend(region, np.asarray(value, np.float32), np.asarray(alpha, np.float32))


def _draw_holes(
    rng: np.random.Generator,
    ground: Ground,
    settings: SceneSettings,
    margins: tuple[int, int, int, int],
) -> tuple[tuple[float, float, float], ...]:
    """Drill none to four holes near the corners of the face."""
    if chance(rng, 0.4):
        return ()
    h, w = ground.pixels.shape
    largest = 0.055 * min(h, w)
    radius = float(min(rng.uniform(1.5, 4.5) * settings.px_per_mm, largest))
    chamfer = float(max(2.0, min(rng.uniform(0.2, 0.6) * settings.px_per_mm, 0.3 * radius)))
    inset = float(rng.uniform(1.6, 2.6) * (radius + chamfer))
    holes = []
    for right, low in ((0, 0), (1, 0), (0, 1), (1, 1)):
        if chance(rng, 0.75):
            x = w - margins[2] - inset if right else margins[0] + inset
            y = h - margins[3] - inset if low else margins[1] + inset
            x, y = x + float(rng.uniform(-2, 2)), y + float(rng.uniform(-2, 2))
            _draw_hole(ground, x, y, radius, chamfer)
            holes.append((x, y, radius + chamfer))
    return tuple(holes)


def _add_faint(region: NDArray[np.uint8], coverage: NDArray[np.uint8], contrast: float) -> None:
    """Add ``contrast`` grey levels times coverage (0..255) to a region, in place."""
    shift = coverage.astype(np.float32) * np.float32(contrast / 255.0)
    region[...] = np.clip(np.rint(region + shift), 0, 255).astype(np.uint8)


def _speck(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw the coverage of a grain of dust, one to five pixels across."""
    coverage = np.zeros((_DUST_PX, _DUST_PX), np.uint8)
    middle = _DUST_PX // 2
    axes = (max(int(rng.uniform(0.5, 2.6)), 1), max(int(rng.uniform(0.5, 2.0)), 1))
    cv2.ellipse(coverage, (middle, middle), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    return coverage


def _fibre(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw the coverage of a lint fibre: a bent hair shorter than the shortest crack."""
    coverage = np.zeros((_DUST_PX, _DUST_PX), np.uint8)
    t = np.linspace(0, 1, 9)[:, None]
    a, b, c = (rng.uniform(8, 40, 2) for _ in range(3))
    curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c
    points = np.rint(curve * 16).astype(np.int32)
    cv2.polylines(coverage, [points], isClosed=False, color=160, thickness=1, lineType=cv2.LINE_AA, shift=4)
    return coverage


def _draw_dust(rng: np.random.Generator, pixels: NDArray[np.uint8], noise_sd: float) -> None:
    """Strew small faint specks and fibres. They are no defects and never listed as such."""
    h, w = pixels.shape
    megapixels = h * w / 1e6
    kinds = ((_speck, rng.uniform(0.5, 4.0), (1.5, 4.0)), (_fibre, rng.uniform(0.0, 0.6), (1.2, 2.6)))
    for draw, per_mp, strengths in kinds:
        for _ in range(int(rng.poisson(per_mp * megapixels))):
            x, y = int(rng.integers(0, w - _DUST_PX)), int(rng.integers(0, h - _DUST_PX))
            coverage = draw(rng)
            sign = -1.0 if chance(rng, 0.6) else 1.0
            contrast = sign * float(rng.uniform(*strengths)) * noise_sd
            _add_faint(pixels[y : y + _DUST_PX, x : x + _DUST_PX], coverage, contrast)


def draw_features(rng: np.random.Generator, ground: Ground, settings: SceneSettings) -> Face:
    """Draw every ordinary feature on the ground, in place; return what is left free."""
    margins = _draw_edges(rng, ground, settings)
    holes = _draw_holes(rng, ground, settings, margins)
    h, w = ground.pixels.shape
    middle = ground.pixels[h // 2 - 64 : h // 2 + 64, w // 2 - 64 : w // 2 + 64]
    _draw_dust(rng, ground.pixels, texture_noise(middle))
    clear = 20
    return Face(
        left=margins[0] + clear,
        top=margins[1] + clear,
        right=w - margins[2] - clear,
        bottom=h - margins[3] - clear,
        holes=holes,
    )


def texture_noise(patch: NDArray[np.uint8]) -> float:
    """Standard deviation of a patch minus its blur (sigma 2 px), grey levels, at least 1."""
    soft = cv2.GaussianBlur(patch, (0, 0), 2.0)
    rough = cv2.subtract(patch, soft, dtype=cv2.CV_16S)
    return max(float(np.asarray(rough).std()), 1.0)
