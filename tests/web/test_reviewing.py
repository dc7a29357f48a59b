"""Reviews as pages and programs send them: who was first, what was left open, which reasons there are."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspector.app import settings
from inspector.domain.account import Role
from inspector.domain.errors import ConfigError
from inspector.web import reviewing
from tests.adapters.journal_sql.records import CRACKED, inspection
from tests.web.plant import SECRETS, Plant, open_plant

AGREE = {"opinion": "agree", "reason": "confirmed"}
UNSURE = {"opinion": "unsure", "reason": "second-opinion"}


def sign(client: httpx.Client, part: object, **body: Any) -> httpx.Response:
    return client.post(f"/api/inspections/{part}/review", json=AGREE | body)


def test_a_review_that_did_not_see_the_one_that_stands_is_refused(plant: Plant) -> None:
    part = plant.rejects[0].result_id
    with plant.client(Role.QUALITY) as quirin, plant.client(Role.OPERATOR) as mara:
        first = sign(quirin, part, standing=None).json()["journalSeq"]
        mara.headers["Accept-Language"] = "de"
        late = sign(mara, part, standing=None)
        assert late.status_code == 409
        assert "Inzwischen hat jemand anderes" in late.json()["detail"]
        assert "quirin" in late.json()["detail"]
        assert {"journalSeq": first, "reviewer": "quirin", "opinion": "agree"}.items() <= late.json()[
            "standing"
        ].items()
        assert sign(mara, part, standing=first).status_code == 200
        with plant.client(Role.ENGINEER) as enzo:
            assert sign(enzo, part, standing=first).json()["standing"]["reviewer"] == "mara"
            assert sign(enzo, part).status_code == 200, "a program that does not say what it saw is taken as before"
        items = mara.get(f"/api/inspections/{part}/reviews").json()["items"]
        assert [(one["reviewer"], one["second"]) for one in items] == [
            ("quirin", False), ("mara", True), ("enzo", True),
        ]  # fmt: skip


def test_a_review_that_was_taken_back_meanwhile_is_told(plant: Plant) -> None:
    part = plant.rejects[0].result_id
    with plant.client(Role.QUALITY) as quirin, plant.client(Role.OPERATOR) as mara:
        first = sign(quirin, part).json()["journalSeq"]
        assert quirin.delete(f"/api/inspections/{part}/review/{first}").status_code == 200
        late = sign(mara, part, standing=first)
        assert (late.status_code, late.json()["standing"]) == (409, None)
        again = quirin.post(f"/review/{part}/undo/{first}", headers={"Accept-Language": "de"})
        assert (again.status_code, "gilt nicht mehr" in again.json()["detail"]) == (409, True)


def test_a_review_is_taken_back_as_a_slip_and_not_days_later(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    part = plant.rejects[0].result_id
    with plant.client(Role.QUALITY) as quirin:
        number = sign(quirin, part).json()["journalSeq"]
        monkeypatch.setattr(reviewing, "WITHDRAWN_WITHIN", timedelta(0))
        answer = quirin.delete(f"/api/inspections/{part}/review/{number}")
        assert (answer.status_code, "too long ago" in answer.json()["detail"]) == (409, True)
        monkeypatch.undo()
        assert quirin.delete(f"/api/inspections/{part}/review/{number}").status_code == 200


def test_what_one_person_leaves_open_is_found_by_the_others(plant: Plant) -> None:
    parts = [one.result_id for one in plant.rejects[:2]]
    queue = {"kind": "unsure"}
    with plant.client(Role.QUALITY) as quirin, plant.client(Role.OPERATOR) as mara:
        for part in parts:
            assert sign(mara, part, **UNSURE).status_code == 200
        for client, left in ((quirin, 2), (mara, 0)):
            page = client.get("/review", params=queue, headers={"Accept": "text/html"}).text
            assert f"Unsure <b>{left}</b>" in page
            assert (str(parts[0]) in page) is (left > 0)
            told = client.get("/api/review/queue", params=queue).json()
            assert (told["left"], len(told["items"])) == (left, left)
        assert sign(quirin, parts[0]).status_code == 200
        assert quirin.get("/api/review/queue", params=queue).json()["left"] == 1


def test_all_boxes_taken_off_is_a_correction(plant: Plant) -> None:
    part, other = (one.result_id for one in plant.rejects[:2])
    with plant.client(Role.OPERATOR) as client:
        assert sign(client, part, corrections=[], corrected=True).status_code == 200
        assert sign(client, other, corrections=[]).status_code == 200
        mark = {"label": "dent", "x": 1, "y": 1, "width": 9, "height": 9}
        assert sign(client, plant.rejects[2].result_id, corrections=[mark], corrected=False).status_code == 409
        told = [client.get(f"/api/inspections/{one}/reviews").json()["items"][0]["corrected"] for one in (part, other)]
    assert told == [True, False]


def test_a_lock_out_says_until_when_in_the_readers_language(plant: Plant) -> None:
    part = plant.rejects[0].result_id
    body = {"opinion": "disagree", "reason": "dirt", "secret": "0000"}
    with plant.client(Role.OPERATOR) as client:
        client.headers["Accept-Language"] = "de"
        wrong = [sign(client, part, **body) for _ in range(6)]
    assert [one.status_code for one in wrong] == [422] * 5 + [423]
    assert "Ihr Passwort ist falsch" in wrong[0].json()["detail"]
    assert "Gesperrt bis" in wrong[-1].json()["detail"]
    assert datetime.fromisoformat(wrong[-1].json()["lockedUntil"]).tzinfo is not None


def test_a_token_of_another_session_asks_to_sign_in_again(plant: Plant) -> None:
    part, (name, secret) = plant.rejects[0].result_id, SECRETS[Role.OPERATOR]
    with plant.client(Role.OPERATOR) as client:
        assert client.post("/api/session", json={"name": name, "secret": secret}).status_code == 200
        old = sign(client, part)
        assert (old.status_code, old.json()["signIn"]) == (403, True)
        page = client.post("/logout", headers={"Accept": "text/html", "Accept-Language": "de"})
        assert (page.status_code, "neu angemeldet" in page.text) == (403, True)


def test_where_no_reason_of_the_site_fits_there_is_another(tmp_path: Path, repo: Path) -> None:
    passed, rejected = inspection(1), inspection(2, CRACKED)
    reasons = {"agree": ("confirmed",), "disagree": ("dirt",), "unsure": ()}
    assert reviewing.fitting(reasons, passed, "disagree") == ("other",)
    assert reviewing.fitting(reasons, rejected, "disagree") == ("dirt",)
    assert reviewing.fitting(reasons, passed, "unsure") == ("other",)
    with open_plant(tmp_path, repo, parts=3, web='[web.reasons]\ndisagree = ["dirt"]\n') as plant:
        part = plant.parts[0].result_id
        with plant.client(Role.OPERATOR) as client:
            assert 'data-reason="other"' in client.get(f"/review/{part}", headers={"Accept": "text/html"}).text
            assert sign(client, part, opinion="disagree", reason="nonsense").status_code == 409
            assert sign(client, part, opinion="disagree", reason="other").status_code == 200
        station = plant.folder / "config" / "stations" / f"{plant.station.name}.toml"
        station.write_text(station.read_text().replace('["dirt"]', "[]"))
        with pytest.raises(ConfigError, match="no button to press"):
            settings.load(plant.folder / "config", plant.station.name)
