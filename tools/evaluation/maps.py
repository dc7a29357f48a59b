"""Score maps of whole pictures, 0 to 1, in the shape (classes, rows, columns), whatever the model's task."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box
from inspector.ports.model import ModelCard, TileOutput

BOX_STRIDE = 8
"""Pixels a cell of a map that is painted from boxes, or taken from a scaled frame."""
_MAP_DIMENSIONS = 4
Scores = NDArray[np.float32]


def score_map(
    card: ModelCard, outputs: Sequence[TileOutput], detections: Sequence[Detection], height: int, width: int
) -> tuple[Scores, int]:
    """The model's own map where it has one, else its boxes painted with their confidence; and its stride."""
    if outputs and card.task == "segmentation" and _is_class_map(card, outputs):
        return class_map(card, outputs, height, width), card.output.stride
    if outputs and card.task == "anomaly":
        return anomaly_map(card, outputs, height, width), BOX_STRIDE
    return painted(detections, card.labels, height, width), BOX_STRIDE


def _is_class_map(card: ModelCard, outputs: Sequence[TileOutput]) -> bool:
    shape = outputs[0].arrays[0].shape
    return len(shape) == _MAP_DIMENSIONS and shape[1] == len(card.labels) and outputs[0].tile.native


def class_map(card: ModelCard, outputs: Sequence[TileOutput], height: int, width: int) -> Scores:
    """Paste the tiles' cells together; logits to 0..1 by the card."""
    spec = card.output
    stride = spec.stride
    whole = np.zeros((len(card.labels), -(-height // stride), -(-width // stride)), np.float32)
    for output in outputs:
        tile, keep = output.tile, output.tile.keep
        top, left = int(keep.y) // stride, int(keep.x) // stride
        bottom, right = -(-int(keep.bottom) // stride), -(-int(keep.right) // stride)
        row, column = (int(keep.y) - tile.y) // stride, (int(keep.x) - tile.x) // stride
        cells = output.arrays[0][0, :, row : row + bottom - top, column : column + right - left]
        logits = (cells.astype(np.float32) - spec.zero_point) * spec.scale
        whole[:, top:bottom, left:right] = 1.0 / (1.0 + np.exp(-logits))
    return whole


def anomaly_map(card: ModelCard, outputs: Sequence[TileOutput], height: int, width: int) -> Scores:
    """Look every frame cell's centre up in the map of the tile that answers for it; all in the first class."""
    rows, columns = -(-height // BOX_STRIDE), -(-width // BOX_STRIDE)
    whole = np.zeros((len(card.labels), rows, columns), np.float32)
    y = np.minimum((np.arange(rows) + 0.5) * BOX_STRIDE, height - 0.5)
    x = np.minimum((np.arange(columns) + 0.5) * BOX_STRIDE, width - 0.5)
    for output in outputs:
        tile, keep = output.tile, output.tile.keep
        values = _finished(output.arrays[0].reshape(output.arrays[0].shape[-2:]), card, single=len(outputs) == 1)
        own_rows = np.flatnonzero((y >= keep.y) & (y < keep.bottom))
        own_columns = np.flatnonzero((x >= keep.x) & (x < keep.right))
        at_row = ((y[own_rows] - tile.y) * tile.scale_y + tile.pad_y) / card.output.stride
        at_column = ((x[own_columns] - tile.x) * tile.scale_x + tile.pad_x) / card.output.stride
        picked = np.ix_(
            np.clip(at_row.astype(np.int64), 0, values.shape[0] - 1),
            np.clip(at_column.astype(np.int64), 0, values.shape[1] - 1),
        )
        whole[0][np.ix_(own_rows, own_columns)] = values[picked]
    return whole


def _finished(values: NDArray[Any], card: ModelCard, *, single: bool) -> Scores:
    """As the line's decoder reads the numbers: rings at the frame's border softened, ratios to 0..1."""
    settings = card.decoder_settings
    found = values.astype(np.float32)
    gain = tuple(settings.get("edge_gain", ()))
    if gain and single:
        inwards = [np.minimum(np.arange(length), np.arange(length)[::-1]) for length in found.shape]
        ring = np.minimum(np.minimum.outer(*inwards), len(gain))
        found *= np.array([*gain, 1.0], np.float32)[ring]
    if settings.get("values", "score") == "ratio":
        ratio = np.maximum(found, 0.0)
        return np.asarray(ratio / (1.0 + ratio), np.float32)
    return np.clip(found, 0.0, 1.0)


def painted(detections: Sequence[Detection], labels: Sequence[str], height: int, width: int) -> Scores:
    """Paint boxes with their confidence, the strongest on top."""
    cells = np.zeros((len(labels), -(-height // BOX_STRIDE), -(-width // BOX_STRIDE)), np.float32)
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
