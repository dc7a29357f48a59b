"""What looks at a frame: the card that binds a model, the runtime that runs it, the decoder that reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """The model's input tensor: name, dtype, layout ("NCHW"), channels, and the multiple of its sides."""

    name: str
    dtype: str
    layout: str
    channels: int
    multiple: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """The output tensor: ``logit = (value - zero_point) * scale``; ``stride`` frame pixels a cell."""

    name: str
    dtype: str
    stride: int
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """The contract between workshop and line. Everything the line must know to run the model rightly.

    ``biases``: measured minus true size, px. ``finest``: smallest length/width/area px the model can be
    trusted with; a recipe limit below is refused. ``px_per_mm``: lowest and highest scale it was made for.
    """

    name: str
    version: str
    task: str
    path: Path
    sha256: str
    licence: str
    labels: tuple[str, ...]
    input: InputSpec
    output: OutputSpec
    decoder: str
    decoder_settings: Mapping[str, Any]
    candidate_score: float
    halo_px: int
    border: str
    px_per_mm: tuple[float, float]
    length_bias_px: float
    width_bias_px: float
    finest_length_px: float
    finest_width_px: float
    finest_area_px: float
    metrics: Mapping[str, float | str] = field(default_factory=dict)
    cannot: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A rectangle of the frame that one run covers.

    ``x, y, width, height``: the padded input in frame pixels (may overhang the frame). ``keep``: the part of
    the frame this tile answers for; the keeps of all tiles cover the frame exactly once.
    """

    x: int
    y: int
    width: int
    height: int
    keep: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class TileOutput:
    """What the runtime gave for one tile: one array per model output, in the card's order."""

    tile: Tile
    arrays: tuple[NDArray[Any], ...]


class Runtime(Protocol):
    """One model, loaded and warmed up."""

    @property
    def description(self) -> str:
        """Name, version and options, e.g. ``"onnxruntime 1.31.1 CPU x2"``."""
        ...

    def run(self, tensor: NDArray[np.uint8] | NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        """Run once. ``tensor`` has the card's dtype and layout; called by one thread at a time.

        Raises:
            DeviceError: the runtime failed.
        """
        ...


class Decoder(Protocol):
    """Reads a model's outputs. It holds no threshold that decides a part."""

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Turn the outputs of all tiles of one frame into detections in frame pixels.

        A defect across a seam is ONE detection. Sizes are re-measured on ``pixels``, the whole frame.

        Raises:
            FrameError: the scene cannot be decoded in bounded time ("too many candidates").
        """
        ...
