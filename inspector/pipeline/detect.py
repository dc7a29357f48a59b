"""From pixels to detections: tiles, runtime, decoder, in this order."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.frame import PixelFormat, Pixels
from inspector.pipeline import preprocess, tiling
from inspector.ports.model import Decoder, ModelCard, Runtime, Tile, TileOutput


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one frame gave, and the milliseconds each step took."""

    detections: tuple[Detection, ...]
    preprocess_ms: float
    infer_ms: float
    decode_ms: float


class Detector:
    """One model, ready. Buffers are allocated at the first frame of a size and kept.

    Args:
        strip_px: rows a strip answers for; 0 runs a frame whole.
    """

    def __init__(self, *, card: ModelCard, runtime: Runtime, decoder: Decoder, strip_px: int = 0) -> None:
        self.card = card
        self.runtime = runtime
        self._decoder = decoder
        self._strip_px = strip_px
        self._shape: tuple[int, int] = (0, 0)
        self._tiles: tuple[Tile, ...] = ()
        self._tensors: tuple[NDArray[np.uint8], ...] = ()

    def prepare(self, height: int, width: int) -> None:
        """Allocate for frames of this size; called again for the same size it does nothing."""
        if self._shape == (height, width):
            return
        self._tiles = tiling.strips(height, width, self.card, strip_px=self._strip_px)
        self._tensors = tuple(np.zeros((1, 1, tile.height, tile.width), np.uint8) for tile in self._tiles)
        self._shape = (height, width)

    def detect(self, pixels: Pixels, pixel_format: PixelFormat) -> Seen:
        """Look at one frame.

        Raises:
            FrameError: the frame cannot be looked at, or not decoded in bounded time.
            DeviceError: the runtime failed.
        """
        begun = time.perf_counter()
        image = preprocess.grey(pixels, pixel_format)
        self.prepare(*image.shape)
        preprocess_s, infer_s = time.perf_counter() - begun, 0.0
        outputs = []
        for tile, tensor in zip(self._tiles, self._tensors, strict=True):
            begun = time.perf_counter()
            preprocess.fill(tensor[0, 0], image, tile)
            filled = time.perf_counter()
            outputs.append(TileOutput(tile=tile, arrays=self.runtime.run(tensor)))
            preprocess_s += filled - begun
            infer_s += time.perf_counter() - filled
        begun = time.perf_counter()
        detections = self._decoder.decode(outputs, image)
        return Seen(
            detections=detections,
            preprocess_ms=preprocess_s * 1e3,
            infer_ms=infer_s * 1e3,
            decode_ms=(time.perf_counter() - begun) * 1e3,
        )

    def warm_up(self, height: int, width: int, rounds: int = 3) -> None:
        """Run on grey frames of this size, so that the first part is not the slow one."""
        blank = np.full((height, width), 128, np.uint8)
        for _ in range(rounds):
            self.detect(blank, PixelFormat.MONO8)
