"""Reads the queries of DETR detectors: RT-DETR, D-FINE, RF-DETR, DETR."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.candidates import Candidates, MergeRule, above, boxed, check_scores, merge
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.frame import Pixels
from inspector.ports.model import ModelCard, Tile, TileOutput
from inspector.ports.plugin import Context, Plugin

_BOX = 4


class DetrSettings(BaseModel):
    """How queries are read. No threshold here decides a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    activation: Literal["sigmoid", "softmax", "none"] = Field(
        default="sigmoid", description="how logits become scores; none: the graph has done it"
    )
    background: Literal["none", "first", "last"] = Field(
        default="none", description="a class column that means nothing is there"
    )
    boxes: Literal["cxcywh", "xyxy"] = Field(default="cxcywh", description="centre and sides, or two corners")
    unit: Literal["relative", "px"] = Field(default="relative", description="of the boxes: 0 to 1, or input pixels")
    several_labels: bool = Field(
        default=True, description="a query may give a box for each class above the floor, as RT-DETR's top-k does"
    )
    seam_iou: float = Field(default=0.5, gt=0, le=1, description="boxes of two tiles that overlap by more are one")
    seam_ios: float = Field(default=0.6, gt=0, le=1, description="the same, over the smaller of the two")
    max_candidates: int = Field(default=400, ge=1, le=5000, description="more than this: the frame is UNDECIDED")


class DetrDecoder:
    """Outputs ``logits`` (1, queries, classes) and ``boxes`` (1, queries, 4), or one with both, boxes first."""

    def __init__(self, settings: DetrSettings, card: ModelCard) -> None:
        self._settings = settings
        self._card = card
        self._place = {output.role: index for index, output in enumerate(card.outputs)}
        if self._place.keys() != {""} and not {"logits", "boxes"} <= self._place.keys():
            raise ConfigError(
                f"{card.path.parent / 'card.toml'}: decoder.kind = 'detr' wants outputs with the roles 'logits' and "
                f"'boxes', or one [output]; there are: {sorted(self._place)}"
            )
        self._rule = MergeRule(
            nms_iou=None, seam_iou=settings.seam_iou, seam_ios=settings.seam_ios, most=settings.max_candidates
        )

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Queries of all tiles above the floor, joined across seams."""
        height, width = pixels.shape[:2]
        return boxed(merge([self._view(output) for output in outputs], self._rule), self._card.labels, width, height)

    def _view(self, output: TileOutput) -> Candidates:
        logits, boxes = self._split(output.arrays)
        scores = self._scores(logits)
        check_scores(scores)  # before a maximum is taken, which would turn NaN into nothing seen
        if not self._settings.several_labels:
            scores = np.where(scores == scores.max(axis=1, keepdims=True), scores, 0.0)
        found = above(scores.ravel(), self._card.candidate_score, most=scores.size)
        queries, classes = np.divmod(found, scores.shape[1])
        return Candidates(
            area=output.tile.area,
            boxes=output.tile.to_frame(self._corners(boxes[queries], output.tile)),
            scores=scores.ravel()[found].astype(np.float64),
            classes=classes,
        )

    def _split(self, arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Logits (queries, classes) and boxes (queries, 4).

        Raises:
            ConfigError: the graph gives other shapes than the card's labels make.
        """
        if "" in self._place:
            both = arrays[0]
            logits, boxes = both[..., _BOX:], both[..., :_BOX]
        else:
            logits, boxes = arrays[self._place["logits"]], arrays[self._place["boxes"]]
        wanted = len(self._card.labels) + (self._settings.background != "none")
        if logits.ndim != 3 or logits.shape[2] != wanted or boxes.shape != (1, logits.shape[1], _BOX):  # noqa: PLR2004
            raise ConfigError(
                f"{self._card.path}: does not match its card: {len(self._card.labels)} labels and decoder.background = "
                f"{self._settings.background!r} make {wanted} classes and 4 box numbers a query, but the graph gives "
                f"{logits.shape} and {boxes.shape}"
            )
        return logits[0], boxes[0]

    def _scores(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        values = logits.astype(np.float64)
        if self._settings.activation == "sigmoid":
            values = 1.0 / (1.0 + np.exp(-np.clip(values, -60.0, 60.0)))
        elif self._settings.activation == "softmax":
            powers = np.exp(values - values.max(axis=1, keepdims=True))
            values = powers / powers.sum(axis=1, keepdims=True)
        first = 1 if self._settings.background == "first" else 0
        return values[:, first : first + len(self._card.labels)]

    def _corners(self, boxes: NDArray[Any], tile: Tile) -> NDArray[np.float64]:
        """In input pixels: left, top, right, bottom."""
        values = boxes.astype(np.float64)
        if self._settings.boxes == "cxcywh":
            half = values[:, 2:] / 2
            values = np.concatenate([values[:, :2] - half, values[:, :2] + half], axis=1)
        if self._settings.unit == "relative":
            values = values * np.array([tile.width, tile.height, tile.width, tile.height], np.float64)
        return values


@contextmanager
def open_detr(settings: DetrSettings, context: Context, card: ModelCard) -> Iterator[DetrDecoder]:
    """A decoder for this card's queries."""
    del context
    yield DetrDecoder(settings, card)


PLUGIN = Plugin(settings_model=DetrSettings, open=open_detr)
