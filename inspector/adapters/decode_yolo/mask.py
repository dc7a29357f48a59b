"""Masks of single things: made from prototypes, joined across tiles, measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, hypot, pi, sqrt
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.geometry import Polygon
from inspector.ports.model import Tile

_MARGIN_CELLS = 2
"""Prototype cells around a box that its bilinear edge needs."""
THIN = 4.0
"""From this length-to-width ratio on a mask is measured as a ribbon, else by the smallest rectangle around it."""
MOST_WINDING = 1.3
"""The longest way a ribbon takes, as a multiple of the diagonal it spans."""
_ALONG_PX = 0.75
"""How far the outline's corners may lie off the mask's edge."""
_CORNERS = 3
_MOST_CELLS = 1_000_000
"""Of one mask: a thing as large as the frame is measured on the input's pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """``cells``: 1 where the thing is; cell (0, 0) begins at frame pixel (x, y); a cell is 1/scale frame pixels."""

    cells: NDArray[np.uint8]
    x: float
    y: float
    scale_x: float
    scale_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Size in frame pixels, and the outline of the largest piece; None for a sliver."""

    length: float
    width: float
    area: float
    outline: Polygon | None


def cut_mask(prototypes: NDArray[Any], coefficients: NDArray[Any], box: NDArray[np.float64], tile: Tile) -> Mask:
    """Prototypes x coefficients, enlarged to the input's pixels, inside the box (frame pixels)."""
    _, rows, columns = prototypes.shape
    zoom = _zoom(box, tile)
    step_x, step_y = tile.width / columns * zoom, tile.height / rows * zoom
    left, right = (((box[0::2] - tile.x) * tile.scale_x + tile.pad_x) * zoom).tolist()
    top, bottom = (((box[1::2] - tile.y) * tile.scale_y + tile.pad_y) * zoom).tolist()
    first_x, last_x = _span(left / step_x, right / step_x, columns)
    first_y, last_y = _span(top / step_y, bottom / step_y, rows)
    window = prototypes[:, first_y:last_y, first_x:last_x].astype(np.float32)
    logits = np.tensordot(coefficients.astype(np.float32), window, axes=1)
    sides = round((last_x - first_x) * step_x), round((last_y - first_y) * step_y)
    cells = (cv2.resize(logits, sides, interpolation=cv2.INTER_LINEAR) > 0).astype(np.uint8)
    across, down = np.arange(sides[0]) + first_x * step_x, np.arange(sides[1]) + first_y * step_y
    cells[:, (across < left) | (across >= right)] = 0
    cells[(down < top) | (down >= bottom)] = 0
    corner = tile.to_frame(np.array([first_x * step_x, first_y * step_y]) / zoom)
    return Mask(
        cells=cells,
        x=float(corner[0]),
        y=float(corner[1]),
        scale_x=tile.scale_x * zoom,
        scale_y=tile.scale_y * zoom,
    )


def _zoom(box: NDArray[np.float64], tile: Tile) -> int:
    """How many cells an input pixel is cut into, so that a shrunk frame's thing is measured on the frame's pixels."""
    zoom = ceil(round(max(1 / tile.scale_x, 1 / tile.scale_y, 1.0), 3))
    inside = (box[2] - box[0]) * tile.scale_x * (box[3] - box[1]) * tile.scale_y
    return max(min(zoom, int(sqrt(_MOST_CELLS / max(inside, 1.0)))), 1)


def joined(masks: Sequence[Mask]) -> Mask:
    """Masks from several tiles as one; tiles are cut in the frame's own pixels."""
    x, y = min(mask.x for mask in masks), min(mask.y for mask in masks)
    right = max(mask.x + mask.cells.shape[1] for mask in masks)
    bottom = max(mask.y + mask.cells.shape[0] for mask in masks)
    cells = np.zeros((round(bottom - y), round(right - x)), np.uint8)
    for mask in masks:
        top, left = round(mask.y - y), round(mask.x - x)
        high, wide = mask.cells.shape
        cells[top : top + high, left : left + wide] |= mask.cells
    return Mask(cells=cells, x=x, y=y, scale_x=1.0, scale_y=1.0)


def measured(mask: Mask) -> Shape | None:
    """Its size and outline; None for an empty mask."""
    contours, _ = cv2.findContours(mask.cells, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    largest = max(contours, key=len)
    # A contour runs through the centres of cells; in frame pixels it stands half a cell inside of the true edge.
    centres = (largest[:, 0, :].astype(np.float64) + 0.5) / (mask.scale_x, mask.scale_y) + (mask.x, mask.y)
    cell = sqrt(mask.scale_x * mask.scale_y)
    area = float(np.count_nonzero(mask.cells)) / (mask.scale_x * mask.scale_y)
    points = centres.astype(np.float32)
    length, width = _sides(points, area, 1.0 / cell)
    return Shape(length=length, width=width, area=area, outline=_outline(points, 1.0 / cell))


def _sides(points: NDArray[np.float32], area: float, cell: float) -> tuple[float, float]:
    """Length and width: of a ribbon A = L w and P = 2 (L + w), else of the smallest rectangle around."""
    half = (cv2.arcLength(points, closed=True) + pi * cell) / 2
    ribbon = (half + sqrt(max(half * half - 4 * area, 0.0))) / 2
    span = hypot(*(np.ptp(points, axis=0) + cell).tolist())
    if ribbon > 0 and ribbon >= THIN * area / ribbon and ribbon <= MOST_WINDING * span:
        return ribbon, area / ribbon
    (_, (a, b), _) = cv2.minAreaRect(points)
    return max(a, b) + cell, min(a, b) + cell


def _outline(points: NDArray[np.float32], cell: float) -> Polygon | None:
    corners = cast("NDArray[np.float32]", cv2.approxPolyDP(points, _ALONG_PX * cell, closed=True))
    if len(corners) < _CORNERS:
        return None
    return Polygon(corners=tuple((float(x), float(y)) for x, y in corners[:, 0, :]))


def _span(low: float, high: float, count: int) -> tuple[int, int]:
    """First and last + 1 of the cells that a range needs, with a margin."""
    first = min(max(int(low) - _MARGIN_CELLS, 0), count - 1)
    return first, max(min(int(high) + 1 + _MARGIN_CELLS, count), first + 1)
