"""Reads an anomaly map: cells above the floor become components, components become detections."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from typing import Annotated, Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.adapters.decode_map import components
from inspector.adapters.decode_map.components import Components
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box
from inspector.ports.model import ModelCard, Tile, TileOutput
from inspector.ports.plugin import Context, Plugin

_SCORE_ROLE = "score"


class AnomalyMapSettings(BaseModel):
    """How an anomaly map is read. No threshold here decides a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: Literal["ratio", "score"] = Field(
        default="score",
        description='"ratio": 1 is the limit, score = v / (1 + v), so 0.5 is the limit; "score": 0 to 1 as it is',
    )
    edge_gain: tuple[Annotated[float, Field(ge=0.0, le=1.0)], ...] = Field(
        default=(),
        description="factors for the rings of cells at the frame's border, outermost first; 0: not looked at",
    )
    max_candidates: int = Field(
        default=400,
        ge=1,
        le=components.MOST,
        description="more components than this: the scene is torn or covered, UNDECIDED",
    )
    join_cells: int = Field(default=1, ge=0, le=4, description="gaps up to twice this many cells do not split a defect")
    unknown_below: float = Field(
        default=0.5, ge=0.0, le=1.0, description="a name with less evidence than this is not given: the first label is"
    )


class AnomalyMapDecoder:
    """Map (1, 1, h, w) or (1, h, w), and evidence (1, labels - 1, h, w) where anomalies have names -> detections.

    An output of the role "score" is the model's own score of the whole picture: where it is higher than the map's, the
    strongest detection gets it, or, where the map shows nothing, the whole picture is one detection.
    """

    def __init__(self, settings: AnomalyMapSettings, card: ModelCard) -> None:
        self._settings = settings
        self._card = card
        self._named = len(card.labels) > 1
        roles = [output.role for output in card.outputs]
        self._score_at = roles.index(_SCORE_ROLE) if _SCORE_ROLE in roles else None
        self._stride = next(output.stride for output in card.outputs if output.role != _SCORE_ROLE)

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Paste the tiles' maps together, find components, say how strong each is at its strongest cell."""
        found = self._in_map(outputs, pixels)
        return found if self._score_at is None else self._scored(found, outputs, pixels)

    def heat(self, outputs: Sequence[TileOutput], height: int, width: int) -> NDArray[np.uint8]:
        """The score of each cell; the padding of a letterbox is left out. See ``HeatReader``."""
        tile, stride = outputs[0].tile, self._stride
        planes = self._planes(outputs[0]) if not tile.native else self._paste(outputs, height, width)
        scores = self._scores(self._softened(planes[0]))
        if not tile.native:
            top, left = int(tile.pad_y // stride), int(tile.pad_x // stride)
            bottom = ceil((tile.pad_y + height * tile.scale_y) / stride)
            right = ceil((tile.pad_x + width * tile.scale_x) / stride)
            scores = scores[top:bottom, left:right]
        return np.rint(scores * 255).astype(np.uint8)

    def _scored(
        self, found: tuple[Detection, ...], outputs: Sequence[TileOutput], pixels: Pixels
    ) -> tuple[Detection, ...]:
        """No part passes on its map that the model rejects as a whole."""
        whole = max(self._whole(output) for output in outputs)
        if found:
            return (replace(found[0], score=max(found[0].score, whole)), *found[1:])
        if whole < self._card.candidate_score:
            return ()
        height, width = map(float, pixels.shape[:2])
        return (
            Detection(
                label=self._card.labels[0],
                score=whole,
                box=Box(x=0.0, y=0.0, width=width, height=height),
                length_px=max(width, height),
                width_px=min(width, height),
                area_px=width * height,
            ),
        )

    def _whole(self, output: TileOutput) -> float:
        numbers = output.arrays[cast("int", self._score_at)]
        if numbers.size != 1:
            raise ConfigError(
                f"{self._card.path}: does not match its card: one score is right, but the graph gives {numbers.shape}"
            )
        return float(self._scores(np.asarray(numbers, np.float32).ravel())[0])

    def _in_map(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        height, width = pixels.shape[:2]
        first = outputs[0].tile
        planes = self._planes(outputs[0]) if not first.native else self._paste(outputs, height, width)
        strongest = self._scores(self._softened(planes[0]))
        found = components.find(
            strongest >= self._card.candidate_score,
            join_cells=self._settings.join_cells,
            most=self._settings.max_candidates,
        )
        if found is None:
            return ()
        labels = self._labels(planes, found)
        scores = found.highest(strongest[found.rows, found.columns])
        boxes = self._boxes(found, first, (height, width))
        seen = [
            self._detection(labels[index], float(scores[index]), boxes[index], found.cells(index), first)
            for index in range(len(found))
        ]
        return tuple(sorted(seen, key=lambda detection: detection.score, reverse=True))

    def _planes(self, output: TileOutput) -> NDArray[np.float32]:
        """Map first, then the evidence for each name: (labels, h, w)."""
        arrays = [np.asarray(array, np.float32) for at, array in enumerate(output.arrays) if at != self._score_at]
        whole = arrays[0].reshape(1, *arrays[0].shape[-2:]) if arrays[0].size else arrays[0]
        parts = [whole, *(array[0] for array in arrays[1:])]
        given = sum(len(part) for part in parts)
        if any(part.shape[1:] != whole.shape[1:] for part in parts) or given != len(self._card.labels):
            raise ConfigError(
                f"{self._card.path}: does not match its card: a map and the evidence for {len(self._card.labels) - 1} "
                f"names are right, but the graph gives {[array.shape for array in arrays]}"
            )
        return np.concatenate(parts)

    def _paste(self, outputs: Sequence[TileOutput], height: int, width: int) -> NDArray[np.float32]:
        """One map of the whole frame: every tile gives the cells of its keep."""
        stride = self._stride
        rows, columns = -(-height // stride), -(-width // stride)
        whole = np.empty((len(self._card.labels), rows, columns), np.float32)
        for output in outputs:
            keep, tile = output.tile.keep, output.tile
            top, left = int(keep.y) // stride, int(keep.x) // stride
            bottom, right = -(-int(keep.bottom) // stride), -(-int(keep.right) // stride)
            row, column = (int(keep.y) - tile.y) // stride, (int(keep.x) - tile.x) // stride
            cut = self._planes(output)[:, row : row + bottom - top, column : column + right - left]
            if cut.shape[1:] != (bottom - top, right - left):
                raise ConfigError(f"{self._card.path}: the map is smaller than output.stride = {stride} makes it")
            whole[:, top:bottom, left:right] = cut
        return whole

    def _scores(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if not np.isfinite(values).all():
            raise FrameError("the anomaly map holds numbers that are none (NaN or infinite)")
        if self._settings.values == "score":
            return np.clip(values, 0.0, 1.0)
        ratio = np.maximum(values, 0.0)
        return cast("NDArray[np.float32]", ratio / (1.0 + ratio))

    def _softened(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The map with the factors of its border rings: a frame's border looks odd on every part."""
        gain = self._settings.edge_gain
        if not gain:
            return values
        rows, columns = values.shape
        if min(rows, columns) <= 2 * gain.count(0.0):
            raise FrameError(f"a map of {columns} x {rows} cells is all border: the frame is too small for this model")
        inwards = [np.minimum(np.arange(length), np.arange(length)[::-1]) for length in (rows, columns)]
        ring = np.minimum.outer(*inwards)
        softened: NDArray[np.float32] = values * np.array([*gain, 1.0], np.float32)[np.minimum(ring, len(gain))]
        return softened

    def _labels(self, planes: NDArray[np.float32], found: Components) -> list[str]:
        """The name with the most evidence over each component's cells, or the first label where no name has enough."""
        known = self._card.labels
        if not self._named:
            return [known[0]] * len(found)
        evidence = found.sums(planes[1:, found.rows, found.columns]) / found.sizes
        best = evidence.argmax(axis=0)
        enough = evidence.max(axis=0) >= self._settings.unknown_below
        return [known[name + 1] if sure else known[0] for name, sure in zip(best, enough, strict=True)]

    def _boxes(self, found: Components, tile: Tile, frame: tuple[int, int]) -> list[Box]:
        corners = found.boxes().astype(np.float64) * self._stride
        if not tile.native:
            corners = tile.to_frame(corners)
        limits = (frame[1], frame[0], frame[1], frame[0])
        return [
            Box(x=float(left), y=float(top), width=float(right - left), height=float(bottom - top))
            for left, top, right, bottom in np.clip(corners, 0, limits)
        ]

    def _detection(
        self, label: str, score: float, box: Box, cells: tuple[NDArray[np.intp], NDArray[np.intp]], tile: Tile
    ) -> Detection:
        rows, columns = cells
        per_x = per_y = float(self._stride)
        if not tile.native:
            per_x, per_y = self._stride / tile.scale_x, self._stride / tile.scale_y
        points = np.stack([(columns + 0.5) * per_x, (rows + 0.5) * per_y], axis=1).astype(np.float32)
        (_, sides, _) = cv2.minAreaRect(points)
        cell = (per_x + per_y) / 2
        return Detection(
            label=label,
            score=score,
            box=box,
            length_px=max(max(sides) + cell - self._card.length_bias_px, 0.0),
            width_px=max(min(sides) + cell - self._card.width_bias_px, 0.0),
            area_px=float(len(rows) * per_x * per_y),
        )


@contextmanager
def open_anomaly_map(settings: AnomalyMapSettings, context: Context, card: ModelCard) -> Iterator[AnomalyMapDecoder]:
    """A decoder for this card's anomaly map."""
    del context
    yield AnomalyMapDecoder(settings, card)


PLUGIN = Plugin(settings_model=AnomalyMapSettings, open=open_anomaly_map)
