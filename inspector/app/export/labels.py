"""Reviewed pictures as labels: COCO, YOLO and CVAT, with what people corrected marked as theirs."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from inspector.domain.errors import ConfigError
from inspector.domain.inspection import EvidenceRef, Inspection, Review
from inspector.domain.reviewing import Label, SignedReview, is_bad, labels_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """One reviewed part's picture: its name in ``images/`` and the defects that it truly shows; none: a good part."""

    name: str
    inspection: Inspection
    evidence: EvidenceRef
    review: Review
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """How many pictures were written, and how many parts were left out for which reason."""

    pictures: int
    by_person: int
    left_out: Mapping[str, int]


def write_labels(
    folder: Path, kind: str, reviewed: Iterable[tuple[Inspection, SignedReview]], *, evidence: Path
) -> Exported:
    """Copy the pictures and write their labels. ``folder`` must be new or empty.

    A picture that is missing or not what the journal says (sha256) is left out, and so is a part whose truth or whose
    defects' places nobody told.

    Raises:
        ConfigError: the folder is not empty, or cannot be written.
    """
    try:
        images = folder / "images"
        if folder.exists() and any(folder.iterdir()):
            raise ConfigError(f"{folder} is not empty: name a new folder")
        images.mkdir(parents=True)
        left_out: Counter[str] = Counter()
        pictures = []
        for inspection, signed in reviewed:
            picture = labelled(inspection, signed.review, left_out)
            content = None if picture is None else content_of(picture, evidence.resolve(), left_out)
            if picture is not None and content is not None:
                (images / picture.name).write_bytes(content)
                pictures.append(picture)
        WRITERS[kind](folder, pictures, classes_of(pictures))
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
    theirs = sum(label.by_person for picture in pictures for label in picture.labels)
    return Exported(pictures=len(pictures), by_person=theirs, left_out=dict(left_out))


def classes_of(pictures: Iterable[LabelledPicture]) -> Sequence[str]:
    """Every class of these pictures, in the order of their names: its place is its number."""
    return sorted({label.label for picture in pictures for label in picture.labels})


def labelled(inspection: Inspection, review: Review, left_out: Counter[str]) -> LabelledPicture | None:
    """The part's picture with its labels; None, and the reason counted in ``left_out``, where nobody can tell them."""
    ref = inspection.evidence
    bad = is_bad(inspection.verdict.outcome, review)
    labels = labels_of(inspection, review)
    reason = ""
    if bad is None:
        reason = "the reviewer was not sure"
    elif labels is None:
        reason = "bad, but nobody said where"
    elif ref is None:
        reason = "no picture was kept"
    if reason or ref is None or labels is None:
        left_out[reason] += 1
        return None
    name = f"{inspection.result_id}{Path(ref.path).suffix}"
    return LabelledPicture(name=name, inspection=inspection, evidence=ref, review=review, labels=labels if bad else ())


def content_of(picture: LabelledPicture, evidence: Path, left_out: Counter[str]) -> bytes | None:
    """The picture's file, as it was judged; None, and the reason counted in ``left_out``, where it is not that.

    ``evidence``: the folder, resolved; a path that leads out of it leads nowhere.
    """
    path = (evidence / picture.evidence.path).resolve()
    try:
        content = path.read_bytes() if path.is_relative_to(evidence) else b""
    except OSError:
        content = b""
    if not content:
        left_out["the picture is not there"] += 1
        return None
    if hashlib.sha256(content).hexdigest() != picture.evidence.sha256:
        left_out["the picture is not the one that was judged (sha256)"] += 1
        return None
    return content


def _coco(folder: Path, pictures: Sequence[LabelledPicture], classes: Sequence[str]) -> None:
    annotations: list[dict[str, object]] = []
    for number, picture in enumerate(pictures, start=1):
        for label in picture.labels:
            box = label.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": classes.index(label.label) + 1,
                    "bbox": [box.x, box.y, box.width, box.height],
                    "area": box.width * box.height,
                    "iscrowd": 0,
                    "attributes": {"by_person": label.by_person},
                }
            )
    content = {
        "info": {"description": "Reviewed parts; attributes.by_person: class or box are a reviewer's"},
        "images": [
            {
                "id": number,
                "file_name": f"images/{picture.name}",
                "width": picture.evidence.width,
                "height": picture.evidence.height,
                "result_id": str(picture.inspection.result_id),
                "reviewer": picture.review.reviewer,
            }
            for number, picture in enumerate(pictures, start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes, start=1)],
    }
    (folder / "coco_reviewed.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _yolo(folder: Path, pictures: Sequence[LabelledPicture], classes: Sequence[str]) -> None:
    (folder / "labels").mkdir()
    names = "".join(f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for number, name in enumerate(classes))
    head = "path: .\ntrain: images\nval: images\n"
    (folder / "data.yaml").write_text(f"{head}names:\n{names}" if names else f"{head}names: []\n", encoding="utf-8")
    with (folder / "by_person.csv").open("w", newline="", encoding="utf-8") as file:
        told = csv.writer(file)
        told.writerow(("image", "line", "by_person"))
        for picture in pictures:
            lines = [_relative(label, picture.evidence, classes) for label in picture.labels]
            path = (folder / "labels" / picture.name).with_suffix(".txt")
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            told.writerows((picture.name, at, int(one.by_person)) for at, one in enumerate(picture.labels, start=1))


def _relative(label: Label, picture: EvidenceRef, classes: Sequence[str]) -> str:
    (x, y), box = label.box.centre, label.box
    shares = (x / picture.width, y / picture.height, box.width / picture.width, box.height / picture.height)
    return " ".join([str(classes.index(label.label)), *(f"{share:.9f}" for share in shares)])


def _cvat(folder: Path, pictures: Sequence[LabelledPicture], classes: Sequence[str]) -> None:
    """CVAT for images 1.1."""
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    labels = ET.SubElement(ET.SubElement(ET.SubElement(root, "meta"), "task"), "labels")
    for name in classes:
        label = ET.SubElement(labels, "label")
        ET.SubElement(label, "name").text = name
        attribute = ET.SubElement(ET.SubElement(label, "attributes"), "attribute")
        for key, value in (
            ("name", "by_person"),
            ("mutable", "False"),
            ("input_type", "checkbox"),
            ("default_value", "false"),
            ("values", "false"),
        ):
            ET.SubElement(attribute, key).text = value
    for number, picture in enumerate(pictures):
        size = {"width": str(picture.evidence.width), "height": str(picture.evidence.height)}
        image = ET.SubElement(root, "image", {"id": str(number), "name": picture.name, **size})
        for one in picture.labels:
            corners = {"xtl": one.box.x, "ytl": one.box.y, "xbr": one.box.right, "ybr": one.box.bottom}
            places = {key: f"{value:.3f}" for key, value in corners.items()}
            source = "manual" if one.by_person else "auto"
            box = ET.SubElement(image, "box", {"label": one.label, "source": source, "occluded": "0", **places})
            ET.SubElement(box, "attribute", {"name": "by_person"}).text = str(one.by_person).lower()
    ET.ElementTree(root).write(folder / "annotations.xml", encoding="utf-8", xml_declaration=True)


WRITERS: Mapping[str, Callable[[Path, Sequence[LabelledPicture], Sequence[str]], None]] = {
    "coco": _coco,
    "yolo": _yolo,
    "cvat": _cvat,
}
