"""Wrong secrets over HTTP: who is locked out where, what is said of it, and what stands of it in the audit chain."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from inspector.adapters import journal_sql
from inspector.domain.account import Account, Role
from inspector.domain.lockout import MOST_FAILURES, MOST_OF_ADDRESS, MOST_OF_NAME
from tests.web.plant import SECRETS, Plant

NAME, PIN = SECRETS[Role.OPERATOR]
ELSEWHERE = "192.0.2.7"


def sign_in(client: httpx.Client, name: str, given: str, *, place: str = "") -> httpx.Response:
    """Ask from this address: what a proxy on this PC says is believed."""
    headers = {"X-Forwarded-For": place} if place else {}
    return client.post("/api/session", json={"name": name, "secret": given}, headers=headers)


def rows(plant: Plant, action: str = "session") -> list[tuple[str, str, str, dict[str, Any]]]:
    """Who, what, to whom, and with which details, oldest first."""
    found = plant.station.audit.audit(action=action, limit=200).items
    return [(one.who, one.action, one.subject, dict(one.content)) for one in reversed(found)]


def test_wrong_tries_from_elsewhere_keep_nobody_from_the_panel(plant: Plant) -> None:
    with plant.client() as client:
        for _ in range(MOST_FAILURES):
            assert "wrong" in sign_in(client, NAME, "0000", place=ELSEWHERE).json()["detail"]
        told = sign_in(client, NAME, PIN, place=ELSEWHERE)
        assert (told.status_code, "with this name at this place" in told.json()["detail"]) == (401, True)
        assert "15 minutes more" in told.json()["detail"]
        assert sign_in(client, NAME, PIN).status_code == 200, "at the panel"


def test_who_guesses_through_the_names_is_locked_out_for_every_name(plant: Plant) -> None:
    with plant.client() as client:
        for number in range(MOST_OF_ADDRESS):
            assert "wrong" in sign_in(client, f"nobody-{number}", "0000", place=ELSEWHERE).json()["detail"]
        told = sign_in(client, NAME, PIN, place=ELSEWHERE).json()["detail"]
        assert "Too many wrong tries at this place. Locked until" in told
        assert sign_in(client, NAME, PIN).status_code == 200, "at the panel"


def test_guesses_from_many_places_lock_the_name_at_last(plant: Plant) -> None:
    with plant.client() as client:
        for number in range(MOST_OF_NAME):
            assert "wrong" in sign_in(client, NAME, "0000", place=f"198.51.100.{number}").json()["detail"]
        assert "from many places. Locked until" in sign_in(client, NAME, PIN).json()["detail"]
    with plant.client(Role.ADMIN) as client:
        person = next(one for one in client.get("/api/users").json()["items"] if one["name"] == NAME)
        assert [one["address"] for one in person["locked"]] == [None]
        body = {"signature": SECRETS[Role.ADMIN][1]}
        assert client.post(f"/api/users/{person['key']}/unlock", json=body).status_code == 200
        assert sign_in(client, NAME, PIN).status_code == 200
    assert [content["locked"] for _, action, _, content in rows(plant) if action == "session.locked_out"] == ["name"]


def test_a_badge_is_counted_as_its_account(plant: Plant) -> None:
    plant.station.accounts.add(  # type: ignore[attr-defined] # the adapter's own
        Account(name="bea", role=Role.OPERATOR, secret_hash=plant.station.secrets.hashed("2580"), badge="B-77")
    )
    with plant.client() as client:
        for typed in ("B-77", "bea", "B-77", "bea", "B-77"):
            sign_in(client, typed, "0000", place=ELSEWHERE)
        for typed in ("bea", "B-77"):
            assert "Locked until" in sign_in(client, typed, "2580", place=ELSEWHERE).json()["detail"]
        assert sign_in(client, "B-77", "2580").status_code == 200
    assert rows(plant)[-1][3]["by"] == "badge"


@pytest.mark.parametrize("scope", ["here", "elsewhere"])
def test_a_signature_is_counted_where_it_is_given(scope: str, plant: Plant) -> None:
    """Wrong sign-ins from elsewhere do not keep a person at the panel from signing."""
    body = {"opinion": "disagree", "reason": "dirt"}

    def sign(part: UUID, given: str) -> httpx.Response:
        return client.post(f"/api/inspections/{part}/review", json={**body, "secret": given})

    with plant.client(Role.OPERATOR) as client:
        part = plant.rejects[0].result_id
        for _ in range(MOST_FAILURES):
            if scope == "here":
                assert sign(part, "0000").status_code == 422
            else:
                sign_in(client, NAME, "0000", place=ELSEWHERE)
        answer = sign(part, PIN)
        assert answer.status_code == (423 if scope == "here" else 200)
        if scope == "here":
            assert "minutes more" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "15 minutes more"), ("de", "noch 15 Minuten"), ("zh-Hans", "还有 15 分钟")],
)
def test_the_page_says_how_long_in_the_readers_language(language: str, told: str, plant: Plant) -> None:
    with plant.client() as client:
        for _ in range(MOST_FAILURES):
            sign_in(client, NAME, "0000")
        headers = {"Accept": "text/html", "Accept-Language": language}
        page = client.post("/login", data={"name": NAME, "secret": PIN}, headers=headers)
        assert (page.status_code, told in page.text) == (401, True), page.text[-2000:]


def test_signing_in_and_out_stands_in_the_chain_and_one_try_does_not(plant: Plant) -> None:
    with plant.client() as client:
        assert sign_in(client, NAME, "0000").status_code == 401
        answer = sign_in(client, NAME, PIN)
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        assert client.post("/logout").status_code == 303
    began, ended = rows(plant)
    assert began[:3] == (NAME, "session.began", NAME)
    assert began[3] == {"address": "127.0.0.1", "by": "name", "role": "operator", "session": began[3]["session"]}
    assert ended[:3] == (NAME, "session.ended", NAME)
    assert ended[3] == {"address": "127.0.0.1", "session": began[3]["session"]}
    findings = journal_sql.verify(plant.journal).findings
    assert [finding for finding in findings if "among the revisions" not in finding] == []


def test_a_lock_out_is_one_row_with_its_tries_however_often_is_tried_on(plant: Plant) -> None:
    with plant.client() as client:
        for _ in range(MOST_FAILURES + 7):
            sign_in(client, NAME, "0000", place=ELSEWHERE)
    (row,) = rows(plant)
    assert row[:3] == ("inspector web", "session.locked_out", NAME)
    assert row[3] | {"until": ""} == {"locked": "pair", "wrongSecrets": 5, "address": ELSEWHERE, "until": ""}


def test_what_was_typed_for_a_name_that_nobody_has_is_kept_nowhere(
    plant: Plant, capfd: pytest.CaptureFixture[str]
) -> None:
    typed = "screwdriver7-in-the-wrong-field"
    with plant.client() as client:
        for _ in range(MOST_FAILURES):
            sign_in(client, typed, PIN)
    assert [(subject, content["locked"]) for _, _, subject, content in rows(plant)] == [("", "pair")]
    for file in plant.folder.rglob("*.sqlite3*"):
        assert typed.encode() not in file.read_bytes(), file
    told = capfd.readouterr()
    assert typed not in told.out + told.err


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("signed in", "signed out", "locked out after wrong tries")),
        ("de", ("hat sich angemeldet", "hat sich abgemeldet", "nach Fehlversuchen gesperrt")),
        ("zh-Hans", ("已登录", "已退出", "错误次数过多而被锁定")),
    ],
)
def test_the_screens_show_who_came_and_went_in_each_language(
    language: str, words: tuple[str, ...], plant: Plant
) -> None:
    with plant.client() as client:
        answer = sign_in(client, NAME, PIN)
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        client.delete("/api/session")
        for _ in range(MOST_FAILURES):
            sign_in(client, NAME, "0000")
    with plant.client(Role.ADMIN) as client:
        headers = {"Accept": "text/html", "Accept-Language": language}
        key = next(one["key"] for one in client.get("/api/users").json()["items"] if one["name"] == NAME)
        for path in ("/audit?action=session", f"/users/{key}"):
            page = client.get(path, headers=headers).text
            assert [word for word in words if word not in page] == [], path
