"""Open a model package as the line opens it, and look at one picture."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.adapters.camera_folder.images import read_image
from inspector.app import plugins
from inspector.app.model_package import load_card
from inspector.app.parts import SOFTWARE
from inspector.domain.detection import Detection
from inspector.domain.errors import FrameError
from inspector.domain.frame import Pixels
from inspector.pipeline.detect import Detector
from inspector.ports.model import Decoder, ModelCard, TileOutput
from inspector.ports.plugin import Context
from tools.data.record import Record
from tools.evaluation.maps import score_map


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
        scores, stride = score_map(
            self.card, self._watcher.outputs, detections, height=record.height, width=record.width
        )
        return Look(record=record, scores=scores, stride=stride, detections=detections, undecided=undecided)


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
