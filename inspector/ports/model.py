"""What looks at a frame: the card that binds a model, the runtime that runs it, the decoder that reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """The model's input tensor.

    ``layout``: "NCHW", "NHWC" or "CHW" (no batch). ``multiple``: of its sides, where they are free. ``colour``:
    "grey", "rgb" or "bgr". A number is ``(pixel * scale - mean) / std``; empty ``mean`` and ``std``: 0 and 1.
    ``constants``: further inputs of the graph that are the same for every frame, by name, as nested lists.
    """

    name: str
    dtype: str
    layout: str
    channels: int
    multiple: int
    colour: str = "grey"
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """Whether the tensor is the camera's own bytes."""
        return self.dtype == "uint8" and self.channels == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpec:
    """How a frame is presented to the model.

    ``fit``: "whole": the frame in its own pixels, or stretched to ``width`` x ``height`` where these are set;
    "letterbox": shrunk or enlarged to fit into them with its aspect kept, the rest padded; "tiles": cut in its
    own pixels into tiles of that size that share ``overlap_px``; "crop": the middle, its shorter side scaled to
    ``resize_px``. ``pad``: the value around the picture, -1 repeats its edge. ``anchor``: where a letterboxed
    picture stands, "centre" or "corner". ``rect``: a letterbox is padded to the input's multiple only.
    ``interpolation``: "linear", "area", "antialias" or "antialias_float" (not rounded in between).
    """

    fit: str = "whole"
    width: int = 0
    height: int = 0
    overlap_px: int = 0
    pad: int = -1
    anchor: str = "centre"
    rect: bool = False
    resize_px: int = 0
    interpolation: str = "linear"

    @property
    def native(self) -> bool:
        """Whether the whole frame is shown in its own pixels."""
        return self.fit == "whole" and self.width == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """An output tensor: ``value = (number - zero_point) * scale``.

    ``stride``: frame pixels a cell of a map. ``role``: what a decoder calls it ("boxes"); "" for an only one.
    """

    name: str
    dtype: str
    stride: int = 1
    scale: float = 1.0
    zero_point: int = 0
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """The contract between workshop and line. Everything the line must know to run the model rightly.

    ``biases``: measured minus true size, px. ``finest``: smallest length/width/area px the model can be
    trusted with; a recipe limit below is refused. ``px_per_mm``: lowest and highest scale it was made for.
    ``released``: somebody answered for it; a line runs no other. ``signed_by``: the key whose signature fits; "" if
    there is none.
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
    frame: FrameSpec = FrameSpec()
    further_outputs: tuple[OutputSpec, ...] = ()
    released: bool = True
    signed_by: str = ""

    @property
    def outputs(self) -> tuple[OutputSpec, ...]:
        """Every output the decoder reads, in the order in which a runtime gives them."""
        return (self.output, *self.further_outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A rectangle of the frame that one run covers.

    ``width, height``: sides of the input, px. ``x, y``: the frame pixel at which its picture begins (may
    overhang the frame). ``keep``: the part of the frame this tile answers for; the keeps of all tiles cover the
    frame exactly once. Where the picture is scaled, ``scale_x, scale_y`` are input pixels a frame pixel and
    ``pad_x, pad_y`` input pixels left of and above it: ``frame = x + (input - pad_x) / scale_x``.
    """

    x: int
    y: int
    width: int
    height: int
    keep: Box
    scale_x: float = 1.0
    scale_y: float = 1.0
    pad_x: int = 0
    pad_y: int = 0

    @property
    def native(self) -> bool:
        """Whether an input pixel is a frame pixel."""
        return self.scale_x == 1.0 == self.scale_y and self.pad_x == 0 == self.pad_y

    @property
    def area(self) -> Box:
        """What the input shows, in frame pixels; its padding is left out only where the picture is scaled."""
        if not self.native:
            return self.keep
        return Box(x=self.x, y=self.y, width=self.width, height=self.height)

    def to_frame(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Input pixels to frame pixels; ``points``: (..., 2) or (..., 4), x and y in turn."""
        pairs = points.shape[-1] // 2
        pad = np.tile((self.pad_x, self.pad_y), pairs)
        scale = np.tile((self.scale_x, self.scale_y), pairs)
        moved: NDArray[np.float64] = (points.astype(np.float64) - pad) / scale + np.tile((self.x, self.y), pairs)
        return moved


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


@runtime_checkable
class HeatReader(Protocol):
    """A decoder of a model that gives a map may show it to people, too."""

    def heat(self, outputs: Sequence[TileOutput], height: int, width: int) -> NDArray[np.uint8]:
        """The strongest score of each cell, 255 for 1, of outputs that ``decode`` has read; (rows, columns).

        It covers the ``height`` x ``width`` px that were decoded; the last row and column may overhang them by less
        than a cell. Any thread; the outputs stay as they are.
        """
        ...
