"""Reads ``manifest.csv`` with ``images/`` and ``masks/``: the layout of the development data and of rendered scenes."""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Box
from tools.data.pictures import Picture, examine, examine_mask, set_aside
from tools.data.record import UNSTATED, Choice, Dataset, Mark, MaskKind, Record, Trouble

FILE = "manifest.csv"
LABELS = ("crack", "scratch", "dent", "stain", "other")
"""Mask values 1 to 5, unless ``labels.txt`` beside the manifest names others."""
_NEEDED = ("file", "mask", "good", "classes", "mask_kind")
_PARTS: Mapping[str, str] = {
    "bsd": r"__01_\d+_(\d+_\d+)_crop",
    "ksdd": r"(kos\d+)",
    "omu": r"__(.+)_\d+_\d+$",
    "neu": r"__(.+)$",
}
"""How a source names its parts: the capture of this pattern in the file's stem is the group."""


def is_here(root: Path) -> bool:
    """Whether a folder has this layout."""
    return (root / FILE).is_file()


def read(root: Path, choice: Choice) -> Dataset:
    """Read the chosen rows; a row whose files cannot be used is set aside."""
    labels = labels_of(root)
    with (root / FILE).open(newline="", encoding="utf-8") as table:
        reader = csv.DictReader(table)
        missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise ConfigError(f"{root / FILE}: column {missing[0]!r} is missing; needed are {', '.join(_NEEDED)}")
        rows = list(reader)
    boxes = _boxes(root, labels)
    records: list[Record] = []
    troubles: list[Trouble] = []
    known: set[str] = set()
    for row in rows:
        licence, source, split = row.get("licence") or UNSTATED, row.get("source") or root.name, row.get("split") or ""
        if not choice.wants(split=split, source=source, licence=licence):
            continue
        path = root / row["file"]
        if row["file"] in known:
            troubles.append(Trouble(path=path, reason="is listed twice; the first row counts"))
            continue
        known.add(row["file"])
        with set_aside(troubles, path):
            picture = examine(path)
            records.append(
                _record(root, row, picture, labels=labels, marks=boxes.get(row["file"], ()), source=source, split=split)
            )
    return Dataset(
        name=root.name,
        root=root,
        layout="manifest",
        labels=labels,
        records=tuple(records),
        troubles=tuple(troubles),
    )


def _record(
    root: Path,
    row: Mapping[str, str],
    picture: Picture,
    *,
    labels: tuple[str, ...],
    marks: tuple[Mark, ...],
    source: str,
    split: str,
) -> Record:
    stem = Path(row["file"]).stem
    good = row["good"] == "1"
    mask = root / row["mask"] if row["mask"] else None
    if mask is not None:
        examine_mask(mask, picture, len(labels))
    return Record(
        id=stem,
        image=root / row["file"],
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        good=good,
        classes=tuple(name for name in row["classes"].split("|") if name),
        mask_kind=MaskKind.GOOD if good else MaskKind(row["mask_kind"].split("+")[0]),
        marks=marks,
        mask=mask,
        mask_labels=labels,
        group=row.get("group") or _part(source, stem),
        source=source,
        licence=row.get("licence") or UNSTATED,
        split=split,
    )


def _part(source: str, stem: str) -> str:
    pattern = _PARTS.get(source)
    found = re.search(pattern, stem) if pattern else None
    return f"{source}:{found.group(1)}" if found else ""


def labels_of(root: Path) -> tuple[str, ...]:
    """Read what mask values 1, 2 ... mean: ``labels.txt``, or the five classes of the shipped models."""
    path = root / "labels.txt"
    if not path.is_file():
        return LABELS
    return tuple(path.read_text(encoding="utf-8").split())


def _boxes(root: Path, labels: tuple[str, ...]) -> dict[str, tuple[Mark, ...]]:
    """Read the authors' boxes by file, from ``coco_*.json`` beside the manifest."""
    marks: dict[str, list[Mark]] = defaultdict(list)
    for path in sorted(root.glob("coco_*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        files = {image["id"]: image["file_name"] for image in content["images"]}
        for given in content["annotations"]:
            x, y, width, height = given["bbox"]
            label = labels[given["category_id"] - 1]
            marks[files[given["image_id"]]].append(Mark(label=label, box=Box(x=x, y=y, width=width, height=height)))
    return {file: tuple(own) for file, own in marks.items()}
