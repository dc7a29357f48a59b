"""Which predicted pieces of a cell map are right, and which defects are found.

The rule: cells at or above a threshold form 8-connected pieces. A piece is RIGHT if at least a quarter of its
cells lie on true cells widened by one cell. A defect (an 8-connected piece of true cells of one class) is FOUND if
a right piece touches it, that is, shares a cell with it widened by one; it is found as the SAME class if the class
that is strongest over that piece is its own. ("Any overlap" would be gamed by one piece that covers the frame.)
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

INSIDE_SHARE = 0.25
SIZE_EDGES_PX = (1, 4, 16, 64, 256)
SIZE_NAMES = ("1", "2-4", "5-16", "17-64", "65-256", "over 256")
"""A defect's size is the longer side of the box around its pixels."""
_KERNEL = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCells:
    """The truth of one picture on the cells of a map.

    ``classes`` (rows, columns): 0 sound, else class index + 1, by most pixels. ``pixels``: defect pixels a cell.
    ``area``: pixels a cell (fewer at the rim). ``pieces``: number of the defect each cell belongs to, from 1; 0 none.
    ``labels`` and ``sizes_px``: class index and longer side of each defect. ``near``: true cells widened by one;
    ``reach``: for each defect, the flat numbers of its cells widened by one.
    """

    classes: NDArray[np.uint8]
    pixels: NDArray[np.int32]
    area: NDArray[np.int32]
    pieces: NDArray[np.int32]
    labels: NDArray[np.int64]
    sizes_px: NDArray[np.int64]
    near: NDArray[np.bool_]
    reach: tuple[NDArray[np.intp], ...]


def true_cells(mask: NDArray[np.uint8], stride: int, classes: int) -> TrueCells:
    """Count a mask (0 sound, else class index + 1) into cells of ``stride`` pixels; other values are no class's."""
    height, width = mask.shape
    rows, columns = -(-height // stride), -(-width // stride)
    y, x = np.nonzero(mask)
    counts = np.zeros((classes + 1, rows, columns), np.int32)
    np.add.at(counts, (np.minimum(mask[y, x] - 1, classes), y // stride, x // stride), 1)
    pixels = counts.sum(axis=0, dtype=np.int32)
    cell_class = np.where(pixels > 0, counts.argmax(axis=0) + 1, 0).astype(np.uint8)
    tall = np.minimum(stride, height - np.arange(rows, dtype=np.int32) * stride)
    wide = np.minimum(stride, width - np.arange(columns, dtype=np.int32) * stride)
    pieces, labels = _pieces(cell_class)
    return TrueCells(
        classes=cell_class,
        pixels=pixels,
        area=np.outer(tall, wide).astype(np.int32),
        pieces=pieces,
        labels=labels,
        sizes_px=_sizes(pieces, len(labels), y, x, stride),
        near=widened(cell_class > 0),
        reach=tuple(np.flatnonzero(widened(pieces == number)) for number in range(1, len(labels) + 1)),
    )


def _pieces(cell_class: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the defects: connected cells of one class."""
    pieces = np.zeros(cell_class.shape, np.int32)
    labels: list[int] = []
    for value in np.unique(cell_class[cell_class > 0]):
        count, own = cv2.connectedComponents((cell_class == value).astype(np.uint8), connectivity=8)
        pieces = np.where(own > 0, own + len(labels), pieces).astype(np.int32)
        labels += [int(value) - 1] * (count - 1)
    return pieces, np.array(labels, np.int64)


def _sizes(
    pieces: NDArray[np.int32], count: int, y: NDArray[np.intp], x: NDArray[np.intp], stride: int
) -> NDArray[np.int64]:
    """Longer side of the box around each defect's pixels."""
    owner = pieces[y // stride, x // stride] - 1
    spans = []
    for place in (y, x):
        low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
        np.minimum.at(low, owner, place)
        np.maximum.at(high, owner, place)
        spans.append(high - low + 1)
    return np.maximum(*spans).astype(np.int64) if count else np.zeros(0, np.int64)


def size_bin(size_px: int) -> int:
    """Index into ``SIZE_NAMES``."""
    return int(np.searchsorted(SIZE_EDGES_PX, size_px))


def widened(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells and their eight neighbours."""
    return np.asarray(cv2.dilate(cells.astype(np.uint8), _KERNEL), np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One map at one threshold. Arrays by predicted piece (``piece_*``) and by defect (``found``, ``same``)."""

    piece_right: NDArray[np.bool_]
    piece_label: NDArray[np.int64]
    piece_same: NDArray[np.bool_]
    found: NDArray[np.bool_]
    same: NDArray[np.bool_]


def compare(scores: NDArray[np.float32], truth: TrueCells, threshold: float) -> Compared:
    """Compare a score map (classes, rows, columns) with the truth at one threshold."""
    fired = (scores.max(axis=0) >= threshold).astype(np.uint8)
    count, pieces = cv2.connectedComponents(fired, connectivity=8)
    flat = pieces.ravel()
    lit = np.flatnonzero(flat)  # few: cells that fired
    own = flat[lit]
    cells = np.bincount(own, minlength=count)[1:]
    inside = np.bincount(own, truth.near.ravel()[lit], count)[1:]
    right = inside >= INSIDE_SHARE * cells
    sums = np.stack([np.bincount(own, channel.ravel()[lit], count)[1:] for channel in scores])
    label = sums.argmax(axis=0)
    piece_same = np.zeros(count - 1, np.bool_)
    found, same = np.zeros(len(truth.labels), np.bool_), np.zeros(len(truth.labels), np.bool_)
    for defect, reach in enumerate(truth.reach):
        touching = np.unique(flat[reach])
        touching = touching[touching > 0] - 1
        touching = touching[right[touching]]
        alike = touching[label[touching] == truth.labels[defect]]
        found[defect], same[defect] = len(touching) > 0, len(alike) > 0
        piece_same[alike] = True
    return Compared(piece_right=right, piece_label=label, piece_same=piece_same, found=found, same=same)
