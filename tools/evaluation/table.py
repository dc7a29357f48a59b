"""Lay what was seen beside the truth: one row a picture, so that every figure is a sum over weighted rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box
from tools.data.masks import all_marks, truth_mask
from tools.data.record import MaskKind, Record
from tools.evaluation.looking import Look
from tools.metrics.components import SIZE_NAMES, TrueCells, compare, size_bin, true_cells, widened
from tools.metrics.detection import Boxes
from tools.metrics.pixels import LEVELS, count_pixels

THRESHOLDS: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.linspace(-8.0, 8.0, 81)))
"""Where pieces are counted; the middle one is 0.5."""
PLAIN = 40
_SLACK_PX = 16.0
_INSIDE_SHARE = 0.25
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One picture. Arrays over thresholds (t), classes (c), sizes (s) or levels (l) as named.

    ``known``: its truth is known pixel by pixel; only then the counts of pieces, sizes and pixels are not zero.
    ``removed``: strongest score outside its defects, widened by two cells; ``hit``: the strongest cell lies on a
    defect widened by one; ``chance``: the share of cells that do. NaN for good pictures and unknown places.
    """

    record: Record
    score: float
    class_scores: Floats
    class_bad: NDArray[np.bool_]
    known: bool
    undecided: bool
    removed: float
    hit: float
    chance: float
    wrong_t: Floats
    right_t: Floats
    found_tc: Floats
    same_tc: Floats
    defects_c: Floats
    pieces_tc: Floats
    same_pieces_tc: Floats
    found_ts: Floats
    defects_s: Floats
    pixels_bad_l: Floats
    pixels_good_l: Floats
    overlap_l: Floats
    regions: int
    confidences: Floats
    rights: NDArray[np.bool_]
    boxes: Boxes


def make_row(look: Look, labels: Sequence[str]) -> Row:
    """Compare one look with its record's truth."""
    record, classes = look.record, len(labels)
    mask = truth_mask(record, labels)
    truth = true_cells(mask, look.stride, classes)
    strongest = look.scores.max(axis=0)
    placed = not record.good and truth.near.any()
    outside = ~widened(truth.near)
    known = record.mask_kind.has_pixels
    counts = _count(look.scores, truth, classes) if known else _Counts.nothing(classes)
    pixels = count_pixels(strongest, truth, mask, look.stride) if known else None
    confidences, rights = judge_boxes(look.detections, truth, look.stride)
    return Row(
        record=record,
        score=float(strongest.max()),
        class_scores=look.scores.reshape(classes, -1).max(axis=1).astype(np.float64),
        class_bad=np.array([label in record.classes for label in labels], np.bool_),
        known=known,
        undecided=bool(look.undecided),
        removed=float(strongest[outside].max(initial=0.0)) if placed else float("nan"),
        hit=float(truth.near.ravel()[int(strongest.argmax())]) if placed else float("nan"),
        chance=float(truth.near.mean()) if placed else float("nan"),
        wrong_t=counts.wrong_t,
        right_t=counts.right_t,
        found_tc=counts.found_tc,
        same_tc=counts.same_tc,
        defects_c=counts.defects_c,
        pieces_tc=counts.pieces_tc,
        same_pieces_tc=counts.same_pieces_tc,
        found_ts=counts.found_ts,
        defects_s=counts.defects_s,
        pixels_bad_l=pixels.bad if pixels else np.zeros(LEVELS),
        pixels_good_l=pixels.good if pixels else np.zeros(LEVELS),
        overlap_l=pixels.overlap if pixels else np.zeros(LEVELS),
        regions=pixels.regions if pixels else 0,
        confidences=confidences,
        rights=rights,
        boxes=_boxes(look, labels),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    wrong_t: Floats
    right_t: Floats
    found_tc: Floats
    same_tc: Floats
    defects_c: Floats
    pieces_tc: Floats
    same_pieces_tc: Floats
    found_ts: Floats
    defects_s: Floats

    @classmethod
    def nothing(cls, classes: int) -> "_Counts":
        """Zeros."""
        t, s = len(THRESHOLDS), len(SIZE_NAMES)
        by_class = [np.zeros((t, classes)) for _ in range(4)]
        return cls(
            wrong_t=np.zeros(t),
            right_t=np.zeros(t),
            found_tc=by_class[0],
            same_tc=by_class[1],
            defects_c=np.zeros(classes),
            pieces_tc=by_class[2],
            same_pieces_tc=by_class[3],
            found_ts=np.zeros((t, s)),
            defects_s=np.zeros(s),
        )


def _count(scores: NDArray[np.float32], truth: TrueCells, classes: int) -> _Counts:
    """Count pieces and defects at every threshold. A defect of a class the card does not know counts by size only."""
    counts = _Counts.nothing(classes)
    bins = np.array([size_bin(int(size)) for size in truth.sizes_px], np.int64)
    own = truth.labels < classes
    counts.defects_c[:] = np.bincount(truth.labels[own], minlength=classes)
    counts.defects_s[:] = np.bincount(bins, minlength=len(SIZE_NAMES))
    highest = scores.max(initial=0.0)
    for index, threshold in enumerate(THRESHOLDS):
        if threshold > highest:
            break
        seen = compare(scores, truth, float(threshold))
        counts.wrong_t[index] = (~seen.piece_right).sum()
        counts.right_t[index] = seen.piece_right.sum()
        counts.found_tc[index] = np.bincount(truth.labels[own & seen.found], minlength=classes)
        counts.same_tc[index] = np.bincount(truth.labels[own & seen.same], minlength=classes)
        counts.pieces_tc[index] = np.bincount(seen.piece_label, minlength=classes)
        counts.same_pieces_tc[index] = np.bincount(seen.piece_label[seen.piece_same], minlength=classes)
        counts.found_ts[index] = np.bincount(bins[seen.found], minlength=len(SIZE_NAMES))
    return counts


def judge_boxes(detections: Sequence[Detection], truth: TrueCells, stride: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Confidence of each detection, and whether a quarter of its box lies on the box of a defect, 16 px of slack."""
    boxes = []
    for number in range(1, len(truth.labels) + 1):
        rows, columns = np.nonzero(truth.pieces == number)
        left, top = columns.min() * stride - _SLACK_PX, rows.min() * stride - _SLACK_PX
        right, bottom = (columns.max() + 1) * stride + _SLACK_PX, (rows.max() + 1) * stride + _SLACK_PX
        boxes.append(Box(x=float(left), y=float(top), width=float(right - left), height=float(bottom - top)))
    rights = [any(_share_inside(detection.box, box) >= _INSIDE_SHARE for box in boxes) for detection in detections]
    return np.array([detection.score for detection in detections], np.float64), np.array(rights, np.bool_)


def _share_inside(box: Box, around: Box) -> float:
    width = min(box.right, around.right) - max(box.x, around.x)
    height = min(box.bottom, around.bottom) - max(box.y, around.y)
    area = box.width * box.height
    return max(width, 0.0) * max(height, 0.0) / area if area else 0.0


def _boxes(look: Look, labels: Sequence[str]) -> Boxes:
    record = look.record
    marks = () if record.good or record.mask_kind is MaskKind.IMAGE else all_marks(record)
    return Boxes(
        width=record.width,
        height=record.height,
        truth=[(labels.index(mark.label), mark.box) for mark in marks if mark.label in labels],
        found=[(labels.index(d.label), d.box, d.score) for d in look.detections if d.label in labels],
    )
