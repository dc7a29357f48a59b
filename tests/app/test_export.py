"""What leaves the book: no text is a formula, and reviewed pictures come back in as labels."""

import csv
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest

from inspector.adapters.journal_sql import open_for_people, open_recorder, verify
from inspector.app.digest import sha256_of
from inspector.domain.geometry import Box
from inspector.domain.inspection import EvidenceRef, Mark, Opinion
from tests.adapters.journal_sql.records import CRACKED, NOW, inspection, review
from tests.app.conftest import Verb
from tools.data.reading import read

LOT = '=cmd|" /C calc"!A0'
DENT = Mark(label="dent", box=Box(x=5, y=6, width=7, height=8))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Path]:
    """Station left: part 1 agreed to, 2 overruled, 3 corrected by a person, 4 not sure, 5 altered on disk, 6 good."""
    folder = tmp_path / "data" / "left"
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    born = []
    with open_recorder(folder / "journal.sqlite3", station="left") as recorder:
        for number in range(1, 7):
            path = evidence / f"{number}.png"
            cv2.imwrite(str(path), np.full((48, 64), number * 20, np.uint8))
            ref = EvidenceRef(path=path.name, sha256=sha256_of(path), width=64, height=48, lossless=True)
            given = () if number == 6 else (CRACKED,)
            one = inspection(number, *given, evidence=ref, lot=LOT, serial=f"+{number}", kept_probability=0.5)
            born.append(one)
            recorder.close(one)
    (evidence / "5.png").write_bytes(b"another")
    agreed = {"opinion": Opinion.AGREE, "true_outcome": "FAIL", "corrections": ()}
    said: tuple[dict[str, Any], ...] = (
        agreed,
        {"corrections": ()},
        {"opinion": Opinion.AGREE, "true_outcome": "FAIL", "corrections": (DENT,)},
        {"opinion": Opinion.UNSURE, "true_outcome": "", "corrections": ()},
        agreed,
        {"opinion": Opinion.AGREE, "true_outcome": "PASS", "corrections": ()},
    )
    with open_for_people(folder / "journal.sqlite3", station="left") as people:
        for one, words in zip(born, said, strict=True):
            people.desk.sign(replace(review(one.result_id), at_utc=NOW, **words))
    return folder / "journal.sqlite3"


def test_a_lot_that_looks_like_a_formula_is_text_in_csv_and_in_a_workbook(
    book: Path, config: Path, verb: Verb, tmp_path: Path
) -> None:
    out = tmp_path / "parts.csv"
    done = verb("journal", "export", "csv", out, "-c", config, "-s", "left", "--outcome", "FAIL", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["parts"] == 5
    with out.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["lot"] for row in rows} == {f"'{LOT}"}
    assert [row["serial"] for row in rows] == ["'+5", "'+4", "'+3", "'+2", "'+1"]
    book_file = tmp_path / "parts.xlsx"
    assert verb("journal", "export", "xlsx", book_file, "-c", config, "-s", "left").exit_code == 0
    with zipfile.ZipFile(book_file) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        texts = " ".join(archive.read(name).decode() for name in archive.namelist() if "xml" in name)
    assert "<f>" not in sheet
    assert "=cmd|" in texts
    with open_for_people(book, read_only=True) as people:
        made = people.audit.audit(action="export").items
    assert [(entry.subject, entry.content["parts"]) for entry in made] == [("xlsx", 6), ("csv", 5)]
    assert not [finding for finding in verify(book).findings if "audit" in finding]


@pytest.mark.parametrize("kind", ["coco", "yolo"])
@pytest.mark.usefixtures("book")
def test_reviewed_pictures_come_back_in_as_labels(kind: str, config: Path, verb: Verb, tmp_path: Path) -> None:
    out = tmp_path / kind
    done = verb("journal", "export", kind, out, "-c", config, "-s", "left", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["pictures"], told["labels_by_person"]) == (4, 1)
    assert told["the reviewer was not sure"] == 1
    assert told["the picture is not the one that was judged (sha256)"] == 1
    records = {cv2.imread(str(one.image), 0)[0, 0] // 20: one for one in read(out).records}
    assert {number: (one.good, one.classes) for number, one in records.items()} == {
        1: (False, ("crack",)),
        2: (True, ()),
        3: (False, ("dent",)),
        6: (True, ()),
    }
    box = records[3].marks[0].box
    assert (box.x, box.y, box.width, box.height) == pytest.approx((5, 6, 7, 8), abs=1e-5)
    again = verb("journal", "export", kind, out, "-c", config, "-s", "left")
    assert again.exit_code == 78
    assert "is not empty: name a new folder" in again.stderr


@pytest.mark.usefixtures("book")
def test_cvat_gets_boxes_with_who_drew_them(config: Path, verb: Verb, tmp_path: Path) -> None:
    assert verb("journal", "export", "cvat", tmp_path / "cvat", "-c", config, "-s", "left").exit_code == 0
    root = ET.parse(tmp_path / "cvat" / "annotations.xml").getroot()  # noqa: S314 - our own file
    assert [label.findtext("name") for label in root.iter("label")] == ["crack", "dent"]
    boxes = [(box.get("label"), box.get("source"), box.findtext("attribute")) for box in root.iter("box")]
    assert ("dent", "manual", "true") in boxes
    assert {source for label, source, _ in boxes if label == "crack"} == {"auto"}
    images = {image.get("name") for image in root.iter("image")}
    assert images == {path.name for path in (tmp_path / "cvat" / "images").iterdir()}
