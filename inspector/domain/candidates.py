"""What the views of one frame gave, before it is one list of detections: floored, bounded, merged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.errors import FrameError
from inspector.domain.geometry import Box
from inspector.domain.overlap import Boxes, as_boxes, clipped, join, suppress, union

_ROUNDING = 1e-3
_MOST_VIEWS_OF_ONE = 4
"""A thing at the corner of four tiles is seen by all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What one view of a frame gave. ``area``: what it covers; ``boxes``: frame pixels; all arrays are parallel."""

    area: Box
    boxes: Boxes
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRule:
    """When two boxes show one thing.

    ``nms_iou``: within a view, None where the model has suppressed already; ``across_classes``: whatever their class.
    ``seam_iou, seam_ios``: between views, over union and over the smaller. ``most``: more things than that are an
    unusable frame.
    """

    nms_iou: float | None
    seam_iou: float
    seam_ios: float
    most: int
    across_classes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing: its box around all views of it, best score, class, and its members as (view, row), best first."""

    box: NDArray[np.float64]
    score: float
    label: int
    members: tuple[tuple[int, int], ...]


def above(scores: NDArray[np.floating], floor: float, *, most: int) -> NDArray[np.int64]:
    """Indices of the scores that reach the floor.

    Raises:
        FrameError: more than ``most``: they could not be looked at in bounded time; or they are no scores: a model
            that computes nonsense has seen nothing, and nothing seen must not pass a part.
    """
    check_scores(scores)
    rows: NDArray[np.int64] = np.flatnonzero(scores >= floor)
    if rows.size > most:
        raise FrameError(
            f"too many candidates: {rows.size} raw boxes reach the score {floor:g}, more than {most}; "
            "the scene is torn, noisy or covered"
        )
    return rows


def check_scores(scores: NDArray[np.floating]) -> None:
    """Refuse what is no score.

    Raises:
        FrameError: a number that is none, or not from 0 to 1.
    """
    if not scores.size:
        return
    low, high = float(scores.min()), float(scores.max())
    if not (low >= -_ROUNDING and high <= 1.0 + _ROUNDING):  # NaN fails every comparison
        raise FrameError(
            f"the model gave scores from {low:g} to {high:g}; 0 to 1 is right: is it broken, or are these logits?"
        )


def merge(views: Sequence[Candidates], rule: MergeRule) -> list[Thing]:
    """One list of things for the whole frame, best first.

    Raises:
        FrameError: too many.
    """
    rows = [_suppressed(view, rule) for view in views]
    boxes = np.concatenate([view.boxes[keep] for view, keep in zip(views, rows, strict=True)])
    if not np.isfinite(boxes).all():
        raise FrameError("the model gave boxes that are none (not a number): is it broken?")
    if len(boxes) > _MOST_VIEWS_OF_ONE * rule.most:
        raise _too_many(len(boxes), rule.most)
    scores = np.concatenate([view.scores[keep] for view, keep in zip(views, rows, strict=True)])
    classes = np.concatenate([view.classes[keep] for view, keep in zip(views, rows, strict=True)])
    sources = [(index, int(row)) for index, keep in enumerate(rows) for row in keep]
    clusters = [np.array([index]) for index in np.argsort(-scores, kind="stable")]
    if len(views) > 1 and len(boxes) > 1:
        clusters = join(
            boxes,
            scores,
            np.zeros_like(classes) if rule.across_classes else classes,
            np.array([view for view, _ in sources]),
            [view.area for view in views],
            iou=rule.seam_iou,
            ios=rule.seam_ios,
        )
    if len(clusters) > rule.most:
        raise _too_many(len(clusters), rule.most)
    return [
        Thing(
            box=union(boxes[members]),
            score=min(max(float(scores[members[0]]), 0.0), 1.0),
            label=int(classes[members[0]]),
            members=tuple(sources[member] for member in members),
        )
        for members in clusters
    ]


def boxed(things: Sequence[Thing], labels: Sequence[str], width: int, height: int) -> tuple[Detection, ...]:
    """Things of which only a box is known: its longer side is the length, its shorter the width, an upper bound."""
    if not things:
        return ()
    inside = clipped(np.array([thing.box for thing in things]), width, height)
    return tuple(
        Detection(
            label=labels[thing.label],
            score=thing.score,
            box=box,
            length_px=max(box.width, box.height),
            width_px=min(box.width, box.height),
            area_px=box.width * box.height,
        )
        for thing, box in zip(things, as_boxes(inside), strict=True)
    )


def _suppressed(view: Candidates, rule: MergeRule) -> NDArray[np.int64]:
    if rule.nms_iou is None:
        return np.argsort(-view.scores, kind="stable")
    groups = np.zeros_like(view.classes) if rule.across_classes else view.classes
    return suppress(view.boxes, view.scores, groups, iou=rule.nms_iou, most=rule.most)


def _too_many(count: int, most: int) -> FrameError:
    return FrameError(
        f"too many candidates: {count} things seen, more than {most}; the scene is torn, noisy or covered"
    )
