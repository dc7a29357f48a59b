"""Place shaped defects on the free face of a part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes import shapes
from inspector.twin.scenes.features import Face, texture_noise
from inspector.twin.scenes.ground import Ground, chance
from inspector.twin.scenes.scene import DEFECT_LABELS, SceneSettings, TrueDefect
from inspector.twin.scenes.shapes import Shape

_LEAST_CONTRAST = {"crack": 20.0, "scratch": 18.0, "dent": 12.0, "stain": 10.0}
_MOST_FACTOR = {"crack": 2.4, "scratch": 2.4, "dent": 2.2, "stain": 1.8}
_APART_PX = 24
_FULL_COVER_PX = 2.0  # a thinner stroke covers its pixels only in part
_BLACKEST, _WHITEST = 10.0, 245.0
_TRIES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Painted:
    """A painted defect and where its class-mask footprint lies."""

    truth: TrueDefect
    rows: slice
    columns: slice
    footprint: NDArray[np.bool_]


def _shape(rng: np.random.Generator, label: str, ground: Ground, longest: float) -> Shape:
    """Shape one defect of the wanted kind, no longer than ``longest`` px."""
    if label == "crack":
        return shapes.crack(rng, longest)
    if label == "scratch":
        return shapes.scratch(rng, longest, ground.grain_angle)
    if label == "dent":
        return shapes.dent(rng, longest, ground.light_angle)
    return shapes.stain(rng, longest)


def _contrast(rng: np.random.Generator, shape: Shape, patch: NDArray[np.uint8], least_sigma: float) -> float:
    """Choose a signed contrast, grey levels, that the ground leaves room for."""
    least = max(least_sigma * texture_noise(patch), _LEAST_CONTRAST[shape.label])
    if shape.label == "stain":
        least /= 0.85  # its coverage is mottled, so the mean of its core is lower
    if shape.label in ("crack", "scratch") and shape.width_px < _FULL_COVER_PX:
        least *= float(np.sqrt(_FULL_COVER_PX / shape.width_px))
    wanted = least * float(rng.uniform(1.0, _MOST_FACTOR[shape.label]))
    bright_share = {"crack": 0.0, "scratch": 0.6, "dent": 0.0, "stain": 0.2}[shape.label]
    mean = float(patch.mean())
    if chance(rng, bright_share) and mean + least < _WHITEST:
        return min(wanted, _WHITEST - mean)
    return -min(wanted, max(mean - _BLACKEST, least))


def _paint(pixels: NDArray[np.uint8], shape: Shape, left: int, top: int, contrast: float) -> _Painted | None:
    """Add a shape to the pixels in place; None if it changed nothing (its ground was saturated)."""
    h, w = shape.coverage.shape
    region = pixels[top : top + h, left : left + w]
    sign = abs(contrast) if shape.label == "dent" else contrast
    shown = np.clip(np.rint(region + shape.coverage * np.float32(sign)), 0, 255).astype(np.uint8)
    changed = shown != region
    if not changed.any():
        return None
    region[...] = shown
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if shape.label == "dent":
        pole = shape.coverage.reshape(-1)[int(np.argmax(np.abs(shape.coverage)))]
        contrast = float(pole) * abs(contrast)
    truth = TrueDefect(
        label=shape.label,
        x=float(left + columns[0]),
        y=float(top + rows[0]),
        width=float(columns[-1] - columns[0] + 1),
        height=float(rows[-1] - rows[0] + 1),
        length_px=shape.length_px,
        width_px=shape.width_px,
        area_px=shape.area_px,
        contrast=contrast,
    )
    return _Painted(
        truth=truth,
        rows=slice(top, top + h),
        columns=slice(left, left + w),
        footprint=shape.footprint,
    )


def _place(rng: np.random.Generator, face: Face, shape: Shape, others: list[_Painted]) -> tuple[int, int] | None:
    """Find a free top-left corner for a shape, apart from the other defects; None if there is none."""
    h, w = shape.coverage.shape
    if face.right - face.left <= w or face.bottom - face.top <= h:
        return None
    left = int(rng.integers(face.left, face.right - w))
    top = int(rng.integers(face.top, face.bottom - h))
    if not face.is_free(left, top, left + w, top + h):
        return None
    for other in others:
        apart = (
            left > other.columns.stop + _APART_PX
            or left + w + _APART_PX < other.columns.start
            or top > other.rows.stop + _APART_PX
            or top + h + _APART_PX < other.rows.start
        )
        if not apart:
            return None
    return left, top


def _labels(rng: np.random.Generator) -> list[str]:
    """Choose one to three labels, of one class mostly, as one fault of a process makes them."""
    first = DEFECT_LABELS[int(rng.integers(len(DEFECT_LABELS)))]
    labels = [first]
    for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.25, 0.15]))):
        same = chance(rng, 0.8)
        labels.append(first if same else DEFECT_LABELS[int(rng.integers(len(DEFECT_LABELS)))])
    return labels


def paint_defects(
    rng: np.random.Generator,
    ground: Ground,
    face: Face,
    settings: SceneSettings,
    mask: NDArray[np.uint8] | None,
) -> tuple[TrueDefect, ...]:
    """Paint this part's defects, if it has any, in place; fill ``mask`` where one is given."""
    if rng.random() >= settings.defect_rate:
        return ()
    painted: list[_Painted] = []
    for label in _labels(rng):
        _add(painted, ground, face, settings, rng, partial(_shape, rng, label, ground))
    if mask is not None:
        for defect in painted:
            region = mask[defect.rows, defect.columns]
            region[defect.footprint] = DEFECT_LABELS.index(defect.truth.label) + 1
    return tuple(defect.truth for defect in painted)


def paint_cracks(
    rng: np.random.Generator, ground: Ground, face: Face, settings: SceneSettings, widths_px: Sequence[float]
) -> tuple[TrueDefect, ...]:
    """Paint one crack of each width in place, where there is room for it."""
    painted: list[_Painted] = []
    for width in widths_px:
        _add(painted, ground, face, settings, rng, partial(shapes.crack, rng, width_px=width))
    return tuple(defect.truth for defect in painted)


def _add(
    painted: list[_Painted],
    ground: Ground,
    face: Face,
    settings: SceneSettings,
    rng: np.random.Generator,
    shaped: Callable[[float], Shape],
) -> None:
    """Paint one defect where there is room for it; ``shaped`` makes one no longer than so many px."""
    longest = 0.6 * min(face.right - face.left, face.bottom - face.top)
    for _ in range(_TRIES):
        shape = shaped(longest)
        corner = _place(rng, face, shape, painted)
        longest *= 0.97
        if corner is None:
            continue
        left, top = corner
        h, w = shape.coverage.shape
        patch = ground.pixels[top : top + h, left : left + w]
        contrast = _contrast(rng, shape, patch, settings.min_contrast_sigma)
        defect = _paint(ground.pixels, shape, left, top, contrast)
        if defect is not None:
            painted.append(defect)
            return
