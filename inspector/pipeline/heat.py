"""What a model saw of a frame as a small picture of scores, made only after the gate was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from inspector.pipeline.view import Window
from inspector.ports.model import HeatReader, TileOutput

MOST_CELLS = 512
"""Sides of the picture at most: some tens of kilobytes on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatSource:
    """A model's outputs as they are, not copied: they live no longer than the frame they are of.

    ``window``: what of the frame the model was given; None: all of it. ``height``, ``width``: of the frame, px.
    """

    reader: HeatReader
    outputs: Sequence[TileOutput]
    window: Window | None
    height: int
    width: int

    def picture(self) -> NDArray[np.uint8]:
        """Scores over the whole frame, 255 for 1; (rows, columns), stretched to it; 0 where nothing was looked at."""
        window = self.window or Window(x=0, y=0, width=self.width, height=self.height)
        cells = self.reader.heat(self.outputs, window.height, window.width)
        cell = max(window.width / cells.shape[1], window.height / cells.shape[0])
        step = max(cell, self.width / MOST_CELLS, self.height / MOST_CELLS)
        if self.window is None and step == cell:
            return cells
        whole = np.zeros((ceil(self.height / step), ceil(self.width / step)), np.uint8)
        top, left = int(window.y / step), int(window.x / step)
        bottom, right = ceil((window.y + window.height) / step), ceil((window.x + window.width) / step)
        shown = _fitted(cells, bottom - top, right - left)
        whole[top:bottom, left:right] = shown[: whole.shape[0] - top, : whole.shape[1] - left]
        return whole


def _fitted(cells: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """So many cells, each as hot as the hottest of those that it stands for."""
    for axis, count in ((0, rows), (1, columns)):
        cells = np.maximum.reduceat(cells, np.arange(count) * cells.shape[axis] // count, axis=axis)
    return cells
