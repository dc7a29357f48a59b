"""Reads YOLO detectors: raw v5, v8 and v11 heads, and those with suppression inside the graph."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from inspector.adapters.decode_yolo.head import Head, HeadSettings
from inspector.domain.candidates import boxed, merge
from inspector.domain.detection import Detection
from inspector.domain.frame import Pixels
from inspector.ports.model import ModelCard, TileOutput
from inspector.ports.plugin import Context, Plugin


class YoloDecoder:
    """One output: the head."""

    def __init__(self, settings: HeadSettings, card: ModelCard) -> None:
        self._head = Head(settings, card)
        self._labels = card.labels

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Boxes of all tiles, suppressed, joined across seams."""
        height, width = pixels.shape[:2]
        views = [self._head.read(output.arrays[0], output.tile)[0] for output in outputs]
        return boxed(merge(views, self._head.rule), self._labels, width, height)


@contextmanager
def open_yolo(settings: HeadSettings, context: Context, card: ModelCard) -> Iterator[YoloDecoder]:
    """A decoder for this card's head."""
    del context
    yield YoloDecoder(settings, card)


PLUGIN = Plugin(settings_model=HeadSettings, open=open_yolo)
