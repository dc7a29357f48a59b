"""The interface for programs."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import cv2
import pytest

from inspector.adapters import journal_sql
from inspector.domain.account import Role
from inspector.domain.inspection import AlarmEvent
from inspector.web import publishing
from tests.fakes import wait_until
from tests.web.plant import Plant, cracked, following, picture, sink


def test_reviews_by_rest_leave_the_first_records_as_they_were(plant: Plant) -> None:
    with plant.client(Role.QUALITY) as client:
        waiting = client.get("/api/review/queue", params={"limit": 200}).json()
        assert waiting["left"] == len(plant.rejects) == len(waiting["items"])
        for item in waiting["items"]:
            body = {"opinion": "agree", "reason": "confirmed"}
            assert client.post(f"/api/inspections/{item['resultId']}/review", json=body).status_code == 200
        assert client.get("/api/review/queue").json()["left"] == 0
        for part in plant.rejects:
            said = client.get(f"/api/inspections/{part.result_id}/reviews").json()["items"]
            assert [(one["reviewer"], one["trueOutcome"]) for one in said] == [("quirin", "FAIL")]
            file = plant.station.history.part(part.result_id)
            assert file is not None
            assert file.inspection == part
    told = journal_sql.verify(plant.journal).findings
    assert [finding for finding in told if "among the revisions" not in finding] == []


def test_the_same_person_reviews_once_and_another_may_add_a_second_review(plant: Plant) -> None:
    part = plant.rejects[0].result_id
    body = {"opinion": "agree", "reason": "confirmed"}
    with plant.client(Role.OPERATOR) as client:
        assert client.post(f"/api/inspections/{part}/review", json=body).status_code == 200
        assert client.post(f"/api/inspections/{part}/review", json=body).status_code == 409
    with plant.client(Role.QUALITY) as client:
        assert client.post(f"/api/inspections/{part}/review", json=body).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"opinion": "agree", "reason": "no such reason"}, 409),
        ({"opinion": "perhaps", "reason": "confirmed"}, 422),
        ({"opinion": "disagree", "reason": "dirt"}, 428),
        ({"opinion": "disagree", "reason": "dirt", "secret": "0000"}, 422),
        ({"opinion": "agree", "reason": "confirmed", "corrections": [{"label": "x"}]}, 422),
    ],
)
def test_a_review_that_does_not_fit_is_refused_with_the_reason(
    body: dict[str, object], status: int, plant: Plant
) -> None:
    part = plant.rejects[0].result_id
    with plant.client(Role.OPERATOR) as client:
        answer = client.post(f"/api/inspections/{part}/review", json=body)
        assert answer.status_code == status, answer.text
        assert answer.json()["detail"]
        assert client.get(f"/api/inspections/{part}/reviews").json()["items"] == []


def test_an_altered_picture_is_not_given_out(plant: Plant) -> None:
    part = plant.rejects[0]
    assert part.evidence is not None
    address = f"/api/inspections/{part.result_id}/picture"
    with plant.client(Role.OPERATOR) as client:
        assert client.get(address).headers["content-type"] == "image/jpeg"
        path = plant.journal.parent / "evidence" / part.evidence.path
        path.write_bytes(b"other" + path.read_bytes())
        assert client.get(address).status_code == 410


def test_an_altered_crop_is_not_given_out(plant: Plant) -> None:
    part = plant.rejects[0]
    assert part.evidence is not None
    address = f"/parts/{part.result_id}/crop/0"
    path = plant.journal.parent / "evidence" / part.evidence.crops[0]
    sound = path.read_bytes()
    with plant.client(Role.OPERATOR) as client:
        assert client.get(address).content == sound
        path.write_bytes(sound[:-3] + bytes([sound[-3] ^ 1]) + sound[-2:])
        answer = client.get(address)
        assert answer.status_code == 410
        assert "sha256 differs" in answer.json()["detail"]
        path.unlink()
        assert client.get(address).status_code == 404


def test_a_picture_is_judged_once_and_stands_in_no_journal(plant: Plant, tmp_path: Path) -> None:
    file = tmp_path / "part.png"
    cv2.imwrite(str(file), picture(cracked(4)))
    before = plant.station.book.head()
    with plant.client(Role.ENGINEER) as client:
        answer = client.post(
            "/api/inspect", files={"picture": ("part.png", file.read_bytes(), "image/png")}, timeout=120
        )
        assert answer.status_code == 200, answer.text
        record = answer.json()
        assert record["isSimulated"] is True
        assert record["partId"] == "part.png"
        assert "journalSeq" not in record
        broken = client.post("/api/inspect", files={"picture": ("x.png", b"no picture", "image/png")}, timeout=120)
        assert broken.json()["resultContent"]["outcome"] == "UNDECIDED"
    assert plant.station.book.head() == before


def test_health_names_the_stage_that_is_ill(plant: Plant) -> None:
    with plant.client() as client, following(plant, sink()):
        assert wait_until(lambda: client.get("/health").status_code == 200, 20)
        plant.line.clear()
        assert wait_until(lambda: client.get("/health").status_code == 503, 20)
        assert "no status" in client.get("/health").json()["stages"]["line"]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, ""),
        ({"lag": publishing.BEHIND}, ""),
        ({"lag": publishing.BEHIND + 1}, "mqtt: 1001 records wait"),
        ({"alive": False, "reason": "refused"}, "mqtt: away since 2026-11-24T08:00:00Z, 3 records wait; refused"),
        ({"alive": False, "reason": "refused", "since_utc": "9999-01-01T00:00:00Z"}, ""),
    ],
)
def test_publishing_is_a_stage_of_its_own(told: dict[str, object], why: str, plant: Plant) -> None:
    def publish() -> str:
        return str(client.get("/health").json()["stages"]["publish"])

    with plant.client() as client:
        assert wait_until(lambda: publish() == "the follower does not answer: nothing is published", 20)
        with following(plant, sink(**told)):
            assert wait_until(lambda: publish().startswith(why or "ok"), 20), publish()
            assert wait_until(lambda: 'inspector_sink_waiting{sink="mqtt"}' in client.get("/metrics").text, 20)
            ill = 'inspector_stage_ill{stage="publish"} ' + ("1.0" if why else "0.0")
            assert ill in client.get("/metrics").text


def test_an_alarm_is_set_aside_and_taken_back_and_its_journal_says_by_whom(plant: Plant) -> None:
    raised = AlarmEvent(
        code="camera.lost", station=plant.station.name, action="raised", text="no frame",
        at_utc=datetime.now(UTC), details={},
    )  # fmt: skip
    with journal_sql.open_recorder(plant.journal, station=plant.station.name) as recorder:
        recorder.note(raised)
        assert recorder.flush(20)
    address = "/api/alarms/camera.lost/shelve"
    with plant.client(Role.OPERATOR) as client:
        assert client.post(address).status_code == 403
    with plant.client(Role.ENGINEER) as client:
        number = client.post(address).json()["journalSeq"]
        assert client.get("/api/alarms").json()["items"][0]["shelvedUntil"] is not None
        assert client.delete(address).json()["journalSeq"] == number + 1
        assert client.get("/api/alarms").json()["items"][0]["shelvedUntil"] is None
        assert client.post("/api/alarms/nothing.stands/shelve").status_code == 404
        told = client.get("/api/alarms/journal", params={"code": "camera.lost", "limit": 2}).json()
        assert [(one["action"], one["details"].get("by")) for one in told["items"]] == [
            ("unshelved", "enzo"),
            ("shelved", "enzo"),
        ]
        rest = client.get("/api/alarms/journal", params={"code": "camera.lost", "after": told["following"]}).json()
        assert [one["action"] for one in rest["items"]] == ["raised"]
        assert client.get("/api/alarms/journal", params={"after": "x"}).status_code == 422


def test_a_recipes_text_is_what_its_sha256_says(plant: Plant) -> None:
    with plant.client(Role.ENGINEER) as client:
        known = client.get("/api/recipes").json()["items"]
        told = client.get(f"/api/recipes/{plant.recipe}").json()
        assert hashlib.sha256(told["content"].encode()).hexdigest() == plant.recipe
        assert {key: told[key] for key in known[0]} in known
        assert client.get("/api/recipes/none").status_code == 404
    with plant.client(Role.OPERATOR) as client:
        assert client.get(f"/api/recipes/{plant.recipe}").status_code == 403


def test_metrics_are_prometheus_text(seen_plant: Plant) -> None:
    with seen_plant.client() as client:
        text = client.get("/metrics").text
    assert 'inspector_parts_total{outcome="fail"}' in text
    assert "inspector_line_up" in text


def test_the_description_says_who_may_call_each_route(seen_plant: Plant) -> None:
    with seen_plant.client(Role.ENGINEER) as client:
        paths = client.get("/api/openapi.json").json()["paths"]
    assert all(operation["x-access"] for path in paths.values() for operation in path.values())
    assert json.dumps(paths["/api/inspect"]["post"]["x-access"]) == '"engineer"'


@pytest.mark.parametrize(
    "after",
    [
        '["oldest",99999999999999999999]',
        '["oldest",NaN]',
        '["oldest",1e999]',
        '["oldest",1,2]',
        '["nearest",1]',
        '["oldest"]',
        '["oldest","1"]',
        "[" * 400,
    ],
)
def test_a_place_that_no_page_named_is_refused(after: str, seen_plant: Plant) -> None:
    with seen_plant.client(Role.QUALITY) as client:
        order = "nearest" if "nearest" in after else "oldest"
        for path in ("/api/review/queue", "/review"):
            answer = client.get(path, params={"after": after, "order": order})
            assert answer.status_code == 422, (path, after)
        for path in ("/api/history", "/history", "/api/audit"):
            assert client.get(path, params={"after": after}).status_code == 422, (path, after)


@pytest.mark.parametrize("after", [2**63 - 1, 2**63 - 2, 2**63 - 50])
def test_after_the_highest_number_there_is_comes_nothing(after: int, seen_plant: Plant) -> None:
    with seen_plant.client(Role.OPERATOR) as client:
        assert client.get("/api/inspections", params={"after": after}).json() == {"items": [], "next": None}
