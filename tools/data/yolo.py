"""Reads Ultralytics-style folders: ``images/`` beside ``labels/``, boxes or polygons relative to the picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.geometry import Box, Polygon
from tools.data.pictures import Picture, examine, images_in, set_aside
from tools.data.record import UNSTATED, Choice, Dataset, Mark, MaskKind, Record, Trouble

_BOX = 5  # class, centre x, centre y, width, height
_SEGMENT = 7  # class and three corners


def is_here(root: Path) -> bool:
    """Whether a folder has this layout."""
    return (root / "labels").is_dir() or any(root.glob("*/labels"))


def read(root: Path, choice: Choice) -> Dataset:
    """Read every picture; one without a label file is good, one whose labels cannot be read is set aside."""
    labels = _names(root)
    records: list[Record] = []
    troubles: list[Trouble] = []
    for path in images_in(root):
        parts = path.relative_to(root).parts
        if "images" not in parts:
            continue
        split = next((part for part in parts[:-1] if part != "images"), "")
        if not choice.wants(split=split, source=root.name, licence=UNSTATED):
            continue
        with set_aside(troubles, path):
            records.append(_record(root, path, labels, split))
    return Dataset(
        name=root.name, root=root, layout="yolo", labels=labels, records=tuple(records), troubles=tuple(troubles)
    )


def _record(root: Path, path: Path, labels: tuple[str, ...], split: str) -> Record:
    picture = examine(path)
    parts = list(path.relative_to(root).with_suffix(".txt").parts)
    parts[parts.index("images")] = "labels"
    marks = tuple(_marks(root.joinpath(*parts), labels, picture))
    pixels = all(mark.outlines for mark in marks)
    kind = MaskKind.GOOD if not marks else MaskKind.PIXEL if pixels else MaskKind.BOXES
    return Record(
        id=path.stem,
        image=path,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        good=not marks,
        classes=tuple(dict.fromkeys(mark.label for mark in marks)),
        mask_kind=kind,
        marks=marks,
        source=root.name,
        split=split,
    )


def _marks(path: Path, labels: tuple[str, ...], picture: Picture) -> list[Mark]:
    if not path.is_file():
        return []
    marks = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            index, numbers = int(line.split()[0]), [float(word) for word in line.split()[1:]]
        except ValueError as error:
            raise FrameError(f"{path.name} line {number}: {line[:40]!r} is no label") from error
        if not 0 <= index < len(labels):
            raise FrameError(f"{path.name} line {number}: class {index}, but there are {len(labels)}")
        marks.append(_mark(labels[index], numbers, picture, f"{path.name} line {number}"))
    return marks


def _mark(label: str, numbers: Sequence[float], picture: Picture, where: str) -> Mark:
    width, height = picture.width, picture.height
    if len(numbers) == _BOX - 1:
        x, y, w, h = numbers
        box = Box(x=(x - w / 2) * width, y=(y - h / 2) * height, width=w * width, height=h * height)
        return Mark(label=label, box=box)
    if len(numbers) < _SEGMENT - 1 or len(numbers) % 2:
        raise FrameError(f"{where}: {len(numbers)} numbers are neither a box (4) nor a polygon (6, 8, ...)")
    corners = tuple((x * width, y * height) for x, y in zip(numbers[::2], numbers[1::2], strict=True))
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    right, bottom = max(x for x, _ in corners), max(y for _, y in corners)
    box = Box(x=left, y=top, width=right - left, height=bottom - top)
    return Mark(label=label, box=box, outlines=(Polygon(corners=corners),))


def _names(root: Path) -> tuple[str, ...]:
    for path in sorted({*root.glob("*.yaml"), *root.glob("*.yml")}):
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        names = content.get("names") if isinstance(content, dict) else None
        if isinstance(names, dict):
            return tuple(str(names[index]) for index in sorted(names))
        if names:
            return tuple(str(name) for name in names)
    listed = root / "classes.txt"
    if listed.is_file():
        return tuple(listed.read_text(encoding="utf-8").split())
    raise ConfigError(f"{root}: a YOLO folder needs the classes' names in data.yaml (names:) or classes.txt")
