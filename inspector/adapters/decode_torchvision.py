"""Reads detectors that give finished boxes, labels and scores: torchvision's, and others exported with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.candidates import Candidates, MergeRule, above, boxed, merge
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.frame import Pixels
from inspector.ports.model import ModelCard, TileOutput
from inspector.ports.plugin import Context, Plugin

_ROLES = ("boxes", "labels", "scores")
_BOX = 4


class TorchvisionSettings(BaseModel):
    """How finished boxes are read. No threshold here decides a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_label: int = Field(default=1, ge=0, le=1, description="number of the card's first label; 1: 0 is background")
    unit: Literal["px", "relative"] = Field(default="px", description="of the boxes: input pixels, or 0 to 1")
    seam_iou: float = Field(default=0.5, gt=0, le=1, description="boxes of two tiles that overlap by more are one")
    seam_ios: float = Field(default=0.6, gt=0, le=1, description="the same, over the smaller of the two")
    max_candidates: int = Field(default=400, ge=1, le=5000, description="more than this: the frame is UNDECIDED")


class TorchvisionDecoder:
    """Outputs ``boxes`` (n, 4) as left, top, right, bottom, ``labels`` (n,) and ``scores`` (n,), or (1, n, ...)."""

    def __init__(self, settings: TorchvisionSettings, card: ModelCard) -> None:
        self._settings = settings
        self._card = card
        place = {output.role: index for index, output in enumerate(card.outputs)}
        if not set(_ROLES) <= place.keys():
            raise ConfigError(
                f"{card.path.parent / 'card.toml'}: decoder.kind = 'torchvision' wants outputs with the roles "
                f"{', '.join(_ROLES)}; there are: {sorted(place)}"
            )
        self._order = [place[role] for role in _ROLES]
        self._rule = MergeRule(
            nms_iou=None, seam_iou=settings.seam_iou, seam_ios=settings.seam_ios, most=settings.max_candidates
        )

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Boxes of all tiles above the floor, joined across seams."""
        height, width = pixels.shape[:2]
        return boxed(merge([self._view(output) for output in outputs], self._rule), self._card.labels, width, height)

    def _view(self, output: TileOutput) -> Candidates:
        boxes, numbers, scores = self._arrays(output)
        found = above(scores, self._card.candidate_score, most=len(scores))
        classes = numbers[found].astype(np.int64) - self._settings.first_label
        if classes.size and not 0 <= classes.min() <= classes.max() < len(self._card.labels):
            first, last = self._settings.first_label, self._settings.first_label + len(self._card.labels) - 1
            raise FrameError(
                f"{self._card.path}: does not match its card: the model gave label {int(numbers[found].max())}, but "
                f"{len(self._card.labels)} labels with decoder.first_label = {first} are numbered {first} to {last}"
            )
        tile = output.tile
        corners = boxes[found].astype(np.float64)
        if self._settings.unit == "relative":
            corners = corners * np.array([tile.width, tile.height, tile.width, tile.height], np.float64)
        return Candidates(
            area=tile.area, boxes=tile.to_frame(corners), scores=scores[found].astype(np.float64), classes=classes
        )

    def _arrays(self, output: TileOutput) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        boxes, labels, scores = (output.arrays[index] for index in self._order)
        shapes = [array.shape for array in (boxes, labels, scores)]
        count = boxes.shape[-2] if boxes.ndim > 1 else -1
        if boxes.shape[-1:] != (_BOX,) or labels.size != count or scores.size != count or boxes.size != count * _BOX:
            raise ConfigError(
                f"{self._card.path}: does not match its card: boxes (n, 4), labels (n,) and scores (n,) are right, "
                f"but the graph gives {', '.join(map(str, shapes))}"
            )
        return boxes.reshape(-1, _BOX), labels.reshape(-1), scores.reshape(-1)


@contextmanager
def open_torchvision(settings: TorchvisionSettings, context: Context, card: ModelCard) -> Iterator[TorchvisionDecoder]:
    """A decoder for this card's boxes."""
    del context
    yield TorchvisionDecoder(settings, card)


PLUGIN = Plugin(settings_model=TorchvisionSettings, open=open_torchvision)
