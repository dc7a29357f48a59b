"""Gather what a run learns from: labelled pictures, rendered scenes, painted cracks; and what is held back."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inspector.adapters.camera_folder.images import read_image
from inspector.domain.errors import ConfigError
from inspector.pipeline import preprocess
from tools.data import duplicates
from tools.data.masks import truth_mask
from tools.data.reading import known_to, read, read_sides, renamed, with_sides
from tools.data.record import Choice, Dataset, MaskKind, Record, Trouble
from tools.data.splitting import split
from tools.plan import LABELS
from tools.training.cells import BOXED, UNKNOWN_PIXEL
from tools.training.picture import Picture, picture
from tools.training.plan import Plan
from tools.training.sampler import Pool

HELD = "held"
_MOST_MEGAPIXELS = 3_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What there is: ``pools`` and ``used`` to train on, ``held`` kept aside, ``labels`` the net's classes."""

    pools: list[Pool]
    labels: tuple[str, ...]
    used: tuple[Record, ...]
    held: tuple[Record, ...]
    troubles: tuple[Trouble, ...]


def gather(plan: Plan) -> Material:
    """Read the labelled pictures that a plan asks for; rendered scenes are the run's own.

    Raises:
        ConfigError: the data cannot be used, or holds nothing to learn from.
    """
    if not plan.data:
        return Material(pools=[], labels=plan.labels or LABELS, used=(), held=(), troubles=())
    dataset = _chosen(plan)
    labels = plan.labels or _shown(dataset, scenes=plan.scenes > 0)
    dataset = _learnable(known_to(dataset, labels))
    used, held = divide(dataset.records, plan)
    size = sum(record.megapixels for record in used)
    if size > _MOST_MEGAPIXELS:
        raise ConfigError(f"{plan.data}: {size:.0f} megapixels to train on; up to {_MOST_MEGAPIXELS:.0f} fit in memory")
    rng = np.random.default_rng(plan.seed)
    by_source: dict[str, list[Picture]] = {}
    for record in used:
        by_source.setdefault(record.source, []).append(load(record, labels, rng))
    share = (1.0 - plan.scenes) / len(by_source)
    if plan.painted and "crack" not in labels:
        raise ConfigError(f"--painted {plan.painted}: cracks are painted, but the classes are {', '.join(labels)}")
    crack = labels.index("crack") + 1 if "crack" in labels else 0
    pools = [
        Pool(pictures=pictures, share=share, painted=plan.painted, pasted=plan.pasted, crack=crack)
        for pictures in by_source.values()
    ]
    return Material(pools=pools, labels=labels, used=used, held=held, troubles=dataset.troubles)


def _shown(dataset: Dataset, *, scenes: bool) -> tuple[str, ...]:
    """Name the classes that occur: the usual ones in their usual order, then the others."""
    if scenes:
        return LABELS
    seen = {label for record in dataset.records for label in record.classes}
    labels = (*(label for label in LABELS if label in seen), *sorted(seen - set(LABELS)))
    if not labels:
        raise ConfigError(
            f"{dataset.root}: all {len(dataset.records)} pictures are good; a net learns from defects too: "
            "`inspector model teach` learns from good parts alone"
        )
    return labels


def _chosen(plan: Plan) -> Dataset:
    choice = Choice(splits=() if plan.sides else plan.splits, sources=plan.sources, shippable=plan.shippable)
    dataset = renamed(read(Path(plan.data), choice, layout=plan.layout), plan.rename)
    if plan.sides:
        dataset = with_sides(dataset, read_sides(Path(plan.sides)))
        kept = tuple(record for record in dataset.records if record.split != plan.fold)
        if not kept or len(kept) == len(dataset.records):
            sides = ", ".join(sorted({record.split for record in dataset.records}))
            raise ConfigError(f"--fold {plan.fold!r}: the list's sides are {sides}")
        dataset = replace(dataset, records=kept)
    if plan.only_good:
        goods = tuple(record for record in dataset.records if record.good)
        if not goods or not plan.labels:
            raise ConfigError("--only-good needs good pictures, and --labels to name what is painted on them")
        dataset = replace(dataset, records=goods)
    return dataset


def _learnable(dataset: Dataset) -> Dataset:
    """Set aside pictures of which only the class is known: a map is learned from masks and boxes."""
    kept: list[Record] = []
    troubles = list(dataset.troubles)
    for record in dataset.records:
        if record.mask_kind is MaskKind.IMAGE and not record.good:
            troubles.append(Trouble(path=record.image, reason="has neither mask nor box to learn from, only a class"))
        else:
            kept.append(record)
    if not kept:
        raise ConfigError(f"{dataset.root}: no picture has a mask or a box, and none is good: nothing to learn from")
    for trouble in troubles:
        print(f"set aside: {trouble.path}: {trouble.reason}", file=sys.stderr)
    return replace(dataset, records=tuple(kept), troubles=tuple(troubles))


def divide(records: Sequence[Record], plan: Plan) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Keep whole parts aside for the limits, seeded; then take at most ``limit`` of the others, classes alike."""
    used: tuple[Record, ...] = tuple(records)
    held: tuple[Record, ...] = ()
    if plan.hold and len(records) > 1:
        groups = duplicates.groups_of(records)
        if len(set(groups)) > 1:
            sides = split(records, groups, {"train": 1.0 - plan.hold, HELD: plan.hold}, plan.seed)
            used = tuple(r for r, side in zip(records, sides, strict=True) if side != HELD)
            held = tuple(r for r, side in zip(records, sides, strict=True) if side == HELD)
    return (limited(used, plan.limit, plan.seed), held) if plan.limit else (used, held)


def limited(records: Sequence[Record], limit: int, seed: int) -> tuple[Record, ...]:
    """Take ``limit`` records, in turn of each class and of the good ones, at random."""
    rng = np.random.default_rng(seed)
    order = [records[int(i)] for i in rng.permutation(len(records))]
    kinds: defaultdict[str, list[Record]] = defaultdict(list)
    for record in order:
        kinds[record.classes[0] if record.classes else "good"].append(record)
    taken: list[Record] = []
    while len(taken) < min(limit, len(records)):
        for own in kinds.values():
            if own and len(taken) < limit:
                taken.append(own.pop())
    return tuple(taken)


def load(record: Record, labels: Sequence[str], rng: np.random.Generator) -> Picture:
    """Read one record's light and its mask, values as in ``cells``."""
    pixels, pixel_format = read_image(record.image)
    grey = np.array(preprocess.grey(pixels, pixel_format))
    mask = truth_mask(record, labels)
    mask[mask > len(labels)] = UNKNOWN_PIXEL
    if record.mask_kind is MaskKind.BOXES:
        boxed = (mask > 0) & (mask <= len(labels))
        mask[boxed] += BOXED
    return picture(grey, mask, rng)
