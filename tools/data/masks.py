"""Turn a record's truth into class values, pixel by pixel, and masks into marks."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.geometry import Box
from tools.data.pictures import read_mask
from tools.data.record import Mark, MaskKind, Record


def truth_mask(record: Record, labels: Sequence[str]) -> NDArray[np.uint8]:
    """Paint a record's truth, (height, width): 0 sound, else index in ``labels`` + 1.

    A class that is not among ``labels`` is painted as ``len(labels) + 1``. Boxes without pixels are filled:
    ``record.mask_kind`` says what the result is good for.
    """
    canvas = np.zeros((record.height, record.width), np.uint8)
    if record.mask is not None:
        values = read_mask(record.mask)
        if len(record.mask_labels) == 1:
            values = (values > 0).astype(np.uint8)
        table = np.zeros(256, np.uint8)
        table[1 : len(record.mask_labels) + 1] = [_value(label, labels) for label in record.mask_labels]
        return np.asarray(table[values], np.uint8)
    for mark in record.marks:
        canvas[mark_pixels(mark, record.height, record.width) > 0] = _value(mark.label, labels)
    return canvas


def _value(label: str, labels: Sequence[str]) -> int:
    return labels.index(label) + 1 if label in labels else len(labels) + 1


def mark_pixels(mark: Mark, height: int, width: int) -> NDArray[np.uint8]:
    """Paint one mark as 1."""
    if mark.runs:
        return runs_to_mask(mark.runs, height, width)
    canvas = np.zeros((height, width), np.uint8)
    if mark.outlines:
        rings = [np.rint(np.asarray(outline.corners)).astype(np.int32) for outline in mark.outlines]
        for ring in rings:
            cv2.fillPoly(canvas, [ring], (1,))
        return canvas
    box = mark.box
    canvas[max(round(box.y), 0) : max(round(box.bottom), 0), max(round(box.x), 0) : max(round(box.right), 0)] = 1
    return canvas


def marks_of_mask(values: NDArray[np.uint8], labels: Sequence[str]) -> tuple[Mark, ...]:
    """One mark for each 8-connected piece of each class."""
    marks = []
    for index, label in enumerate(labels):
        own = (values == index + 1).astype(np.uint8)
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
        for piece in range(1, count):
            x, y, width, height = (int(number) for number in stats[piece][:4])
            marks.append(
                Mark(
                    label=label,
                    box=Box(x=x, y=y, width=width, height=height),
                    runs=mask_to_runs((pieces == piece).astype(np.uint8)),
                )
            )
    return tuple(marks)


def all_marks(record: Record) -> tuple[Mark, ...]:
    """The record's marks; where only a mask is there, its pieces."""
    if record.marks and not (record.mask is not None and record.mask_kind is MaskKind.PIXEL):
        return record.marks
    if record.mask is None:
        return record.marks
    return marks_of_mask(truth_mask(record, record.mask_labels), record.mask_labels)


def mask_to_runs(mask: NDArray[np.uint8]) -> tuple[int, ...]:
    """COCO's run-length code: lengths of 0s and 1s in turn, down the columns, 0s first."""
    flat = np.concatenate(([0], (mask > 0).astype(np.int8).ravel(order="F"), [2]))
    edges = np.flatnonzero(np.diff(flat))
    starts = [0, *edges.tolist()]
    return tuple(b - a for a, b in pairwise(starts))


def runs_to_mask(runs: Sequence[int], height: int, width: int) -> NDArray[np.uint8]:
    """Undo ``mask_to_runs``.

    Raises:
        ValueError: the runs do not fill the picture.
    """
    if sum(runs) != height * width:
        raise ValueError(f"a run-length code of {sum(runs)} pixels for a picture of {height * width}")
    values = np.arange(len(runs), dtype=np.uint8) % 2
    return np.repeat(values, runs).reshape((height, width), order="F")


def runs_of_text(text: str) -> tuple[int, ...]:
    """Read COCO's compressed run-length text: 6-bit groups from "0" on, differences to the run but one before."""
    runs: list[int] = []
    place = 0
    while place < len(text):
        number = shift = 0
        more = True
        while more:
            group = ord(text[place]) - 48
            number |= (group & 0x1F) << shift
            more = bool(group & 0x20)
            place += 1
            shift += 5
            if not more and group & 0x10:
                number |= -1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))  # noqa: PLR2004 - the first two are whole
    return tuple(runs)
