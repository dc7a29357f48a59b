"""Reads YOLO segmentation models: every box gets its mask, outline and measured size."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from inspector.adapters.decode_yolo.head import Head, HeadSettings
from inspector.adapters.decode_yolo.mask import Mask, cut_mask, joined, measured
from inspector.domain.candidates import Candidates, Thing, boxed, merge
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.frame import Pixels
from inspector.ports.model import ModelCard, Tile, TileOutput
from inspector.ports.plugin import Context, Plugin

_PROTOTYPES_RANK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """One tile: its boxes, each with coefficients for the tile's prototypes (coefficients, rows, columns)."""

    tile: Tile
    candidates: Candidates
    coefficients: NDArray[Any]
    prototypes: NDArray[Any]


class InstanceDecoder:
    """Outputs ``predictions`` (the head with coefficients) and ``prototypes`` (1, coefficients, rows, columns)."""

    def __init__(self, settings: HeadSettings, card: ModelCard) -> None:
        place = {output.role: index for index, output in enumerate(card.outputs)}
        if not {"predictions", "prototypes"} <= place.keys():
            raise ConfigError(
                f"{card.path.parent / 'card.toml'}: decoder.kind = 'instance_segmentation' wants outputs with the "
                f"roles 'predictions' and 'prototypes'; there are: {sorted(place)}"
            )
        self._place = place
        self._head = Head(settings, card)
        self._card = card

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Boxes of all tiles with their masks, suppressed, joined across seams, measured."""
        height, width = pixels.shape[:2]
        views = [self._view(output) for output in outputs]
        things = merge([view.candidates for view in views], self._head.rule)
        boxes = boxed(things, self._card.labels, width, height)
        return tuple(self._outlined(box, thing, views) for box, thing in zip(boxes, things, strict=True))

    def _view(self, output: TileOutput) -> _View:
        prototypes = output.arrays[self._place["prototypes"]]
        if prototypes.ndim != _PROTOTYPES_RANK:
            raise ConfigError(
                f"{self._card.path}: does not match its card: prototypes (1, n, rows, columns) are right, but the "
                f"graph gives {prototypes.shape}"
            )
        candidates, coefficients = self._head.read(
            output.arrays[self._place["predictions"]], output.tile, coefficients=prototypes.shape[1]
        )
        return _View(tile=output.tile, candidates=candidates, coefficients=coefficients, prototypes=prototypes[0])

    def _outlined(self, box: Detection, thing: Thing, views: Sequence[_View]) -> Detection:
        """A detection with outline and size of its mask; one whose mask is empty keeps its box."""
        masks: list[Mask] = []
        seen: set[int] = set()
        for index, row in thing.members:
            if index not in seen:  # members come best first: one mask a tile
                seen.add(index)
                view = views[index]
                masks.append(cut_mask(view.prototypes, view.coefficients[row], view.candidates.boxes[row], view.tile))
        shape = measured(masks[0] if len(masks) == 1 else joined(masks))
        if shape is None:
            return box
        return Detection(
            label=box.label,
            score=box.score,
            box=box.box,
            length_px=max(shape.length - self._card.length_bias_px, 0.0),
            width_px=max(shape.width - self._card.width_bias_px, 0.0),
            area_px=shape.area,
            outline=shape.outline,
        )


@contextmanager
def open_instances(settings: HeadSettings, context: Context, card: ModelCard) -> Iterator[InstanceDecoder]:
    """A decoder for this card's head and prototypes."""
    del context
    yield InstanceDecoder(settings, card)


PLUGIN = Plugin(settings_model=HeadSettings, open=open_instances)
