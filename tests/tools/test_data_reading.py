"""Every layout becomes the same records, and what cannot be used is set aside by name."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import pytest

from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.frame import PartId
from inspector.domain.geometry import Box
from inspector.domain.inspection import (
    EvidenceRef,
    GateTold,
    Inspection,
    Mark,
    ModelStamp,
    Opinion,
    RecipeStamp,
    Review,
    Timings,
)
from inspector.domain.verdict import Decision, Defect, Outcome, Severity, Verdict
from inspector.pipeline.records import publication
from inspector.ports.journal import Entry

pytest.importorskip("yaml", reason="the workshop needs pyyaml: make workshop")
from tools.data import Choice, MaskKind, read
from tools.data.masks import marks_of_mask, mask_to_runs, runs_of_text, runs_to_mask, truth_mask
from tools.data.reading import known_to, recognise

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (48, 64)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, size, np.uint8))


def mask(path: Path, value: int = 1, size: tuple[int, int] = (48, 64)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(size, np.uint8)
    values[10:14, 20:40] = value
    cv2.imwrite(str(path), values)


def manifest(root: Path, rows: list[dict[str, str]]) -> None:
    with (root / "manifest.csv").open("w", newline="") as table:
        writer = csv.DictWriter(
            table, ["file", "mask", "split", "source", "good", "classes", "mask_kind", "licence"], restval=""
        )
        writer.writeheader()
        writer.writerows(rows)


def row(name: str, *, good: bool = False, **more: str) -> dict[str, str]:
    return {
        "file": f"images/{name}.png",
        "mask": "" if good else f"masks/{name}.png",
        "split": "val",
        "source": "press",
        "good": str(int(good)),
        "classes": "" if good else "crack",
        "mask_kind": "good" if good else "pixel",
        "licence": "CC0-1.0",
    } | more


@pytest.fixture
def press(tmp_path: Path) -> Path:
    for seed, name in enumerate(("a", "b", "c", "d", "e", "f")):
        picture(tmp_path / f"images/{name}.png", seed)
        mask(tmp_path / f"masks/{name}.png")
    return tmp_path


def test_a_manifest_gives_records_with_masks_and_licences(press: Path) -> None:
    manifest(press, [row("a"), row("b", good=True), row("c", split="train")])
    dataset = read(press, Choice(splits=("val",)))
    assert [(r.id, r.good, r.mask_kind) for r in dataset.records] == [
        ("a", False, MaskKind.PIXEL),
        ("b", True, MaskKind.GOOD),
    ]
    assert truth_mask(dataset.records[0], dataset.labels).sum() == 80
    assert truth_mask(dataset.records[1], dataset.labels).sum() == 0


def test_each_bad_picture_is_set_aside_with_its_reason_and_the_rest_is_used(press: Path) -> None:
    (press / "masks/b.png").unlink()
    mask(press / "masks/c.png", size=(40, 64))
    (press / "images/d.png").write_bytes((press / "images/d.png").read_bytes()[:300])
    mask(press / "masks/e.png", value=9)
    manifest(press, [*(row(name) for name in "abcdef"), row("a"), row("nowhere", good=True)])
    dataset = read(press)
    assert [record.id for record in dataset.records] == ["a", "f"]
    reasons = {(trouble.path.stem, trouble.reason) for trouble in dataset.troubles}
    assert len(reasons) == 6
    told = " | ".join(f"{stem}: {reason}" for stem, reason in sorted(reasons))
    assert "a: is listed twice" in told
    assert "b: the mask b.png is missing" in told
    assert "c: the mask c.png is 64 x 40 px, the picture 64 x 48 px" in told
    assert "d: is cut short" in told
    assert "e: the mask e.png has the value 9, but there are only 5 classes" in told
    assert "nowhere: cannot be read" in told


def test_a_set_with_nothing_usable_is_refused_with_the_first_reason(press: Path) -> None:
    (press / "masks/a.png").unlink()
    manifest(press, [row("a")])
    with pytest.raises(ConfigError, match=r"no usable picture.*a.png: the mask a.png is missing"):
        read(press)


def test_a_folder_of_no_layout_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ConfigError, match="no known layout; there are: manifest"):
        recognise(tmp_path)


def test_only_licences_that_allow_a_sale_are_shippable(press: Path) -> None:
    manifest(press, [row("a"), row("b", licence="CC-BY-NC-SA-4.0"), row("c", licence=""), row("d", licence="MIT")])
    assert [record.id for record in read(press, Choice(shippable=True)).records] == ["a", "d"]


def test_a_class_that_the_card_does_not_know_is_set_aside(press: Path) -> None:
    manifest(press, [row("a"), row("b", classes="stain"), row("c", good=True)])
    dataset = known_to(read(press), ("crack", "scratch"))
    assert [record.id for record in dataset.records] == ["a", "c"]
    assert dataset.troubles[0].reason == "class 'stain' is unknown to the card; it knows: crack, scratch"


def test_coco_polygons_and_run_lengths_paint_the_same_pixels(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.png")
    values = np.zeros((48, 64), np.uint8)
    values[10:20, 20:30] = 1
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
        "categories": [{"id": 7, "name": "dent"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 7,
                "bbox": [20, 10, 10, 10],
                "segmentation": {"size": [48, 64], "counts": list(mask_to_runs(values))},
            },
            {
                "id": 1,
                "image_id": 1,
                "category_id": 7,
                "bbox": [0, 0, 3, 3],
            },
        ],
    }
    (tmp_path / "instances_val.json").write_text(json.dumps(content))
    dataset = read(tmp_path)
    assert dataset.layout == "coco"
    assert dataset.records[0].split == "val"
    assert (truth_mask(dataset.records[0], ("dent",)) == values).all()
    assert dataset.troubles[0].reason == "annotation id 1 is used twice; the first counts"


def test_coco_labels_made_for_another_size_are_set_aside(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / f"{name}.png")
    content = {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 640, "height": 480},
            {"id": 2, "file_name": "b.png", "width": 64, "height": 48},
        ],
        "categories": [],
        "annotations": [],
    }
    (tmp_path / "coco_test.json").write_text(json.dumps(content))
    dataset = read(tmp_path)
    assert [record.id for record in dataset.records] == ["b"]
    assert "is 64 x 48 px, but its labels were made for 640 x 480 px" in dataset.troubles[0].reason


def test_what_is_written_as_coco_reads_back_the_same(press: Path, tmp_path: Path) -> None:
    from tools.data import coco

    manifest(press, [row("a"), row("b", good=True), row("c", classes="crack")])
    before = read(press)
    coco.write(before, press / "out" / "all.json")
    after = read(press / "out" / "all.json")
    assert [(r.id, r.good, r.classes, r.split, r.licence, r.sha256) for r in after.records] == [
        (r.id, r.good, r.classes, r.split, r.licence, r.sha256) for r in before.records
    ]
    for one, other in zip(before.records, after.records, strict=True):
        assert (truth_mask(one, before.labels) == truth_mask(other, before.labels)).all()


def test_yolo_boxes_and_polygons_come_out_in_pixels(tmp_path: Path) -> None:
    for name in ("box", "polygon", "good", "broken", "unknown"):
        picture(tmp_path / f"images/train/{name}.png")
    (tmp_path / "data.yaml").write_text("names:\n  0: crack\n  1: dent\n")
    labels = tmp_path / "labels/train"
    labels.mkdir(parents=True)
    (labels / "box.txt").write_text("1 0.5 0.5 0.25 0.5\n")
    (labels / "polygon.txt").write_text("0 0 0 0.5 0 0.5 0.5\n")
    (labels / "broken.txt").write_text("0 0.5 zero\n")
    (labels / "unknown.txt").write_text("4 0.5 0.5 0.1 0.1\n")
    dataset = read(tmp_path)
    records = {record.id: record for record in dataset.records}
    box = records["box"].marks[0].box
    assert (box.x, box.y, box.width, box.height) == (24, 12, 16, 24)
    assert records["box"].mask_kind is MaskKind.BOXES
    assert records["polygon"].mask_kind is MaskKind.PIXEL
    assert records["good"].good
    assert sorted(trouble.reason for trouble in dataset.troubles) == [
        "broken.txt line 1: '0 0.5 zero' is no label",
        "unknown.txt line 1: class 4, but there are 2",
    ]


def test_voc_counts_pixels_from_one(tmp_path: Path) -> None:
    picture(tmp_path / "JPEGImages/a.png")
    (tmp_path / "Annotations").mkdir()
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>5</ymax></bndbox>"
    (tmp_path / "Annotations/a.xml").write_text(f"<annotation><object><name>dent</name>{box}</object></annotation>")
    (tmp_path / "Annotations/gone.xml").write_text("<annotation/>")
    dataset = read(tmp_path)
    got = dataset.records[0].marks[0].box
    assert (got.x, got.y, got.width, got.height) == (0, 0, 10, 5)
    assert dataset.troubles[0].reason == "labels without a picture"


def test_mvtec_folders_give_masks_and_an_empty_mask_is_no_truth(tmp_path: Path) -> None:
    for place in ("train/good/0", "test/good/1", "test/scratch/2", "test/scratch/3", "test/scratch/4"):
        picture(tmp_path / f"{place}.png")
    mask(tmp_path / "ground_truth/scratch/2_mask.png", 255)
    mask(tmp_path / "ground_truth/scratch/3_mask.png", 0)
    dataset = read(tmp_path)
    assert dataset.layout == "mvtec"
    assert [record.id for record in dataset.records] == ["test/good/1", "test/scratch/2", "train/good/0"]
    assert truth_mask(dataset.records[1], ("scratch",)).sum() == 80
    assert [trouble.reason.split(" is ")[-1].split(",")[0] for trouble in dataset.troubles] == ["empty", "missing"]


def test_a_mask_beside_its_picture_is_its_truth(tmp_path: Path) -> None:
    for seed, name in enumerate(("a", "b", "c", "d")):
        picture(tmp_path / f"{name}.png", seed)
    mask(tmp_path / "a_mask.png", 3)
    mask(tmp_path / "b_mask.png", 0)
    mask(tmp_path / "c_mask.png", 3, size=(10, 10))
    dataset = read(tmp_path)
    assert dataset.layout == "pairs"
    assert [(r.id, r.good, r.classes) for r in dataset.records] == [("a", False, ("dent",)), ("b", True, ())]
    assert "is 10 x 10 px" in dataset.troubles[0].reason
    assert dataset.troubles[1].reason == "the mask d_mask.png is missing"


def test_class_folders_label_whole_pictures(tmp_path: Path) -> None:
    for place in ("train/ok/0", "train/dent/1", "test/dent/2"):
        picture(tmp_path / f"{place}.png")
    dataset = read(tmp_path)
    assert [(r.id, r.good, r.split) for r in dataset.records] == [
        ("test/dent/2", False, "test"),
        ("train/dent/1", False, "train"),
        ("train/ok/0", True, "train"),
    ]
    assert dataset.records[0].mask_kind is MaskKind.IMAGE


def published(number: int) -> Inspection:
    """A part as the line records it, with a picture that evidence keeps."""
    seen = Detection(label="crack", score=0.9, box=Box(x=1, y=2, width=3, height=4), length_px=4, width_px=1, area_px=4)
    defect = Defect(
        detection=seen,
        severity=Severity.CRITICAL,
        weight=3.0,
        sure=True,
        rule="class.crack.any",
        length_mm=None,
        width_mm=None,
        area_mm2=None,
    )
    decision = Decision(rule="class.crack.any", measured=4.0, limit=1.0, unit="mm")
    return Inspection(
        result_id=UUID(int=number),
        part=PartId(part_seq=number),
        station="left",
        verdict=Verdict(outcome=Outcome.FAIL, reason="crack", decision=decision, defects=(defect,)),
        detections=(seen,),
        gate_told=GateTold.SENT,
        recipe=RecipeStamp(name="r", sha256="a"),
        model=ModelStamp(name="m", version="1", sha256="b"),
        settings_sha256="",
        created_utc=NOW,
        opened_utc=NOW,
        timings=Timings(),
        software="",
        evidence=EvidenceRef(path=f"2026/{number}.png", sha256="", width=64, height=48, lossless=True),
        kept_probability=1.0,
    )


def test_reviewed_parts_come_back_in_with_the_reviewers_boxes(tmp_path: Path) -> None:
    """Read what the JSON-lines sink writes of what the journal publishes."""
    dent = Mark(label="dent", box=Box(x=5, y=6, width=7, height=8))
    events: list[Inspection | Review] = []
    told = ((Opinion.AGREE, "", ()), (Opinion.DISAGREE, "PASS", ()), (Opinion.DISAGREE, "FAIL", (dent,)))
    for number, (opinion, said, boxes) in enumerate((*told, (Opinion.UNSURE, "", ()), (Opinion.AGREE, "FAIL", ()))):
        picture(tmp_path / f"evidence/2026/{number}.png", number)
        events.append(published(number))
        events.append(
            Review(
                result_id=UUID(int=number),
                reviewer="ana",
                opinion=opinion,
                true_outcome=said,
                reason="",
                at_utc=NOW,
                corrections=boxes,
                cleared=number == 4,
            )
        )
    lines = []
    for seq, event in enumerate(events, start=1):
        entry = publication(Entry(journal_seq=seq, event=event), now=NOW, evidence_url="http://pc/evidence/")
        lines.append(json.dumps({"journalSeq": seq, "kind": entry.kind, "record": entry.payload}))
    (tmp_path / "results.jsonl").write_text("\n".join(lines))
    dataset = read(tmp_path)
    assert [(r.good, r.classes) for r in dataset.records] == [
        (False, ("crack",)), (True, ()), (False, ("dent",)), (False, ()),
    ]  # fmt: skip
    assert dataset.records[2].marks[0].box == dent.box
    assert dataset.troubles[0].reason == "the reviewer was not sure"


def test_run_lengths_go_down_the_columns_as_coco_counts_them() -> None:
    values = np.array([[0, 1], [1, 1]], np.uint8)
    assert mask_to_runs(values) == (1, 3)
    assert (runs_to_mask((1, 3), 2, 2) == values).all()
    assert mask_to_runs(np.ones((2, 2), np.uint8)) == (0, 4)


def test_compressed_run_lengths_are_read_as_the_coco_tools_write_them() -> None:
    evaluator = pytest.importorskip("faster_coco_eval.mask_api_new_cpp", reason="make workshop")
    values = np.zeros((37, 53), np.uint8)
    values[3:30, 5:40] = np.random.default_rng(1).integers(0, 2, (27, 35))
    text = evaluator.encode(np.asfortranarray(values[:, :, None]))[0]["counts"].decode()
    assert runs_of_text(text) == mask_to_runs(values)


def test_every_piece_of_a_mask_becomes_a_mark() -> None:
    values = np.zeros((20, 20), np.uint8)
    values[1:3, 1:5] = 1
    values[10:12, 1:5] = 1
    values[15, 15] = 2
    marks = marks_of_mask(values, ("crack", "dent"))
    assert [(mark.label, mark.box.width, mark.box.height) for mark in marks] == [
        ("crack", 4, 2),
        ("crack", 4, 2),
        ("dent", 1, 1),
    ]
