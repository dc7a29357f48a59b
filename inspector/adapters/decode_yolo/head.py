"""Reads the head of a YOLO model: which columns are box, objectness, classes and coefficients."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.candidates import Candidates, MergeRule, above
from inspector.domain.errors import ConfigError, FrameError
from inspector.ports.model import ModelCard, Tile

_END2END_COLUMNS = 6
_BOX = 4
_EXTRA = {"v8": 0, "v5": 1}


class HeadSettings(BaseModel):
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


class Head:
    """A head of (1, columns, boxes) or (1, boxes, columns), coordinates in input pixels."""

    def __init__(self, settings: HeadSettings, card: ModelCard) -> None:
        self._settings = settings
        self._card = card
        self._end2end = settings.head == "end2end"
        self._scored = _END2END_COLUMNS if self._end2end else _BOX + _EXTRA[settings.head] + len(card.labels)
        self.rule = MergeRule(
            nms_iou=None if self._end2end else settings.nms_iou,
            seam_iou=settings.seam_iou,
            seam_ios=settings.seam_ios,
            most=settings.max_candidates,
            across_classes=settings.across_classes,
        )

    def read(self, array: NDArray[Any], tile: Tile, *, coefficients: int = 0) -> tuple[Candidates, NDArray[Any]]:
        """Boxes above the floor in frame pixels, and their coefficients (n, coefficients).

        Raises:
            ConfigError: the head is not what the card says.
            FrameError: too many raw boxes, no scores, or a class that has no label.
        """
        rows = self._rows(array, self._scored + coefficients)
        scores, classes = self._best(rows)
        found = above(scores, self._card.candidate_score, most=self._settings.max_raw)
        self._check_classes(classes[found])
        boxes = rows[:_BOX, found] if self._end2end else _corners(rows[:_BOX, found])
        view = Candidates(
            area=tile.area,
            boxes=tile.to_frame(boxes.T),
            scores=scores[found].astype(np.float64),
            classes=classes[found].astype(np.int64),
        )
        return view, rows[self._scored :, found].T

    def _best(self, rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Score and class of every box."""
        if self._end2end:
            return rows[4], rows[5]
        first = _BOX + _EXTRA[self._settings.head]
        probabilities = rows[first : self._scored]
        classes = probabilities.argmax(axis=0)
        scores = probabilities.max(axis=0)
        return (scores * rows[_BOX] if first > _BOX else scores), classes

    def _rows(self, array: NDArray[Any], columns: int) -> NDArray[Any]:
        """As (columns, boxes)."""
        if array.ndim == 3 and array.shape[0] == 1:  # noqa: PLR2004 - batch, columns, boxes
            if array.shape[2] == columns and (self._end2end or array.shape[1] != columns):
                return np.asarray(array[0].T)
            if array.shape[1] == columns:
                return np.asarray(array[0])
        raise ConfigError(
            f"{self._card.path}: does not match its card: {len(self._card.labels)} labels and decoder.head = "
            f"{self._settings.head!r} make {columns} columns, but the graph gives {array.shape}"
        )

    def _check_classes(self, classes: NDArray[Any]) -> None:
        if classes.size and not 0 <= classes.min() <= classes.max() < len(self._card.labels):
            raise FrameError(
                f"{self._card.path}: does not match its card: the model gave class {int(classes.max())}, "
                f"but there are {len(self._card.labels)} labels"
            )


def _corners(boxes: NDArray[Any]) -> NDArray[Any]:
    """Centre and sides to left, top, right, bottom; shape (4, n)."""
    half = boxes[2:] / 2
    return np.concatenate([boxes[:2] - half, boxes[:2] + half])
