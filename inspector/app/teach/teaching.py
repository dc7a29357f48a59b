"""Teaching from folder to package: read, choose the scale, learn, try the bad pictures, write."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from inspector.app.teach import edge, graph, naming, package, pictures, scale
from inspector.app.teach.eyes import LEAST_CELLS, Backbone, Eyes, load_backbone, open_eyes, within_margin
from inspector.app.teach.gaussian import Floats
from inspector.app.teach.lesson import Lesson, distances, learn
from inspector.app.teach.package import Place
from inspector.app.teach.pictures import Skipped
from inspector.domain.errors import ConfigError

_REGION_SHARE = 0.82
"""Cells from this share of the limit on belong to a region, as the decoder has it."""
_FEWEST_NAMES = 2

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for. ``shrink``: 1, 2 or 4; 0 lets the good pictures choose."""

    good: Path
    bad: Path | None
    place: Place
    promise: float
    shrink: int
    keep_odd: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Pictures of bad parts of one kind: how many there are, and how many are above the limit."""

    label: str
    pictures: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it. ``chosen``: why this scale."""

    lesson: Lesson
    shrink: int
    chosen: str
    tried: tuple[Tried, ...]
    names: naming.Names | None
    skipped_bad: tuple[Skipped, ...]
    seconds: float


@dataclass(slots=True)
class _Bad:
    """What the bad pictures gave."""

    tried: list[Tried] = field(default_factory=list)
    regions: dict[str, list[Floats]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


def teach(order: Order, tell: Tell) -> Outcome:
    """Teach a model and write its package and recipe.

    Raises:
        ConfigError: a folder is not there, a name is taken, the backbone is missing.
        FrameError: too few pictures can be used.
    """
    begun = time.perf_counter()
    order.place.must_be_free()
    good, bad = pictures.files(order.good), _labelled(order.bad)
    backbone = load_backbone()
    shrink, chosen = order.shrink, "as asked for"
    if not shrink:
        everything_bad = [path for paths in bad.values() for path in paths]
        shrink, chosen = scale.choose(backbone, good, everything_bad, tell)
    with open_eyes(backbone, shrink=shrink) as eyes:
        usable = pictures.read(good, smallest_px=LEAST_CELLS * eyes.cell_px)
        lesson = learn(eyes, usable, promise=order.promise, keep_odd=order.keep_odd, tell=tell)
        seen = _try(eyes, lesson, bad, tell)
        names = naming.learn(seen.regions) if len(seen.regions) >= _FEWEST_NAMES else None
        outcome = Outcome(
            lesson=lesson,
            shrink=shrink,
            chosen=chosen,
            tried=tuple(seen.tried),
            names=names,
            skipped_bad=tuple(seen.skipped),
            seconds=time.perf_counter() - begun,
        )
        _write(order, eyes, backbone, outcome)
    return outcome


def _write(order: Order, eyes: Eyes, backbone: Backbone, outcome: Outcome) -> None:
    lesson, names = outcome.lesson, outcome.names
    evidence = None if names is None else (names.weight, names.bias)
    model = graph.taught(eyes.graph, lesson.gaussian, limit=lesson.limit.value, names=evidence)
    package.write(
        order.place,
        model,
        lesson,
        shrink=outcome.shrink,
        backbone=backbone.facts,
        names=names,
        says=sentences(outcome),
    )


def sentences(outcome: Outcome) -> list[str]:
    """What the engineer must know, plainly."""
    lesson = outcome.lesson
    told = [f"promised false rejects {lesson.limit.promise:.1%}: {lesson.limit.support}"]
    told.append(f"working scale 1/{outcome.shrink}: {outcome.chosen}")
    if len(lesson.shapes) > 1:
        sizes = ", ".join(f"{width} x {height}" for height, width in lesson.shapes[:4])
        told.append(f"the pictures have {len(lesson.shapes)} sizes ({sizes} ...): a line's camera has one; is it so?")
    told += [
        f"{one.path.name} is odd: {one.times:.2f} times the typical score, at {one.where.x:.0f},{one.where.y:.0f} px; "
        + ("left out" if one.path not in lesson.taught else "taught all the same")
        for one in lesson.odd
    ]
    told += [f"not used: {one.reason}" for one in (*lesson.skipped, *outcome.skipped_bad)]
    told += [f"of {one.pictures} bad pictures ({one.label}) {one.found} are above the limit" for one in outcome.tried]
    names = outcome.names
    if names is not None:
        told.append(
            f"names {', '.join(names.labels)} are suggestions: {names.right} of {names.tried} regions that were held "
            "back got the right one; what fits none keeps the label anomaly"
        )
    return told


def _labelled(folder: Path | None) -> Mapping[str, Sequence[Path]]:
    """Bad pictures by label: one sub-folder a label, or pictures without a name."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ConfigError(f"--bad {folder}: no such folder")
    kinds = sorted(path for path in folder.iterdir() if path.is_dir())
    if not kinds:
        return {package.ANOMALY: pictures.files(folder)}
    return {kind.name: pictures.files(kind) for kind in kinds}


def _try(eyes: Eyes, lesson: Lesson, bad: Mapping[str, Sequence[Path]], tell: Tell) -> _Bad:
    """Look at the bad pictures with what was learnt."""
    result = _Bad()
    for label, paths in bad.items():
        found = looked = 0
        for picture in pictures.read(paths, smallest_px=LEAST_CELLS * eyes.cell_px):
            if isinstance(picture, Skipped):
                result.skipped.append(picture)
                continue
            looked += 1
            cells = within_margin(eyes.see(picture.pixels))
            strongest, region = _region(lesson, cells)
            found += strongest > lesson.limit.value
            if label != package.ANOMALY:
                result.regions.setdefault(label, []).append(region)
            tell(f"tried: {picture.path}")
        result.tried.append(Tried(label=label, pictures=looked, found=found))
    return result


def _region(lesson: Lesson, cells: Floats) -> tuple[float, Floats]:
    """The strongest distance, and the mean whitened features of the cells around it that stand out."""
    rows, columns, channels = cells.shape
    whitened = lesson.gaussian.whitened(cells.reshape(-1, channels))
    softened = edge.softened(distances(lesson.gaussian, cells), lesson.edge_gain).ravel()
    peak = int(softened.argmax())
    floor = min(_REGION_SHARE * lesson.limit.value, float(softened[peak]))
    _, labels = cv2.connectedComponents((softened >= floor).astype(np.uint8).reshape(rows, columns), connectivity=8)
    own = labels.ravel() == labels.ravel()[peak]
    mean: Floats = whitened[own].mean(axis=0)
    return float(softened[peak]), mean
