"""Open a model package as the line opens it, and look at one picture."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.adapters.camera_folder.images import read_image
from inspector.app import plugins
from inspector.app.build import SOFTWARE
from inspector.app.model_package import load_card
from inspector.domain.detection import Detection
from inspector.domain.errors import FrameError
from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box
from inspector.pipeline.detect import Detector
from inspector.ports.model import Decoder, ModelCard, TileOutput
from inspector.ports.plugin import Context
from tools.data.record import Record

BOX_STRIDE = 8
"""Cells of a map that is painted from boxes, for models without a map."""
_MAP_DIMENSIONS = 4


class Watcher:
    """A decoder that passes on what it is given, and keeps it for one picture."""

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner
        self.outputs: Sequence[TileOutput] = ()

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Keep, then decode."""
        self.outputs = outputs
        return self._inner.decode(outputs, pixels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of one picture.

    ``scores`` (classes, rows, columns): the model's map, 0 to 1; where it has none, its boxes painted with their
    confidence. ``undecided``: why the line could not decode this picture ("" if it could).
    """

    record: Record
    scores: NDArray[np.float32]
    stride: int
    detections: tuple[Detection, ...]
    undecided: str = ""


class Eye:
    """One model, ready for pictures."""

    def __init__(self, detector: Detector, watcher: Watcher) -> None:
        self.card = detector.card
        self.runtime = detector.runtime.description
        self._detector = detector
        self._watcher = watcher

    def look(self, record: Record) -> Look:
        """Look at a picture.

        Raises:
            FrameError: it cannot be read.
        """
        pixels, pixel_format = read_image(record.image)
        detections: tuple[Detection, ...] = ()
        undecided = ""
        self._watcher.outputs = ()
        try:
            detections = self._detector.detect(pixels, pixel_format).detections
        except FrameError as error:
            undecided = str(error)
        if self._has_map():
            scores, stride = self._map(record), self.card.output.stride
        else:
            scores, stride = painted(detections, self.card.labels, record), BOX_STRIDE
        return Look(record=record, scores=scores, stride=stride, detections=detections, undecided=undecided)

    def _has_map(self) -> bool:
        outputs = self._watcher.outputs
        return (
            self.card.task == "segmentation"
            and bool(outputs)
            and outputs[0].arrays[0].ndim == _MAP_DIMENSIONS
            and outputs[0].arrays[0].shape[1] == len(self.card.labels)
        )

    def _map(self, record: Record) -> NDArray[np.float32]:
        """Paste the tiles' cells together; logits to 0..1 by the card."""
        spec = self.card.output
        stride = spec.stride
        whole = np.zeros((len(self.card.labels), -(-record.height // stride), -(-record.width // stride)), np.float32)
        for output in self._watcher.outputs:
            tile, keep = output.tile, output.tile.keep
            top, left = int(keep.y) // stride, int(keep.x) // stride
            bottom, right = -(-int(keep.bottom) // stride), -(-int(keep.right) // stride)
            row, column = (int(keep.y) - tile.y) // stride, (int(keep.x) - tile.x) // stride
            cells = output.arrays[0][0, :, row : row + bottom - top, column : column + right - left]
            logits = (cells.astype(np.float32) - spec.zero_point) * spec.scale
            whole[:, top:bottom, left:right] = 1.0 / (1.0 + np.exp(-logits))
        return whole


def painted(detections: Sequence[Detection], labels: Sequence[str], record: Record) -> NDArray[np.float32]:
    """Paint boxes with their confidence, the strongest on top."""
    cells = np.zeros((len(labels), -(-record.height // BOX_STRIDE), -(-record.width // BOX_STRIDE)), np.float32)
    for detection in detections:
        window = (labels.index(detection.label), *box_cells(detection.box, BOX_STRIDE))
        cells[window] = np.maximum(cells[window], detection.score)
    return cells


def box_cells(box: Box, stride: int) -> tuple[slice, slice]:
    """Rows and columns of the cells that a box touches."""
    return (
        slice(max(int(box.y) // stride, 0), max(-(-int(np.ceil(box.bottom)) // stride), 0)),
        slice(max(int(box.x) // stride, 0), max(-(-int(np.ceil(box.right)) // stride), 0)),
    )


@contextmanager
def open_eye(model: Path, *, threads: int = 1) -> Iterator[Eye]:
    """Load a package: its card, its runtime and its decoder, by the same plug-ins as the line.

    Raises:
        ConfigError: no such package, or it does not fit its card.
    """
    card: ModelCard = load_card(model)
    context = Context(station="workshop", data_dir="", run_dir="", software=SOFTWARE)
    where = str(model / "card.toml")
    with ExitStack() as stack:
        runtime = plugins.find("runtime", "onnx", where=where, key="runtime")
        decoder = plugins.find("decoder", card.decoder, where=where, key="decoder")
        runtime_settings = plugins.settings(
            runtime, {"threads": threads}, origin=lambda _: "--threads", prefix=("runtime",)
        )
        decoder_settings = plugins.settings(decoder, card.decoder_settings, origin=lambda _: where, prefix=("decoder",))
        watcher = Watcher(stack.enter_context(decoder.open(decoder_settings, context, card)))
        detector = Detector(
            card=card,
            runtime=stack.enter_context(runtime.open(runtime_settings, context, card)),
            decoder=watcher,
        )
        yield Eye(detector, watcher)
