"""Reads classifiers: the best classes become detections that cover what the model was shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.candidates import check_scores
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box
from inspector.ports.model import ModelCard, TileOutput
from inspector.ports.plugin import Context, Plugin


class ClassificationSettings(BaseModel):
    """How class scores are read. No threshold here decides a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    activation: Literal["softmax", "sigmoid", "none"] = Field(
        default="softmax", description="how logits become scores; none: the graph has done it"
    )
    sound_labels: tuple[str, ...] = Field(
        default=(), description="labels that mean nothing is wrong: no detection is made of them"
    )
    top_k: int = Field(default=5, ge=1, le=1000, description="at most this many classes of one picture or tile")


class ClassificationDecoder:
    """Output (1, classes). Every class above the floor, but the sound ones, is a detection of the whole picture."""

    def __init__(self, settings: ClassificationSettings, card: ModelCard) -> None:
        unknown = set(settings.sound_labels) - set(card.labels)
        if unknown:
            raise ConfigError(
                f"{card.path.parent / 'card.toml'}: decoder.sound_labels: {sorted(unknown)} are no labels of the "
                f"model; there are: {', '.join(card.labels)}"
            )
        self._settings = settings
        self._card = card

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """The best classes of every tile, best first."""
        del pixels
        found = [detection for output in outputs for detection in self._of(output)]
        return tuple(sorted(found, key=lambda detection: detection.score, reverse=True))

    def _of(self, output: TileOutput) -> Iterator[Detection]:
        scores = self._scores(output.arrays[0])
        for index in np.argsort(-scores, kind="stable")[: self._settings.top_k]:
            label, score = self._card.labels[index], float(scores[index])
            if score >= self._card.candidate_score and label not in self._settings.sound_labels:
                yield _covering(label, score, output.tile.keep)

    def _scores(self, array: NDArray[Any]) -> NDArray[np.float64]:
        if array.size != len(self._card.labels) or array.shape[0] != 1:
            raise ConfigError(
                f"{self._card.path}: does not match its card: {len(self._card.labels)} labels, but the graph gives "
                f"{array.shape}"
            )
        values = array.reshape(-1).astype(np.float64)
        if self._settings.activation == "softmax":
            powers = np.exp(values - values.max())
            values = powers / powers.sum()
        elif self._settings.activation == "sigmoid":
            values = 1.0 / (1.0 + np.exp(-np.clip(values, -60.0, 60.0)))
        check_scores(values)
        return np.clip(values, 0.0, 1.0)


def _covering(label: str, score: float, box: Box) -> Detection:
    return Detection(
        label=label,
        score=score,
        box=box,
        length_px=max(box.width, box.height),
        width_px=min(box.width, box.height),
        area_px=box.width * box.height,
    )


@contextmanager
def open_classification(
    settings: ClassificationSettings, context: Context, card: ModelCard
) -> Iterator[ClassificationDecoder]:
    """A decoder for this card's classes."""
    del context
    yield ClassificationDecoder(settings, card)


PLUGIN = Plugin(settings_model=ClassificationSettings, open=open_classification)
