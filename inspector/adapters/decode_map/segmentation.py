"""Reads a class map at a coarse stride: cells become components, components become detections."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import log
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.adapters.decode_map import components
from inspector.adapters.decode_map.components import Components
from inspector.adapters.decode_map.measure import Size, measure, warm_up
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box
from inspector.ports.model import ModelCard, TileOutput
from inspector.ports.plugin import Context, Plugin

_MARGIN_CELLS = 3
"""How much of the surroundings the measuring sees."""
MEASURED_PX = 4_000_000
"""Pixels that are measured in one frame at most, small components first; what is beyond has the size of its cells.

A component across the whole frame costs a second to measure, and there may be fifty of them, side by side aslant.
"""


_NEIGHBOURS = np.ones((3, 3), np.uint8)


class SegmentationSettings(BaseModel):
    """How a class map is read. No threshold here decides a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_candidates: int = Field(
        default=400,
        ge=1,
        le=components.MOST,
        description="more components than this: the scene is torn or covered, UNDECIDED",
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
        if not self._quantised and not np.isfinite(strongest).all():
            raise FrameError("the class map holds numbers that are none (NaN or infinite)")
        found = components.find(
            strongest >= self._floor_value(),
            join_cells=self._settings.join_cells,
            most=self._settings.max_candidates,
        )
        if found is None:
            return ()
        scores = self._scores(maps[:, found.rows, found.columns])
        channels = found.sums(scores).argmax(axis=0)
        best = found.highest(scores)
        image = cast("NDArray[np.uint8]", pixels)
        sizes = self._sizes(found, image)
        boxes = [self._box(left, top, right, bottom, image) for left, top, right, bottom in found.boxes().tolist()]
        seen = [
            self._detection(int(channels[index]), float(best[channels[index], index]), boxes[index], sizes[index])
            for index in range(len(found))
        ]
        return tuple(sorted(seen, key=lambda detection: detection.score, reverse=True))

    def heat(self, outputs: Sequence[TileOutput], height: int, width: int) -> NDArray[np.uint8]:
        """The strongest class's score of each cell. See ``HeatReader``."""
        scores = self._scores(self._paste(outputs, height, width).max(axis=0))
        return np.rint(scores * 255).astype(np.uint8)

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

    def _detection(self, channel: int, score: float, box: Box, size: Size) -> Detection:
        return Detection(
            label=self._card.labels[channel],
            score=score,
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
        x, y = left * self._stride, top * self._stride
        return Box(
            x=x,
            y=y,
            width=min(right * self._stride, width) - x,
            height=min(bottom * self._stride, height) - y,
        )

    def _sizes(self, found: Components, image: NDArray[np.uint8]) -> list[Size]:
        """The size of each component: measured on the frame's pixels as long as there are not too many of them."""
        sides = found.windows[:, 2:].astype(np.int64) + 2 * _MARGIN_CELLS
        patches = sides.prod(axis=1) * self._stride**2
        order = np.argsort(patches, kind="stable")
        measured = set(order[patches[order].cumsum() <= MEASURED_PX].tolist())
        sizes = []
        for index in range(len(found)):
            rows, columns = found.cells(index)
            size = self._measure(found.windows[index], rows, columns, image) if index in measured else None
            sizes.append(size or self._size_of_cells(rows, columns))
        return sizes

    def _measure(
        self, window: NDArray[np.int32], rows: NDArray[np.intp], columns: NDArray[np.intp], image: NDArray[np.uint8]
    ) -> Size | None:
        """Cut the patch with its surroundings and measure it."""
        stride, margin = self._stride, _MARGIN_CELLS
        x, y, wide, high = (int(edge) for edge in window)
        own = np.zeros((high + 2 * margin, wide + 2 * margin), np.uint8)
        own[rows - y + margin, columns - x + margin] = 1
        around = cv2.dilate(own, _NEIGHBOURS)
        sides = (own.shape[1] * stride, own.shape[0] * stride)
        cells = cast("NDArray[np.uint8]", cv2.resize(around, sides, interpolation=cv2.INTER_NEAREST))
        top, left = (y - margin) * stride, (x - margin) * stride
        cut_top, cut_left = max(-top, 0), max(-left, 0)
        patch = image[top + cut_top : top + cells.shape[0], left + cut_left : left + cells.shape[1]]
        cells = cells[cut_top : cut_top + patch.shape[0], cut_left : cut_left + patch.shape[1]]
        return measure(patch, cells)

    def _size_of_cells(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Size:
        """Where nothing stands out of the texture, or too much does: the component's own cells, an upper bound."""
        sides = (np.ptp(rows) + 1.0, np.ptp(columns) + 1.0)
        (_, across, _) = cv2.minAreaRect(np.stack([columns, rows], axis=1).astype(np.float32))
        stride = float(self._stride)
        return Size(
            length=float(max(*sides, max(across) + 1.0)) * stride,
            width=float(min(sides)) * stride,
            area=float(len(rows)) * stride * stride,
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
