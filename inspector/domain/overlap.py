"""Which boxes show the same thing: suppression inside one view, joining across the seams of several."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import FrameError
from inspector.domain.geometry import Box

Boxes = NDArray[np.float64]
"""Shape (n, 4): left, top, right, bottom, px."""
EDGE_PX = 3.0
"""A box that ends this near to a tile's inner edge was cut by it."""


def suppress(
    boxes: Boxes,
    scores: NDArray[np.float64],
    groups: NDArray[np.int64],
    *,
    iou: float,
    ios: float = 1.0,
    most: int,
) -> NDArray[np.int64]:
    """Indices of the boxes that remain, best first.

    A box goes if one of its own group with a higher score overlaps it by more than ``iou`` (intersection over union)
    or ``ios`` (intersection over the smaller of the two).

    Raises:
        FrameError: more than ``most`` remain.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        if len(kept) > most:
            raise FrameError(f"too many candidates: more than {most} things seen; the scene is torn, noisy or covered")
        over_union, over_smaller = _overlap(boxes[best], boxes[rest])
        same = (groups[rest] == groups[best]) & ((over_union > iou) | (over_smaller > ios))
        order = rest[~same]
    return np.array(kept, np.int64)


def join(
    boxes: Boxes,
    scores: NDArray[np.float64],
    groups: NDArray[np.int64],
    views: NDArray[np.int64],
    areas: Sequence[Box],
    *,
    iou: float,
    ios: float,
) -> list[NDArray[np.int64]]:
    """Which boxes are one thing, each cluster best first; one view sees a thing only once.

    ``views``: which tile saw the box; ``areas``: what each tile sees. Two boxes of a group from different tiles are
    one thing if they overlap by more than ``iou`` or ``ios``, or if each was cut by an inner edge of its tile that
    the other one crosses: then they are two ends of one thing.
    """
    count = len(boxes)
    parents = list(range(count))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    cut = _cut(boxes, views, areas)
    for first in range(count):
        others = np.arange(first + 1, count)
        over_union, over_smaller = _overlap(boxes[first], boxes[others])
        near = (groups[others] == groups[first]) & (views[others] != views[first])
        alike = (over_union > iou) | (over_smaller > ios) | _two_ends(boxes, cut, first, others)
        for other in others[near & alike]:
            parents[root(int(other))] = root(first)
    clusters: dict[int, list[int]] = {}
    for index in np.argsort(-scores, kind="stable"):
        clusters.setdefault(root(int(index)), []).append(int(index))
    return [np.array(members, np.int64) for members in clusters.values()]


def union(boxes: Boxes) -> NDArray[np.float64]:
    """The smallest box around all of these."""
    around: NDArray[np.float64] = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    return around


def clipped(boxes: Boxes, width: float, height: float) -> Boxes:
    """Boxes without what lies outside of a picture."""
    inside: Boxes = np.clip(boxes, 0.0, np.array([width, height, width, height]))
    return inside


def as_boxes(boxes: Boxes) -> Iterator[Box]:
    """Rows as the house's noun."""
    for left, top, right, bottom in boxes.tolist():
        yield Box(x=left, y=top, width=max(right - left, 0.0), height=max(bottom - top, 0.0))


def _overlap(one: NDArray[np.float64], many: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intersection over union, and over the smaller, of one box with each of many."""
    width = np.minimum(one[2], many[:, 2]) - np.maximum(one[0], many[:, 0])
    height = np.minimum(one[3], many[:, 3]) - np.maximum(one[1], many[:, 1])
    inner = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    own = (one[2] - one[0]) * (one[3] - one[1])
    others = (many[:, 2] - many[:, 0]) * (many[:, 3] - many[:, 1])
    tiny = np.finfo(np.float64).tiny
    return inner / np.maximum(own + others - inner, tiny), inner / np.maximum(np.minimum(own, others), tiny)


def _cut(boxes: Boxes, views: NDArray[np.int64], areas: Sequence[Box]) -> NDArray[np.bool_]:
    """For each box and side (left, top, right, bottom): does it end at an inner edge of its tile?"""
    edges = np.array([(area.x, area.y, area.right, area.bottom) for area in areas])
    outer = np.concatenate([edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)])
    inner = edges != outer
    ends: NDArray[np.bool_] = (np.abs(boxes - edges[views]) <= EDGE_PX) & inner[views]
    return ends


def _two_ends(boxes: Boxes, cut: NDArray[np.bool_], first: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether box ``first`` and each other one go on where the other was cut."""
    one, many = boxes[first], boxes[others]
    gap = 2 * EDGE_PX
    tall = np.minimum(one[3], many[:, 3]) - np.maximum(one[1], many[:, 1])
    wide = np.minimum(one[2], many[:, 2]) - np.maximum(one[0], many[:, 0])
    meets = np.zeros(len(others), np.bool_)
    for low, high in ((0, 2), (1, 3)):
        meets |= (cut[first, high] & cut[others, low]) | (cut[first, low] & cut[others, high])
    together: NDArray[np.bool_] = meets & (tall >= -gap) & (wide >= -gap)
    return together
