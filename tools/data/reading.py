"""Recognise a layout and read it."""

import csv
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from inspector.domain.errors import ConfigError
from tools.data import coco, folders, manifest, pairs, reviews, voc, yolo
from tools.data.record import Choice, Dataset, Record, Trouble

_Layout = tuple[Callable[[Path], bool], Callable[[Path, Choice], Dataset]]
LAYOUTS: Mapping[str, _Layout] = {
    "manifest": (manifest.is_here, manifest.read),
    "reviews": (reviews.is_here, reviews.read),
    "mvtec": (folders.is_mvtec, folders.read_mvtec),
    "yolo": (yolo.is_here, yolo.read),
    "voc": (voc.is_here, voc.read),
    "pairs": (pairs.is_here, pairs.read),
    "coco": (coco.is_here, coco.read),
    "folders": (folders.is_classes, folders.read_classes),
}
"""In the order in which they are looked for: the first that fits is taken."""


def recognise(root: Path) -> str:
    """Name the layout of a folder.

    Raises:
        ConfigError: it has none that is known.
    """
    if not root.exists():
        raise ConfigError(f"{root}: no such folder")
    for name, (is_here, _) in LAYOUTS.items():
        if is_here(root):
            return name
    raise ConfigError(
        f"{root}: no known layout; there are: manifest (manifest.csv), "
        "reviews (*.jsonl), mvtec (train/good, test, ground_truth), "
        "yolo (images, labels, data.yaml), voc (Annotations), pairs (NAME_mask.png), coco (*.json), "
        "folders (one a class)"
    )


def read(root: Path, choice: Choice | None = None, *, layout: str = "") -> Dataset:
    """Read what is chosen of a folder; what cannot be used is set aside, with the reason.

    Raises:
        ConfigError: no known layout, a file that describes the whole set is wrong, or nothing usable is left.
    """
    name = layout or recognise(root)
    if name not in LAYOUTS:
        raise ConfigError(f"--layout {name!r} is unknown; there are: {', '.join(LAYOUTS)}")
    dataset = _with_ids_apart(LAYOUTS[name][1](root, choice or Choice()))
    if not dataset.records:
        first = (
            f"; the first: {dataset.troubles[0].path.name}: {dataset.troubles[0].reason}" if dataset.troubles else ""
        )
        raise ConfigError(f"{root}: no usable picture is among those chosen; {len(dataset.troubles)} set aside{first}")
    return dataset


def _with_ids_apart(dataset: Dataset) -> Dataset:
    """Set a record aside whose id came before: two pictures of one name cannot be told apart in a report."""
    known: Counter[str] = Counter()
    kept: list[Record] = []
    troubles = list(dataset.troubles)
    for record in dataset.records:
        known[record.id] += 1
        if known[record.id] > 1:
            troubles.append(Trouble(path=record.image, reason=f"id {record.id!r} is used twice; the first counts"))
        else:
            kept.append(record)
    return replace(dataset, records=tuple(kept), troubles=tuple(troubles))


def known_to(dataset: Dataset, labels: Collection[str]) -> Dataset:
    """Set aside what bears a class that a model's card does not know; good pictures stay."""
    kept: list[Record] = []
    troubles = list(dataset.troubles)
    for record in dataset.records:
        foreign = [label for label in record.classes if label not in labels]
        if foreign:
            told = f"class {foreign[0]!r} is unknown to the card; it knows: {', '.join(labels)}"
            troubles.append(Trouble(path=record.image, reason=told))
        else:
            kept.append(record)
    return replace(dataset, records=tuple(kept), troubles=tuple(troubles))


def renamed(dataset: Dataset, names: Mapping[str, str]) -> Dataset:
    """Call classes by other names, everywhere in a data set."""

    def new(labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names.get(label, label) for label in labels))

    records = tuple(
        replace(
            record,
            classes=new(record.classes),
            mask_labels=tuple(names.get(label, label) for label in record.mask_labels),
            marks=tuple(replace(mark, label=names.get(mark.label, mark.label)) for mark in record.marks),
        )
        for record in dataset.records
    )
    return replace(dataset, labels=new(dataset.labels), records=records)


def with_sides(dataset: Dataset, sides: Mapping[Path, str], wanted: Collection[str] = ()) -> Dataset:
    """Take the sides of a list (``python -m tools.data split`` writes one) for splits, and only pictures on it.

    Raises:
        ConfigError: none of the list's pictures is here.
    """
    resolved = {path.resolve(): side for path, side in sides.items()}
    records = tuple(
        replace(record, split=resolved[record.image.resolve()])
        for record in dataset.records
        if record.image.resolve() in resolved
    )
    records = tuple(record for record in records if not wanted or record.split in wanted)
    if not records:
        raise ConfigError(
            f"--list: none of its {len(sides)} pictures is among the {len(dataset.records)} chosen of {dataset.root}"
        )
    return replace(dataset, records=records)


def read_sides(path: Path) -> Mapping[Path, str]:
    """Read a list of files and sides.

    Raises:
        ConfigError: it is none.
    """
    try:
        with path.open(newline="", encoding="utf-8") as table:
            rows = list(csv.DictReader(table))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if not rows or not {"file", "side"} <= set(rows[0]):
        raise ConfigError(f"{path}: has no columns file and side; python -m tools.data split writes such a list")
    return {Path(row["file"]): row["side"] for row in rows}
