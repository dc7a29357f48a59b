"""From pixels to detections: tiles, runtime, decoder, in this order."""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.pipeline import preprocess, tiling
from inspector.pipeline.canvas import Canvas, Margins, margins_for, reads_in_place
from inspector.pipeline.heat import HeatSource
from inspector.pipeline.view import EVERYTHING, View, blanked
from inspector.ports.model import Decoder, HeatReader, ModelCard, Runtime, Tile, TileOutput

_MEASURED = frozenset({"segmentation", "anomaly"})
"""Tasks whose decoder measures defects on the frame's light."""
_TRIAL_PX = 256
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one frame gave, and the milliseconds each step took. ``heat``: the map, where the model gives one."""

    detections: tuple[Detection, ...]
    preprocess_ms: float
    infer_ms: float
    decode_ms: float
    heat: HeatSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """What the runtime gave for one frame, not yet read. ``image``: what it was cut from."""

    image: preprocess.Image
    outputs: tuple[TileOutput, ...]
    preprocess_ms: float
    infer_ms: float


class Detector:
    """One model, ready. Buffers are allocated at the first frame of a size and kept.

    Args:
        strip_px: rows a strip answers for; 0 runs a frame whole.
    """

    def __init__(self, *, card: ModelCard, runtime: Runtime, decoder: Decoder, strip_px: int = 0) -> None:
        self.card = card
        self.runtime = runtime
        self.decoder = decoder
        self._heat_reader = decoder if isinstance(decoder, HeatReader) else None
        self._strip_px = strip_px
        self._presenter = preprocess.Presenter(card.input, card.frame)
        self._shape: tuple[int, int] = (0, 0)
        self._tiles: tuple[Tile, ...] = ()
        self._tensors: dict[tuple[int, int], NDArray[Any]] = {}
        self._canvas: Canvas | None = None
        self._reads_in_place = reads_in_place(card)

    def prepare(self, height: int, width: int) -> None:
        """Lay out frames of this size; called again for the same size it does nothing."""
        if self._shape == (height, width):
            return
        self._tiles = tiling.plan(height, width, self.card, strip_px=self._strip_px)
        self._tensors = {}
        self._canvas = None
        self._shape = (height, width)

    def margins(self, height: int, width: int) -> Margins:
        """The room around a frame of this size with which it need not be copied."""
        return margins_for(self.card, height, width, strip_px=self._strip_px)

    def detect(
        self, pixels: Pixels, pixel_format: PixelFormat, canvas: Canvas | None = None, view: View = EVERYTHING
    ) -> Seen:
        """Look at one frame, or at what of it is in view; detections are in pixels of the frame.

        ``canvas``: the buffer that the pixels lie in, if it is known: where it has the room that the model wants
        around the frame, nothing is copied.

        Raises:
            FrameError: the frame cannot be looked at, or not decoded in bounded time.
            DeviceError: the runtime failed.
            ConfigError: the model gives what its card does not say.
        """
        height, width = pixels.shape[:2]
        if view.window is not None:
            rows = slice(view.window.y, view.window.y + view.window.height)
            pixels, canvas = pixels[rows, view.window.x : view.window.x + view.window.width], None
        inferred = self.infer(pixels, pixel_format, canvas)
        begun = time.perf_counter()
        outputs = blanked(inferred.outputs, self.card, view)
        detections = self.decoder.decode(outputs, self._light(inferred.image))
        if not view.whole:
            detections = tuple(view.in_frame(one) for one in detections if view.keeps(one))
        return Seen(
            detections=detections,
            preprocess_ms=inferred.preprocess_ms,
            infer_ms=inferred.infer_ms,
            decode_ms=(time.perf_counter() - begun) * 1e3,
            heat=None
            if self._heat_reader is None
            else HeatSource(reader=self._heat_reader, outputs=outputs, window=view.window, height=height, width=width),
        )

    def infer(self, pixels: Pixels, pixel_format: PixelFormat, canvas: Canvas | None = None) -> Inferred:
        """Run the model on one frame; ``canvas`` as for ``detect``.

        Raises:
            FrameError: the frame cannot be looked at.
            DeviceError: the runtime failed.
        """
        begun = time.perf_counter()
        image, lying = self._image(pixels, pixel_format, canvas)
        preprocess_s, infer_s = time.perf_counter() - begun, 0.0
        outputs = []
        for tile in self._tiles:
            begun = time.perf_counter()
            tensor = lying.tensor(tile) if lying is not None else self._written(image, tile)
            filled = time.perf_counter()
            outputs.append(TileOutput(tile=tile, arrays=self.runtime.run(tensor)))
            preprocess_s += filled - begun
            infer_s += time.perf_counter() - filled
        return Inferred(image=image, outputs=tuple(outputs), preprocess_ms=preprocess_s * 1e3, infer_ms=infer_s * 1e3)

    def _image(
        self, pixels: Pixels, pixel_format: PixelFormat, canvas: Canvas | None
    ) -> tuple[preprocess.Image, Canvas | None]:
        """What the tensors are cut from, and the canvas that it lies on, its edges continued; None: tiles are copied.

        A grey frame that lies on its own canvas is not touched. Any other that the model takes as the camera's own
        bytes is written onto a canvas of ours in the same pass that makes it grey.
        """
        self.prepare(pixels.shape[0], pixels.shape[1])
        if not self._reads_in_place:
            return preprocess.picture(pixels, pixel_format, self.card.input), None
        if canvas is None or pixel_format is not PixelFormat.MONO8 or not canvas.holds(pixels, self._tiles):
            canvas = self._canvas = self._canvas or Canvas(
                self._shape, PixelFormat.MONO8.dtype, self.margins(*self._shape)
            )
            preprocess.grey(pixels, pixel_format, cast("preprocess.Image", canvas.frame))
        canvas.continue_edges()
        return cast("preprocess.Image", canvas.frame), canvas

    def _written(self, image: preprocess.Image, tile: Tile) -> NDArray[Any]:
        """The tile copied into a tensor of its size, which is kept."""
        tensor = self._tensors.get((tile.height, tile.width))
        if tensor is None:
            tensor = self._tensors[tile.height, tile.width] = self._presenter.tensor(tile)
        self._presenter.write(tensor, image, tile)
        return tensor

    def _light(self, image: preprocess.Image) -> preprocess.Image:
        """What a decoder sees of the frame: its light where it measures, else the picture as it is."""
        if image.ndim == 2 or self.card.task not in _MEASURED:  # noqa: PLR2004 - grey
            return image
        return cast("preprocess.Image", cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))

    def prove(self) -> None:
        """Look at a small striped frame: a card that lies about what the model gives is found before a part comes.

        Raises:
            ConfigError: the model gives what its card does not say.
            DeviceError: the runtime failed.
        """
        self.warm_up(_TRIAL_PX, _TRIAL_PX, rounds=1)

    def warm_up(self, height: int, width: int, rounds: int = 3, canvas: Canvas | None = None) -> None:
        """Run on striped frames of this size, so that the first part is not the slow one.

        Stripes, because some graphs cannot run where they see nothing at all. ``canvas``: one that holds grey frames
        of this size; the stripes are written into it.
        """
        row = np.random.default_rng(_SEED).integers(96, 160, width, np.uint8)
        stripes = np.tile(row, (height, 1))
        if canvas is not None and canvas.frame.shape == stripes.shape:
            canvas.frame[:] = stripes
            stripes = cast("preprocess.Image", canvas.frame)
        for _ in range(rounds):
            with suppress(FrameError):  # a model that sees too much in nothing is warm all the same
                self.detect(stripes, PixelFormat.MONO8, canvas)
