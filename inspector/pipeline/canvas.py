"""A frame's buffer with room around it: its edges are continued there, so that a net reads the frame where it lies."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from inspector.domain.frame import Pixels
from inspector.pipeline import tiling
from inspector.ports.model import ModelCard, Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Room around a frame, px."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0


class Canvas:
    """``whole``: the buffer, room included; ``frame``: the view of it that a camera writes into."""

    __slots__ = ("_margins", "frame", "whole")

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[np.uint8] | np.dtype[np.uint16], margins: Margins
    ) -> None:
        self._margins = margins
        height, width, *deep = shape
        sides = (height + margins.top + margins.bottom, width + margins.left + margins.right)
        self.whole: Pixels = np.empty((*sides, *deep), dtype)
        self.whole.fill(0)  # touch every page now, not in the first frame
        self.frame: Pixels = self.whole[margins.top : margins.top + height, margins.left : margins.left + width]

    def holds(self, pixels: Pixels, tiles: Iterable[Tile]) -> bool:
        """Whether these pixels are this canvas's frame, and every tile lies on the canvas as wide as it is."""
        same = pixels.shape == self.frame.shape and pixels.ctypes.data == self.frame.ctypes.data
        return same and all(self._has(tile) for tile in tiles)

    def _has(self, tile: Tile) -> bool:
        top = self._margins.top + tile.y
        return (
            self._margins.left + tile.x == 0
            and tile.width == self.whole.shape[1]
            and 0 <= top <= self.whole.shape[0] - tile.height
        )

    def continue_edges(self) -> None:
        """Repeat the frame's edge in the room around it, as ``preprocess.fill`` does."""
        whole, margins = self.whole, self._margins
        bottom, right = whole.shape[0] - margins.bottom, whole.shape[1] - margins.right
        rows = slice(margins.top, bottom)
        whole[rows, : margins.left] = whole[rows, margins.left : margins.left + 1]
        whole[rows, right:] = whole[rows, right - 1 : right]
        whole[: margins.top] = whole[margins.top]
        whole[bottom:] = whole[bottom - 1]

    def tensor(self, tile: Tile) -> NDArray[np.uint8]:
        """The tile as (1, 1, height, width): a view."""
        top = self._margins.top + tile.y
        return cast("NDArray[np.uint8]", self.whole[top : top + tile.height])[None, None]


def reads_in_place(card: ModelCard) -> bool:
    """Whether a model takes the camera's own bytes, in the frame's own pixels: then it can read them where they lie."""
    return card.input.plain and card.input.layout == "NCHW" and card.frame.native and card.frame.pad < 0


def margins_for(card: ModelCard, height: int, width: int, *, strip_px: int = 0) -> Margins:
    """The room that this model wants around a frame of this size; none where it cannot read the frame where it lies."""
    if not reads_in_place(card):
        return Margins()
    tiles = tiling.plan(height, width, card, strip_px=strip_px)
    return Margins(
        top=max(-tile.y for tile in tiles),
        left=max(-tile.x for tile in tiles),
        bottom=max(tile.y + tile.height for tile in tiles) - height,
        right=max(tile.x + tile.width for tile in tiles) - width,
    )
