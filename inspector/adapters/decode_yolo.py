"""Reads the heads of YOLO detectors: raw v5, v8 and v11 ones, and those with suppression inside the graph."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.candidates import Candidates, MergeRule, above, boxed, merge
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.frame import Pixels
from inspector.ports.model import ModelCard, TileOutput
from inspector.ports.plugin import Context, Plugin

_END2END_COLUMNS = 6
_BOX = 4


class YoloSettings(BaseModel):
    """How a YOLO head is read. No threshold here decides a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    head: Literal["v8", "v5", "end2end"] = Field(
        default="v8",
        description="v8: 4 + classes (v8, v9, v11, v12); v5: 4 + objectness + classes (v5, v6, v7); "
        "end2end: rows of left, top, right, bottom, score, class (v10, v26, exports with NMS)",
    )
    nms_iou: float = Field(default=0.7, gt=0, le=1, description="boxes of one class that overlap by more are one")
    across_classes: bool = Field(default=False, description="suppress boxes whatever their class")
    seam_iou: float = Field(default=0.5, gt=0, le=1, description="boxes of two tiles that overlap by more are one")
    seam_ios: float = Field(default=0.6, gt=0, le=1, description="the same, over the smaller of the two")
    max_candidates: int = Field(default=400, ge=1, le=5000, description="more than this: the frame is UNDECIDED")
    max_raw: int = Field(default=30_000, ge=1, le=200_000, description="more raw boxes than this: UNDECIDED as well")


class YoloDecoder:
    """Output (1, columns, boxes) or (1, boxes, columns), coordinates in input pixels."""

    def __init__(self, settings: YoloSettings, card: ModelCard) -> None:
        self._settings = settings
        self._card = card
        self._end2end = settings.head == "end2end"
        extra = {"v8": 0, "v5": 1}.get(settings.head, 0)
        self._columns = _END2END_COLUMNS if self._end2end else _BOX + extra + len(card.labels)
        self._rule = MergeRule(
            nms_iou=None if self._end2end else settings.nms_iou,
            seam_iou=settings.seam_iou,
            seam_ios=settings.seam_ios,
            most=settings.max_candidates,
            across_classes=settings.across_classes,
        )

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Boxes of all tiles, suppressed, joined across seams."""
        height, width = pixels.shape[:2]
        things = merge([self._view(output) for output in outputs], self._rule)
        return boxed(things, self._card.labels, width, height)

    def _view(self, output: TileOutput) -> Candidates:
        rows = self._rows(output.arrays[0])
        if self._end2end:
            scores, classes, boxes = rows[4], rows[5], rows[:4]
        else:
            probabilities = rows[_BOX:] if self._settings.head == "v8" else rows[5:] * rows[4]
            scores, classes = probabilities.max(axis=0), probabilities.argmax(axis=0)
            boxes = rows[:4]
        found = above(scores, self._card.candidate_score, most=self._settings.max_raw)
        corners = boxes[:, found] if self._end2end else _corners(boxes[:, found])
        self._known(classes[found])
        return Candidates(
            area=output.tile.area,
            boxes=output.tile.to_frame(corners.T),
            scores=scores[found].astype(np.float64),
            classes=classes[found].astype(np.int64),
        )

    def _rows(self, array: NDArray[Any]) -> NDArray[Any]:
        """As (columns, boxes).

        Raises:
            ConfigError: the head has other columns than labels and head of the card make.
        """
        if array.ndim == 3 and array.shape[0] == 1:  # noqa: PLR2004 - batch, columns, boxes
            columns_last = array.shape[2] == self._columns
            if columns_last and (self._end2end or array.shape[1] != self._columns):
                rows: NDArray[Any] = array[0].T
                return rows
            if array.shape[1] == self._columns:
                return np.asarray(array[0])
        raise ConfigError(
            f"{self._card.path}: does not match its card: {len(self._card.labels)} labels and decoder.head = "
            f"{self._settings.head!r} make {self._columns} columns, but the graph gives {array.shape}"
        )

    def _known(self, classes: NDArray[Any]) -> None:
        if classes.size and not 0 <= classes.min() <= classes.max() < len(self._card.labels):
            raise ConfigError(
                f"{self._card.path}: does not match its card: the model gave class {int(classes.max())}, "
                f"but there are {len(self._card.labels)} labels"
            )


def _corners(boxes: NDArray[Any]) -> NDArray[Any]:
    """Centre and sides to left, top, right, bottom; shape (4, n)."""
    half = boxes[2:] / 2
    return np.concatenate([boxes[:2] - half, boxes[:2] + half])


@contextmanager
def open_yolo(settings: YoloSettings, context: Context, card: ModelCard) -> Iterator[YoloDecoder]:
    """A decoder for this card's head."""
    del context
    yield YoloDecoder(settings, card)


PLUGIN = Plugin(settings_model=YoloSettings, open=open_yolo)
