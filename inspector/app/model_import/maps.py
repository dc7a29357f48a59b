"""Compares anomaly maps and scores, number by number, with those of the model's own software."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.app.model_import.listening import Listening
from inspector.app.model_import.parity import TRIED_PICTURES, usual
from inspector.domain.errors import ConfigError, DeviceError, FrameError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.pipeline.detect import Detector

MOST = 1e-3
_SCORE_ROLE = "score"
_PLANE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MapExample:
    """A picture, and the map (rows, columns) and score its model's own software gives. No score is NaN."""

    name: str
    pixels: Pixels
    pixel_format: PixelFormat
    values: NDArray[np.float32]
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MapDifference:
    """How far maps and scores lie apart; ``worst`` says where most."""

    compared: int
    scores: int
    most_map: float
    most_score: float
    worst: str

    @property
    def fits(self) -> bool:
        """Same maps, same scores."""
        return self.most_map <= MOST and self.most_score <= MOST

    def __str__(self) -> str:
        words = (
            f"{self.compared} maps compared, largest difference {self.most_map:.2g}, "
            f"{self.scores} scores, largest difference {self.most_score:.2g}"
        )
        return words if self.fits else f"{words}; most in {self.worst}"


def read_map(path: Path) -> NDArray[np.float32]:
    """A map from a .npy file: (rows, columns), with leading axes of one allowed.

    Raises:
        ConfigError: it is no such file.
    """
    try:
        values = np.load(path, allow_pickle=False)
        plane = np.asarray(values, np.float32).reshape(values.shape[-_PLANE:])
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{path}: cannot be read as a map: {error}; (rows, columns) in a .npy file is right"
        ) from error
    if plane.ndim != _PLANE or not np.isfinite(plane).all():
        raise ConfigError(
            f"{path}: a map of shape {values.shape} or with NaN; finite numbers (rows, columns) are right"
        )
    return plane


def compare(detector: Detector, examples: Sequence[MapExample]) -> MapDifference:
    """Look at every example and compare what the graph gives.

    Raises:
        ConfigError: a picture takes several tiles, or a map is of another size.
        FrameError: a picture cannot be looked at.
        DeviceError: the runtime failed.
    """
    roles = [output.role for output in detector.card.outputs]
    most_map = most_score = 0.0
    scores, worst = 0, ""
    for example in examples:
        values, score = _given(detector, roles, example)
        apart_map = float(np.abs(values - example.values).max())
        apart_score = 0.0 if np.isnan(example.score) else abs(score - example.score)
        scores += not np.isnan(example.score)
        if max(apart_map, apart_score) > max(most_map, most_score):
            worst = f"{example.name}: map by {apart_map:.3g}, score {score:.4f} where {example.score:.4f} is expected"
        most_map, most_score = max(most_map, apart_map), max(most_score, apart_score)
    return MapDifference(compared=len(examples), scores=scores, most_map=most_map, most_score=most_score, worst=worst)


def _given(detector: Detector, roles: Sequence[str], example: MapExample) -> tuple[NDArray[np.float32], float]:
    """The raw map, and the score: the graph's own, or the largest number of the map."""
    ears = Listening(detector.runtime)
    eye = Detector(card=detector.card, runtime=ears, decoder=detector.decoder)
    with suppress(FrameError):  # too much to decode in a map is no difference of maps
        eye.detect(example.pixels, example.pixel_format)
    if ears.heard is None or ears.runs > 1:
        raise ConfigError(
            f"{example.name}: takes {ears.runs} runs of the model; maps are compared where a frame is one: --fit whole"
        )
    arrays = ears.heard[1]
    found = arrays[next((at for at, role in enumerate(roles) if role != _SCORE_ROLE), 0)]
    values = np.asarray(found, np.float32).reshape(found.shape[-_PLANE:])
    if values.shape != example.values.shape:
        raise ConfigError(
            f"{example.name}: the reference's map has the shape {example.values.shape}, but the graph gives "
            f"{values.shape}; give the map as the model gives it, not scaled to the picture"
        )
    score = float(arrays[roles.index(_SCORE_ROLE)].ravel()[0]) if _SCORE_ROLE in roles else float(values.max())
    return values, score


def fitting(detector: Detector, examples: Sequence[MapExample]) -> str:
    """The usual preprocessing with which the model gives the expected maps, in words; "" if none does."""
    for words, entry, frame in usual(detector.card.input, detector.card.frame):
        card = replace(detector.card, input=entry, frame=frame)
        tried = Detector(card=card, runtime=detector.runtime, decoder=detector.decoder)
        with suppress(DeviceError, ConfigError):  # some graphs break on a picture that is not as they want it
            if compare(tried, examples[:TRIED_PICTURES]).fits:
                return words
    return ""
