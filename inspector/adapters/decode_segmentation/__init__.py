"""Reads a class map at a coarse stride: cells become components, components become detections."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import log
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.adapters.decode_segmentation.measure import Size, measure, warm_up
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box
from inspector.ports.model import ModelCard, TileOutput
from inspector.ports.plugin import Context, Plugin

_MARGIN_CELLS = 3
"""How much of the surroundings the measuring sees."""


class SegmentationSettings(BaseModel):
    """How a class map is read. No threshold here decides a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_candidates: int = Field(
        default=400, ge=1, le=5000, description="more components than this: the scene is torn or covered, UNDECIDED"
    )
    join_cells: int = Field(default=1, ge=0, le=4, description="gaps up to twice this many cells do not split a defect")


class SegmentationDecoder:
    """Class map (1, classes, height/stride, width/stride) of quantised logits -> detections."""

    def __init__(self, settings: SegmentationSettings, card: ModelCard) -> None:
        self._settings = settings
        self._card = card
        self._stride = card.output.stride
        values = (np.arange(256, dtype=np.float64) - card.output.zero_point) * card.output.scale
        self._probability = (1.0 / (1.0 + np.exp(-values))).astype(np.float32)
        floor = card.candidate_score
        self._floor_logit = log(floor / (1.0 - floor))
        self._quantised = card.output.dtype == "uint8"

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Paste the tiles' maps together, find components, measure each on ``pixels``."""
        height, width = pixels.shape[:2]
        maps = self._paste(outputs, height, width)
        strongest = maps.max(axis=0)
        fired = (strongest >= self._floor_value()).astype(np.uint8)
        if not fired.any():
            return ()
        joined = fired
        if self._settings.join_cells:
            side = 2 * self._settings.join_cells + 1
            joined = cast("NDArray[np.uint8]", cv2.dilate(fired, np.ones((side, side), np.uint8)))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        if count - 1 > self._settings.max_candidates:
            raise FrameError(
                f"too many candidates: {count - 1} components, more than {self._settings.max_candidates}; "
                "the scene is torn, noisy or covered"
            )
        image = cast("NDArray[np.uint8]", pixels)
        found = (self._detection(maps, fired, labels, stats[index], index, image) for index in range(1, count))
        return tuple(sorted(found, key=lambda detection: detection.score, reverse=True))

    def _floor_value(self) -> float:
        if not self._quantised:
            return self._floor_logit
        return self._floor_logit / self._card.output.scale + self._card.output.zero_point

    def _paste(self, outputs: Sequence[TileOutput], height: int, width: int) -> NDArray[Any]:
        """One map of the whole frame: every tile gives the cells of its keep."""
        stride = self._stride
        rows, columns = -(-height // stride), -(-width // stride)
        first = outputs[0].arrays[0]
        whole = np.empty((len(self._card.labels), rows, columns), first.dtype)
        for output in outputs:
            self._check(output)
            keep, tile = output.tile.keep, output.tile
            top, left = int(keep.y) // stride, int(keep.x) // stride
            bottom, right = -(-int(keep.bottom) // stride), -(-int(keep.right) // stride)
            row, column = (int(keep.y) - tile.y) // stride, (int(keep.x) - tile.x) // stride
            whole[:, top:bottom, left:right] = output.arrays[0][
                0, :, row : row + bottom - top, column : column + right - left
            ]
        return whole

    def _check(self, output: TileOutput) -> None:
        wanted = (1, len(self._card.labels), output.tile.height // self._stride, output.tile.width // self._stride)
        given = output.arrays[0].shape
        if given != wanted:
            raise ConfigError(
                f"{self._card.path}: does not match its card: {len(self._card.labels)} labels at output.stride = "
                f"{self._stride} make a map of {wanted}, but the graph gives {given}"
            )

    def _detection(
        self,
        maps: NDArray[Any],
        fired: NDArray[np.uint8],
        labels: NDArray[np.int32],
        stats: NDArray[np.int32],
        index: int,
        image: NDArray[np.uint8],
    ) -> Detection:
        x, y, w, h = (int(v) for v in stats[:4])
        window = (slice(y, y + h), slice(x, x + w))
        own = (labels[window] == index) & (fired[window] > 0)
        scores = self._scores(maps[:, window[0], window[1]][:, own])
        channel = int(scores.sum(axis=1).argmax())
        rows, columns = np.nonzero(own)
        box = self._box(x + columns.min(), y + rows.min(), x + columns.max() + 1, y + rows.max() + 1, image)
        size = self._measure(own, x, y, image) or self._size_of_cells(own)
        return Detection(
            label=self._card.labels[channel],
            score=float(scores[channel].max()),
            box=box,
            length_px=max(size.length - self._card.length_bias_px * size.thin, 0.0),
            width_px=max(size.width - self._card.width_bias_px * size.thin, 0.0),
            area_px=size.area,
        )

    def _scores(self, logits: NDArray[Any]) -> NDArray[np.float32]:
        if self._quantised:
            return cast("NDArray[np.float32]", self._probability[logits])
        return cast("NDArray[np.float32]", (1.0 / (1.0 + np.exp(-logits))).astype(np.float32))

    def _box(self, left: int, top: int, right: int, bottom: int, image: NDArray[np.uint8]) -> Box:
        """Cells to pixels, clipped to the frame."""
        height, width = image.shape
        x, y = int(left) * self._stride, int(top) * self._stride
        return Box(
            x=x,
            y=y,
            width=min(int(right) * self._stride, width) - x,
            height=min(int(bottom) * self._stride, height) - y,
        )

    def _measure(self, own: NDArray[np.bool_], x: int, y: int, image: NDArray[np.uint8]) -> Size | None:
        """Cut the patch with its surroundings and measure it."""
        stride, margin = self._stride, _MARGIN_CELLS
        padded = np.pad(own.astype(np.uint8), margin)
        padded = cast("NDArray[np.uint8]", cv2.dilate(padded, np.ones((3, 3), np.uint8)))
        cells = np.kron(padded, np.ones((stride, stride), np.uint8))
        top, left = (y - margin) * stride, (x - margin) * stride
        cut_top, cut_left = max(-top, 0), max(-left, 0)
        patch = image[top + cut_top : top + cells.shape[0], left + cut_left : left + cells.shape[1]]
        cells = cells[cut_top : cut_top + patch.shape[0], cut_left : cut_left + patch.shape[1]]
        return measure(patch, cells)

    def _size_of_cells(self, own: NDArray[np.bool_]) -> Size:
        """Where nothing stands out of the texture: the component's own cells, an upper bound."""
        rows, columns = np.nonzero(own)
        sides = (np.ptp(rows) + 1.0, np.ptp(columns) + 1.0)
        stride = float(self._stride)
        return Size(
            length=float(max(sides)) * stride, width=float(min(sides)) * stride, area=float(own.sum()) * stride * stride
        )


@contextmanager
def open_segmentation(
    settings: SegmentationSettings, context: Context, card: ModelCard
) -> Iterator[SegmentationDecoder]:
    """A decoder for this card's class map, its measuring warmed up."""
    del context
    warm_up()
    yield SegmentationDecoder(settings, card)


PLUGIN = Plugin(settings_model=SegmentationSettings, open=open_segmentation)
