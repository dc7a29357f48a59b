"""Reads Pascal VOC folders: one XML file of boxes a picture."""

from pathlib import Path
from xml.etree import ElementTree as ET

from inspector.domain.errors import FrameError
from inspector.domain.geometry import Box
from tools.data.pictures import examine, images_in, set_aside
from tools.data.record import UNSTATED, Choice, Dataset, Mark, MaskKind, Record, Trouble


def is_here(root: Path) -> bool:
    """Whether a folder has this layout."""
    return (root / "Annotations").is_dir() or any(root.glob("*.xml"))


def read(root: Path, choice: Choice) -> Dataset:
    """Read every picture that has an XML file or stands in a split's list; without XML it is good."""
    records: list[Record] = []
    troubles: list[Trouble] = []
    splits = _splits(root)
    notes = {path.stem: path for path in sorted({*root.glob("Annotations/*.xml"), *root.glob("*.xml")})}
    pictures = {path.stem: path for path in images_in(root) if "SegmentationClass" not in path.parts}
    for stem, path in notes.items():
        if stem not in pictures:
            troubles.append(Trouble(path=path, reason="labels without a picture"))
    for stem, path in pictures.items():
        split = splits.get(stem, "")
        if not choice.wants(split=split, source=root.name, licence=UNSTATED):
            continue
        with set_aside(troubles, path):
            records.append(_record(root, path, notes.get(stem), split))
    labels = tuple(sorted({label for record in records for label in record.classes}))
    return Dataset(
        name=root.name, root=root, layout="voc", labels=labels, records=tuple(records), troubles=tuple(troubles)
    )


def _record(root: Path, path: Path, notes: Path | None, split: str) -> Record:
    picture = examine(path)
    marks = tuple(_marks(notes)) if notes is not None else ()
    return Record(
        id=path.stem,
        image=path,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        good=not marks,
        classes=tuple(dict.fromkeys(mark.label for mark in marks)),
        mask_kind=MaskKind.BOXES if marks else MaskKind.GOOD,
        marks=marks,
        source=root.name,
        split=split,
    )


def _marks(path: Path) -> list[Mark]:
    """VOC counts pixels from 1, and its maxima are inside the box."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - the user's own labels; expat limits entity expansion
        return [_mark(item) for item in root.iter("object")]
    except (ET.ParseError, ValueError) as error:
        raise FrameError(f"its labels {path.name} cannot be read: {error}") from error


def _mark(item: ET.Element) -> Mark:
    given = [item.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
    name = item.findtext("name")
    if name is None or None in given:
        raise ValueError("an object without name or bndbox")
    left, top, right, bottom = (float(number or 0) for number in given)
    return Mark(label=name, box=Box(x=left - 1, y=top - 1, width=right - left + 1, height=bottom - top + 1))


def _splits(root: Path) -> dict[str, str]:
    return {
        line.split()[0]: path.stem
        for path in sorted(root.glob("ImageSets/Main/*.txt"))
        if path.stem in {"train", "val", "test"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }
