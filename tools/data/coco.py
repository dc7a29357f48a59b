"""Reads and writes COCO instance annotations; what COCO has no word for travels in fields of our own."""

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.geometry import Box, Polygon
from tools.data.masks import all_marks, mark_pixels, runs_of_text
from tools.data.pictures import Picture, examine, set_aside
from tools.data.record import UNSTATED, Choice, Dataset, Mark, MaskKind, Record, Trouble

_CORNERS = 6  # numbers of the smallest polygon


def files(root: Path) -> list[Path]:
    """The annotation files of a COCO folder; or the file itself."""
    if root.is_file():
        return [root]
    return sorted({*root.glob("*.json"), *root.glob("annotations/*.json")})


def is_here(root: Path) -> bool:
    """Whether a folder or file has this layout."""
    return any(_is_coco(path) for path in files(root)) if root.suffix == ".json" or root.is_dir() else False


def _is_coco(path: Path) -> bool:
    with path.open(encoding="utf-8") as file:
        return '"images"' in file.read(4096) or '"annotations"' in path.read_text(encoding="utf-8")


def read(root: Path, choice: Choice) -> Dataset:
    """Read every annotation file; the split is the file's name without ``instances_``, ``coco_`` and a year."""
    records: list[Record] = []
    troubles: list[Trouble] = []
    labels: dict[str, None] = {}
    folder = root.parent if root.is_file() else root
    for path in files(root):
        content = _load(path)
        names = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
        labels.update(dict.fromkeys(names.values()))
        marks = _marks(path, content, names, troubles)
        licences = {entry.get("id"): str(entry.get("name", UNSTATED)) for entry in content.get("licenses", ())}
        known: set[int] = set()
        for image in content["images"]:
            place = _find(folder, path, image["file_name"])
            if image["id"] in known:
                troubles.append(Trouble(path=place, reason=f"image id {image['id']} is used twice in {path.name}"))
                continue
            known.add(image["id"])
            split = image.get("split", _split_of(path))
            licence = image.get("licence", licences.get(image.get("license"), UNSTATED))
            source = image.get("source", folder.name)
            if not choice.wants(split=split, source=source, licence=licence):
                continue
            with set_aside(troubles, place):
                picture = _examine(place, image)
                own = tuple(marks.get(image["id"], ()))
                records.append(_record(image, place, picture, own, source=source, licence=licence, split=split))
    return Dataset(
        name=root.stem,
        root=folder,
        layout="coco",
        labels=tuple(labels),
        records=tuple(records),
        troubles=tuple(troubles),
    )


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: is not JSON: {error}") from error
    for key in ("images", "annotations", "categories"):
        if key not in content:
            raise ConfigError(f"{path}: has no {key!r}; a COCO file has images, annotations and categories")
    return content


def _examine(place: Path, image: Mapping[str, Any]) -> Picture:
    picture = examine(place)
    said = (image.get("width", picture.width), image.get("height", picture.height))
    if said != (picture.width, picture.height):
        raise FrameError(
            f"is {picture.width} x {picture.height} px, but its labels were made for {said[0]} x {said[1]} px"
        )
    return picture


def _marks(
    path: Path, content: Mapping[str, Any], names: Mapping[int, str], troubles: list[Trouble]
) -> Mapping[int, Sequence[Mark]]:
    marks: dict[int, list[Mark]] = defaultdict(list)
    known: set[int] = set()
    for given in content["annotations"]:
        if given["category_id"] not in names:
            raise ConfigError(
                f"{path}: annotation {given['id']} has category {given['category_id']}; there are {sorted(names)}"
            )
        if given["id"] in known:
            troubles.append(Trouble(path=path, reason=f"annotation id {given['id']} is used twice; the first counts"))
            continue
        known.add(given["id"])
        x, y, width, height = given["bbox"]
        outlines, runs = _pixels(given.get("segmentation"))
        box = Box(x=x, y=y, width=width, height=height)
        marks[given["image_id"]].append(Mark(label=names[given["category_id"]], box=box, outlines=outlines, runs=runs))
    return marks


def _pixels(given: Any) -> tuple[tuple[Polygon, ...], tuple[int, ...]]:
    """Polygons, or a run-length code, plain or compressed."""
    if isinstance(given, dict):
        counts = given["counts"]
        return (), runs_of_text(counts) if isinstance(counts, str) else tuple(counts)
    rings = [ring for ring in given or () if len(ring) >= _CORNERS]
    return tuple(Polygon(corners=tuple(zip(ring[::2], ring[1::2], strict=True))) for ring in rings), ()


def _record(
    image: Mapping[str, Any],
    place: Path,
    picture: Picture,
    marks: tuple[Mark, ...],
    *,
    source: str,
    licence: str,
    split: str,
) -> Record:
    classes = tuple(dict.fromkeys(mark.label for mark in marks)) or tuple(image.get("classes", ()))
    good = bool(image.get("good", not classes))
    pixels = all(mark.outlines or mark.runs for mark in marks)
    guess = MaskKind.GOOD if good else MaskKind.PIXEL if marks and pixels else MaskKind.BOXES
    return Record(
        id=str(image.get("name", Path(image["file_name"]).stem)),
        image=place,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        good=good,
        classes=classes,
        mask_kind=MaskKind(image["mask_kind"]) if "mask_kind" in image else guess,
        marks=marks,
        group=image.get("group", ""),
        source=source,
        licence=licence,
        split=split,
    )


def _find(folder: Path, path: Path, name: str) -> Path:
    """Find a picture where exporters put them: beside the file, or in a folder of its split."""
    split = _split_of(path)
    places = [folder / name, path.parent / name, folder / "images" / name, folder / split / name]
    places += [path.parent.parent / place / name for place in ("images", split, path.stem.split("_")[-1])]
    return next((place for place in places if place.is_file()), folder / name)


def _split_of(path: Path) -> str:
    stem = path.stem.removeprefix("instances_").removeprefix("coco_").lstrip("_").rstrip("0123456789")
    named = path.parent.name if stem.startswith("annotations") or not stem else stem
    return named.removesuffix("_annotations.coco")


def write(dataset: Dataset, path: Path) -> None:
    """Write one COCO file; pictures stay where they are and are named by their path from the file's folder."""
    categories = {label: index + 1 for index, label in enumerate(dataset.labels)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, record in enumerate(dataset.records, start=1):
        images.append(_image(number, record, path))
        if record.good:
            continue
        for mark in all_marks(record):
            annotations.append(_annotation(len(annotations) + 1, number, mark, record, categories))
    content = {
        "info": {"description": f"{dataset.name}: written by python -m tools.data convert"},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": index, "name": label} for label, index in categories.items()],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def _image(number: int, record: Record, path: Path) -> dict[str, Any]:
    return {
        "id": number,
        "name": record.id,
        "file_name": os.path.relpath(record.image.resolve(), path.parent.resolve()),
        "width": record.width,
        "height": record.height,
        "sha256": record.sha256,
        "split": record.split,
        "group": record.group,
        "source": record.source,
        "licence": record.licence,
        "good": record.good,
        "classes": list(record.classes),
        "mask_kind": record.mask_kind.value,
    }


def _annotation(number: int, image: int, mark: Mark, record: Record, categories: Mapping[str, int]) -> dict[str, Any]:
    box = mark.box
    segmentation: Any = [[number for corner in outline.corners for number in corner] for outline in mark.outlines]
    if mark.runs:
        segmentation = {"size": [record.height, record.width], "counts": list(mark.runs)}
    area = int(mark_pixels(mark, record.height, record.width).sum())
    return {
        "id": number,
        "image_id": image,
        "category_id": categories[mark.label],
        "bbox": [box.x, box.y, box.width, box.height],
        "area": area,
        "iscrowd": 0,
        "segmentation": segmentation,
    }
