"""Make the sound ground of a part: metal texture, uneven light, sensor noise."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes.scene import SceneSettings

TEXTURES = ("brushed", "cast", "painted")
_STRIP_ROWS = 128  # float work stays in the cache
_MIDDLE = 127.5
_UNIFORM_SD = 73.9  # of a random byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A face without features or defects, and the light it was seen under."""

    pixels: NDArray[np.uint8]
    texture: str
    light_angle: float
    """Direction towards the light in the image plane, radians, y down."""
    level: float
    """Mean grey level of the face."""
    grain_angle: float | None
    """Direction of the brushing, radians; None where the texture has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Directions a texture depends on."""

    light_angle: float
    across: bool
    """The brushing runs down the frame, not along it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A random field and the weight that brings it to the wanted standard deviation."""

    field: NDArray[np.uint8]
    weight: float


def chance(rng: np.random.Generator, share: float) -> bool:
    """Draw a yes with probability ``share``."""
    return bool(rng.random() < share)


def _noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Return independent uniform bytes, (height, width)."""
    return np.frombuffer(rng.bytes(height * width), np.uint8).reshape(height, width)


def _layer(field: NDArray[np.uint8], sd: float) -> _Layer:
    """Weigh a field to ``sd`` grey levels, measured on a sample of it."""
    sample = field[::7, ::5]
    return _Layer(field=field, weight=sd / max(float(sample.std()), 0.5))


def _emboss(height_map: NDArray[np.uint8], step: int, angle: float) -> NDArray[np.uint8]:
    """Light a height map from ``angle``: the difference across ``step`` pixels, around 128."""
    dx, dy = round(step * np.cos(angle)), round(step * np.sin(angle))
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    h, w = height_map.shape
    moved = cv2.warpAffine(height_map, shift, (w, h), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.addWeighted(height_map, 2.0, moved, -2.0, 128.0), np.uint8)


def _coarse(rng: np.random.Generator, height: int, width: int, *, shrink: int, sigma: float) -> NDArray[np.uint8]:
    """Return a smooth random field whose grain is about ``shrink * sigma`` pixels."""
    small = _noise(rng, height // shrink + 2, width // shrink + 2)
    soft = cv2.GaussianBlur(small, (0, 0), sigma)
    gain = 0.5 * 2.0 * sigma * np.sqrt(np.pi)  # back to about half of a byte's spread
    wide = cv2.addWeighted(soft, gain, soft, 0.0, _MIDDLE * (1.0 - gain))
    return np.asarray(cv2.resize(wide, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _brushed(rng: np.random.Generator, grain: NDArray[np.uint8], look: _Look) -> list[_Layer]:
    """Streaks of several lengths along one axis, as a brushing or grinding belt leaves them."""
    across = look.across
    layers = []
    long_px, short_px = int(rng.integers(160, 420)), int(rng.integers(24, 64))
    for length, sd in ((long_px, rng.uniform(1.6, 3.0)), (short_px, rng.uniform(0.9, 2.0))):
        kernel = (1, length) if across else (length, 1)
        layers.append(_layer(np.asarray(cv2.blur(grain, kernel), np.uint8), sd))
    h, w = grain.shape
    lines = np.asarray(rng.normal(0.0, 1.0, (1, w if across else h)), np.float32)
    bands = cv2.GaussianBlur(lines, (0, 0), 9.0) * 6.0 + lines * 0.35
    column = np.clip(bands * 24.0 + _MIDDLE, 0, 255).astype(np.uint8)
    field = np.broadcast_to(column if across else column.T, (h, w))
    layers.append(_layer(field, rng.uniform(0.7, 1.6)))
    return layers


def _cast(rng: np.random.Generator, grain: NDArray[np.uint8], look: _Look) -> list[_Layer]:
    """Bumps of two sizes under slanting light, as a sand mould or shot blasting leaves them."""
    h, w = grain.shape
    fine = np.asarray(cv2.GaussianBlur(grain, (7, 7), rng.uniform(1.3, 2.0)), np.uint8)
    bumps = _coarse(rng, h, w, shrink=4, sigma=rng.uniform(1.2, 2.2))
    patches = _coarse(rng, h, w, shrink=16, sigma=rng.uniform(2.0, 4.0))
    return [
        _layer(_emboss(fine, 2, look.light_angle), rng.uniform(2.0, 3.6)),
        _layer(_emboss(bumps, 6, look.light_angle), rng.uniform(1.6, 3.2)),
        _layer(patches, rng.uniform(0.6, 1.6)),
    ]


def _painted(rng: np.random.Generator, grain: NDArray[np.uint8], look: _Look) -> list[_Layer]:
    """Orange peel and fine pigment, as spray paint leaves them."""
    h, w = grain.shape
    peel = _coarse(rng, h, w, shrink=4, sigma=rng.uniform(1.8, 3.2))
    pigment = np.asarray(cv2.blur(grain, (2, 2)), np.uint8)
    return [
        _layer(_emboss(peel, 7, look.light_angle), rng.uniform(0.8, 1.9)),
        _layer(pigment, rng.uniform(0.6, 1.2)),
    ]


_MAKERS: dict[str, Callable[[np.random.Generator, NDArray[np.uint8], _Look], list[_Layer]]] = {
    "brushed": _brushed,
    "cast": _cast,
    "painted": _painted,
}
_LEVELS = {"brushed": (105.0, 165.0), "cast": (80.0, 130.0), "painted": (95.0, 180.0)}


def _light(rng: np.random.Generator, settings: SceneSettings, level: float, light_angle: float) -> NDArray[np.float32]:
    """Return the mean grey of every pixel: vignette, a gradient towards the light, a faint cloud."""
    rows, columns = 24, 32
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
    vignette = -rng.uniform(0.03, 0.12) * (x * x + y * y)
    slope = rng.uniform(0.0, 0.09) * (x * np.cos(light_angle) + y * np.sin(light_angle))
    cloud = cv2.GaussianBlur(rng.normal(0, 1, (rows, columns)).astype(np.float32), (0, 0), 5.0)
    field = level * (1.0 + vignette + slope + rng.uniform(0.0, 0.25) * cloud)
    size = (settings.width, settings.height)
    wide = cv2.resize(field.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32)


def make_ground(rng: np.random.Generator, settings: SceneSettings) -> Ground:
    """Render a sound face of ``settings.height`` x ``settings.width`` pixels."""
    texture = TEXTURES[int(rng.integers(len(TEXTURES)))]
    light_angle = float(np.deg2rad(-135.0 + rng.uniform(-40.0, 40.0)))
    level = float(rng.uniform(*_LEVELS[texture]))
    look = _Look(light_angle=light_angle, across=chance(rng, 0.25))
    h, w = settings.height, settings.width
    grain = _noise(rng, h, w)
    layers = _MAKERS[texture](rng, grain, look)
    sensor = np.roll(grain.reshape(-1), int(rng.integers(w, w * h // 2))).reshape(h, w)
    layers.append(_Layer(field=sensor, weight=float(rng.uniform(0.7, 1.4)) / _UNIFORM_SD))
    light = _light(rng, settings, level, light_angle)
    pixels = np.empty((h, w), np.uint8)
    offset = sum(layer.weight for layer in layers) * _MIDDLE
    for top in range(0, h, _STRIP_ROWS):
        rows = slice(top, min(top + _STRIP_ROWS, h))
        strip = light[rows] - np.float32(offset)
        for layer in layers:
            field = np.ascontiguousarray(layer.field[rows])
            mixed = cv2.addWeighted(strip, 1.0, field, layer.weight, 0.0, dtype=cv2.CV_32F)
            strip = np.asarray(mixed, np.float32)
        pixels[rows] = cv2.convertScaleAbs(np.maximum(strip, 0.0))
    brushed_along = np.pi / 2 if look.across else 0.0
    return Ground(
        pixels=pixels,
        texture=texture,
        light_angle=light_angle,
        level=level,
        grain_angle=brushed_along if texture == "brushed" else None,
    )
