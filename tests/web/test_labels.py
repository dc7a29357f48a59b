"""Reviewed pictures taken out as COCO, YOLO and CVAT: by the page and by REST, to some, one at a time, not too many."""

import csv
import io
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from inspector.app.export import label_zip
from inspector.domain.account import Role
from inspector.ports.history import PartSearch
from tests.web.plant import SECRETS, Plant

DENT = {"label": "dent", "x": 11, "y": 12, "width": 30, "height": 20}


def review(plant: Plant) -> None:
    """The first reject confirmed, the second corrected by a person, the third left open, the fourth called good."""
    agreed = {"opinion": "agree", "reason": "confirmed"}
    said = (
        agreed,
        {**agreed, "corrections": [DENT]},
        {"opinion": "unsure", "reason": "other"},
        {"opinion": "disagree", "reason": "dirt", "secret": SECRETS[Role.QUALITY][1]},
        agreed,
    )
    with plant.client(Role.QUALITY) as client:
        for part, body in zip(plant.rejects, said, strict=False):
            answer = client.post(f"/api/inspections/{part.result_id}/review", json=body)
            assert answer.status_code == 200, answer.text
    altered = plant.rejects[4].evidence
    assert altered is not None
    path = plant.journal.parent / "evidence" / altered.path
    path.write_bytes(path.read_bytes() + b"x")


def unpacked(answer: httpx.Response, folder: Path) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
        return sorted(archive.namelist())


def test_each_kind_holds_what_was_judged_and_marks_what_a_person_said(plant: Plant, tmp_path: Path) -> None:
    review(plant)
    ids = [str(part.result_id) for part in plant.rejects]
    with plant.client(Role.QUALITY) as client:
        names = unpacked(client.get("/api/labels/coco"), tmp_path / "coco")
        assert [name for name in names if name.startswith("images/")] == sorted(
            f"images/{ids[number]}.jpg" for number in (0, 1, 3)
        )
        coco = json.loads((tmp_path / "coco" / "coco_reviewed.json").read_text())
        classes = {one["id"]: one["name"] for one in coco["categories"]}
        told = {(classes[one["category_id"]], one["attributes"]["by_person"]) for one in coco["annotations"]}
        assert told == {("crack", False), ("stain", False), ("dent", True)}
        with (tmp_path / "coco" / "left_out.csv").open(newline="") as file:
            assert {row["left_out_because"]: row["parts"] for row in csv.DictReader(file)} == {
                "the reviewer was not sure": "1",
                "the picture is not the one that was judged (sha256)": "1",
            }
        unpacked(client.get("/api/labels/yolo"), tmp_path / "yolo")
        with (tmp_path / "yolo" / "by_person.csv").open(newline="") as file:
            assert {row["image"]: row["by_person"] for row in csv.DictReader(file)}[f"{ids[1]}.jpg"] == "1"
        assert (tmp_path / "yolo" / "labels" / f"{ids[3]}.txt").read_text() == "", "called good: no defect"
        unpacked(client.get("/history/labels.cvat"), tmp_path / "cvat")
        root = ET.parse(tmp_path / "cvat" / "annotations.xml").getroot()  # noqa: S314 - our own file
        assert {(box.get("label"), box.get("source")) for box in root.iter("box")} >= {
            ("dent", "manual"),
            ("crack", "auto"),
        }
        rows = client.get("/api/audit", params={"action": "export"}).json()["items"]
        assert [(row["who"], row["subject"], row["content"]["pictures"]) for row in rows] == [
            ("quirin", kind, 4) for kind in ("cvat", "yolo", "coco")
        ]


def test_only_what_is_sought_is_given(plant: Plant, tmp_path: Path) -> None:
    review(plant)
    first = plant.rejects[0]
    asked = (
        ({"serial": first.part.serial}, 1),
        ({"outcome": "FAIL"}, 2),
        ({"label": "crack", "overruled": "1"}, 1),
        ({"since": "2000-01-01T00:00:00Z", "until": first.opened_utc.isoformat()}, 404),
        ({"since": first.opened_utc.isoformat(), "until": "2100-01-01T00:00:00Z"}, 3),
        ({"recipe": "none"}, 404),
        ({"since": "2000-01-01T00:00:00Z"}, 422),
        ({"outcome": "GOOD"}, 422),
    )
    with plant.client(Role.ENGINEER) as client:
        for number, (search, wanted) in enumerate(asked):
            answer = client.get("/api/labels/yolo", params=search)
            if wanted > 400:
                assert answer.status_code == wanted, (search, answer.text)
                continue
            names = unpacked(answer, tmp_path / str(number))
            assert sum(name.startswith("images/") for name in names) == wanted, (search, names)


def test_the_page_offers_them_to_those_who_may(plant: Plant) -> None:
    wanted = ["/history/labels.coco", "/history/labels.yolo", "/history/labels.cvat"]
    with plant.client(Role.OPERATOR) as client:
        page = client.get("/history", headers={"Accept": "text/html"}).text
        assert [path for path in wanted if path in page] == []
        for path in (*wanted, "/api/labels/coco"):
            assert client.get(path).status_code == 403
    with plant.client(Role.QUALITY) as client:
        page = client.get("/history?outcome=FAIL", headers={"Accept": "text/html"}).text
        assert [path for path in wanted if f"{path}?outcome=FAIL" not in page] == []
        for language, told in (("en", "was reviewed"), ("de", "begutachtet")):
            none = client.get(wanted[0], headers={"Accept": "text/html", "Accept-Language": language})
            assert (none.status_code, told in none.text) == (404, True), none.text[-1500:]


@pytest.mark.parametrize(("limit", "value"), [("MOST_PICTURES", 2), ("MOST_BYTES", 1000)])
def test_too_many_are_refused_and_the_most_is_named(
    limit: str, value: int, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    review(plant)
    monkeypatch.setattr(label_zip, limit, value)
    with plant.client(Role.QUALITY) as client:
        answer = client.get("/api/labels/coco")
        assert (answer.status_code, "5,000 pictures and 2 GB" in answer.json()["detail"]) == (422, True)
        assert client.get("/api/audit", params={"action": "export"}).json()["items"] == []


def test_one_is_given_at_a_time_and_one_that_was_broken_off_keeps_nobody_waiting(plant: Plant) -> None:
    review(plant)
    with plant.client(Role.QUALITY) as client:
        held = plant.station.labels.make("coco", PartSearch())
        assert held is not None
        try:
            answer = client.get("/api/labels/coco")
            assert (answer.status_code, "Other labels" in answer.json()["detail"]) == (409, True)
        finally:
            held.close()
        held.close()
        with client.stream("GET", "/api/labels/coco") as stream:
            assert stream.status_code == 200
        assert client.get("/api/labels/coco").status_code == 200
