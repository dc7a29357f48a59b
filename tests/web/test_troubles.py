"""What went wrong is told to people as a page in their language, and to programs as JSON."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from inspector.domain.account import Role
from inspector.web.words import Words
from tests.web.plant import SECRETS, Plant

NOWHERE = ("Page not found. Check the address.", "Not found", "That did not work")


@contextmanager
def browser(plant: Plant, role: Role | None, language: str = "de") -> Iterator[httpx.Client]:
    """Asks as a browser does."""
    with plant.client(role) as client:
        client.headers.update({"Accept": "text/html", "Accept-Language": language})
        yield client


def heading(answer: httpx.Response) -> str:
    return "".join(re.findall("<h1>(.*?)</h1>", answer.text))


@pytest.mark.parametrize("language", ["en", "de", "zh-Hans"])
@pytest.mark.parametrize("role", [None, Role.OPERATOR])
@pytest.mark.parametrize("path", ["/nowhere", "/static/nothing.js", "/review/no-id", "/io/release/1"])
def test_an_address_that_leads_nowhere_is_a_page_in_the_readers_language(
    path: str, role: Role | None, language: str, seen_plant: Plant
) -> None:
    _ = Words(language, seen_plant.station.site.shifts.zone).gettext
    reason, missing, failed = map(_, NOWHERE)
    with browser(seen_plant, role, language) as client:
        answer = client.get(path)
        if path.startswith("/review") and role is None:
            assert answer.status_code == 303, "sign in first"
            return
        assert answer.status_code in {404, 405, 422}
        assert f'lang="{language}"' in answer.text
        assert reason in answer.text
        assert heading(answer) == (missing if answer.status_code == 404 else failed)
        assert (SECRETS[Role.OPERATOR][0] in answer.text) is (role is not None)
        told = client.get(path, headers={"Accept": "application/json"})
        assert told.headers["content-type"] == "application/json"


def test_a_form_sent_after_the_session_ended_says_where_to_sign_in(plant: Plant) -> None:
    with browser(plant, None) as client:
        answer = client.post("/alarms/camera.lost/acknowledge")
        assert (answer.status_code, heading(answer)) == (401, "Niemand ist angemeldet")
        assert 'href="/login"' in answer.text
        told = client.post("/api/alarms/camera.lost/acknowledge")
        assert told.json()["detail"] == "sign in first: POST /api/session, or the page /login"


def test_what_is_not_allowed_says_so_in_the_readers_language(plant: Plant) -> None:
    with browser(plant, Role.OPERATOR) as client:
        token = client.headers.pop("X-CSRF-Token")
        old = client.post("/logout", data={"csrf": "x"})
        assert (old.status_code, heading(old)) == (403, "Nicht erlaubt")
        assert "Zurückgehen und die Seite neu laden." in old.text
        script = client.post("/logout", headers={"Accept": "application/json"})
        assert (script.status_code, script.json()["signIn"]) == (403, True)
        foreign = client.post("/logout", data={"csrf": token}, headers={"Origin": "http://evil.example"})
        assert "Anfragen von http://evil.example werden nicht angenommen" in foreign.text


def test_a_wrong_signature_under_a_forced_output_is_told_in_words(plant: Plant) -> None:
    wish = {"output": "to_plc.state.online", "high": "true", "seconds": "10", "secret": "wrong"}
    with browser(plant, Role.ENGINEER) as client:
        wrong = client.post("/io/force", data=wish)
        assert (wrong.status_code, heading(wrong)) == (422, "Das ging nicht")
        assert "Ihre PIN oder Ihr Passwort ist falsch. Es wurde nichts gespeichert." in wrong.text
        assert "wrong name or secret" not in wrong.text
        unfit = client.post("/io/force", data={**wish, "seconds": "many"})
        assert "Die gesendeten Daten passen nicht zum Formular." in unfit.text
        told = client.post("/api/io/force", json={**wish, "high": True, "seconds": 10})
        assert "Ihr Passwort ist falsch" in told.json()["detail"]
