"""Which part of a frame is judged: a region of interest, and masks that leave out what lies in them and nothing else.

Pixels are never painted over: a net would see the paint. A model that gives a map loses the cells that lie whole in a
mask before they are joined to defects, so that nothing in a mask can swallow a defect beside it; of a model that gives
boxes, those that lie whole in a mask are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, cos, radians, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.geometry import Polygon
from inspector.domain.recipe import Recipe
from inspector.ports.model import ModelCard, Tile, TileOutput

_CONTEXT_PX = 64
"""A net sees so far round what it judges."""
_MULTIPLE = 32
_MAPS = frozenset({"segmentation", "anomaly"})
_NO_LOGIT = -30.0
_INSET = 1e-6
_CORNERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The rectangle of the frame that a model is given, px."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What of one frame is judged. Outlines are in pixels of ``window``, or of the frame where that is None."""

    roi: Polygon | None = None
    masks: tuple[Polygon, ...] = ()
    window: Window | None = None

    @property
    def whole(self) -> bool:
        """Whether all of the frame is judged."""
        return self.roi is None and not self.masks

    def keeps(self, detection: Detection) -> bool:
        """Whether any of it is to be judged."""
        if self.roi is not None and not self.roi.touches(detection.box):
            return False
        return not any(mask.holds(detection.box) for mask in self.masks)

    def in_frame(self, detection: Detection) -> Detection:
        """A detection of the window, in pixels of the frame."""
        if self.window is None:
            return detection
        x, y = self.window.x, self.window.y
        box = replace(detection.box, x=detection.box.x + x, y=detection.box.y + y)
        outline = _shifted(detection.outline, x, y) if detection.outline is not None else None
        return replace(detection, box=box, outline=outline)


EVERYTHING = View()


def view_of(taught: Recipe, now: Recipe, height: int, width: int) -> View:
    """What of a frame of this size is judged. ``now``: the taught recipe, carried to where the part lies.

    The window has the same size wherever the part lies: a model is laid out once.
    """
    masks = tuple(mask.outline for mask in now.masks)
    if taught.roi is None or now.roi is None:
        return View(masks=masks)
    sides = window_sides(taught, height, width)
    bounds = now.roi.bounds
    left = _even(min(max(bounds.centre[0] - sides[1] / 2, 0), width - sides[1]))
    top = _even(min(max(bounds.centre[1] - sides[0] / 2, 0), height - sides[0]))
    return View(
        roi=_shifted(now.roi, -left, -top),
        masks=tuple(_shifted(mask, -left, -top) for mask in masks),
        window=Window(x=left, y=top, width=sides[1], height=sides[0]),
    )


def window_sides(taught: Recipe, height: int, width: int) -> tuple[int, int]:
    """Height and width of what a model is given of a frame of this size."""
    if taught.roi is None:
        return height, width
    bounds = taught.roi.bounds
    turn = radians(taught.fixture.angle_deg) if taught.fixture is not None else 0.0
    wide = bounds.width * cos(turn) + bounds.height * sin(turn) + 2 * _CONTEXT_PX
    high = bounds.height * cos(turn) + bounds.width * sin(turn) + 2 * _CONTEXT_PX
    return min(_rounded_up(high), height), min(_rounded_up(wide), width)


def blanked(outputs: Sequence[TileOutput], card: ModelCard, view: View) -> Sequence[TileOutput]:
    """The outputs, with nothing in the cells of a map that lie whole out of view."""
    if view.whole or card.task not in _MAPS:
        return outputs
    at = next(index for index, output in enumerate(card.outputs) if output.role != "score")
    nothing = _NO_LOGIT if card.task == "segmentation" and card.outputs[at].dtype != "uint8" else 0
    return [_blanked(output, at, card.outputs[at].stride, nothing, view) for output in outputs]


def _blanked(output: TileOutput, at: int, stride: int, nothing: float, view: View) -> TileOutput:
    whole = output.arrays[at]
    rows, columns = whole.shape[-2:]
    hidden = np.zeros((rows, columns), np.bool_)
    for mask in view.masks:
        hidden |= _corners_inside(mask, output.tile, stride, (rows, columns)) == _CORNERS
    if view.roi is not None:
        hidden |= _corners_inside(view.roi, output.tile, stride, (rows, columns)) == 0
    shown = whole.copy()
    shown[..., hidden] = nothing
    arrays = (*output.arrays[:at], shown, *output.arrays[at + 1 :])
    return TileOutput(tile=output.tile, arrays=arrays)


def _corners_inside(outline: Polygon, tile: Tile, stride: int, shape: tuple[int, int]) -> NDArray[np.int32]:
    """How many corners of each cell lie in the outline, 0 to 4; a corner on its edge counts for the cell inside."""
    origin, unit = tile.to_frame(np.array([[0.0, 0.0], [float(stride), float(stride)]]))
    corners = (np.array(outline.corners) - origin) / (unit - origin)
    count = np.zeros(shape, np.int32)
    for down in (_INSET, 1 - _INSET):
        for across in (_INSET, 1 - _INSET):
            count += _inside(corners, (across, down), shape)
    return count


def _inside(corners: NDArray[Any], point: tuple[float, float], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether this point (x, y) of each cell lies in the outline, by the even-odd rule, row by row. Unit: cells."""
    across, down = point
    rows, columns = shape
    changes = np.zeros((rows, columns + 1), np.int8)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        low, high = sorted((y1, y2))
        crossed = np.arange(max(ceil(low - down), 0), min(ceil(high - down), rows))
        if not len(crossed):
            continue
        x = x1 + (crossed + down - y1) * (x2 - x1) / (y2 - y1)
        changes[crossed, np.clip(np.ceil(x - across), 0, columns).astype(np.intp)] ^= 1
    inside: NDArray[np.bool_] = np.bitwise_xor.accumulate(changes[:, :-1], axis=1).astype(np.bool_)
    return inside


def _shifted(outline: Polygon, x: float, y: float) -> Polygon:
    return Polygon(corners=tuple((corner[0] + x, corner[1] + y) for corner in outline.corners))


def _even(value: float) -> int:
    """A mosaic keeps its phase."""
    return int(value) // 2 * 2


def _rounded_up(px: float) -> int:
    return ceil(px / _MULTIPLE) * _MULTIPLE
