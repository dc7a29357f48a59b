"""A recipe is approved by a second person, activated, and rolled back: by programs, and in a browser."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from inspector.adapters import journal_sql
from inspector.app import settings
from inspector.app.parts import check_parts
from inspector.domain.account import Role
from inspector.domain.activation import Wish
from inspector.domain.request import WITHDRAW
from inspector.ports.liveness import Life
from inspector.web import recipe_desk
from tests.adapters.journal_sql.records import STATION, ask
from tests.fakes import wait_until
from tests.web.answering_line import AnsweringLine, answering_line
from tests.web.browsing import sign_in
from tests.web.plant import SECRETS, Plant

SOON_MS = 20_000
JSON = {"Content-Type": "application/json"}
ENGINEER, QUALITY = (SECRETS[role][1] for role in (Role.ENGINEER, Role.QUALITY))


@pytest.fixture
def line(plant: Plant) -> Iterator[AnsweringLine]:
    with answering_line(plant) as running:
        yield running


def text_of(plant: Plant, minimum: float = 3.5) -> str:
    """The shipped recipe with another limit."""
    text = (plant.folder / "recipes" / "critical.toml").read_text()
    return text.replace("min_length_mm = 1.5 ", f"min_length_mm = {minimum} ", 1)


def proposed(client: httpx.Client, text: str) -> str:
    answer = client.post("/api/recipes", json={"content": text})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["sha256"])


def approved(plant: Plant, text: str) -> str:
    """Proposed by enzo, approved by quirin."""
    with plant.client(Role.ENGINEER) as client:
        sha256 = proposed(client, text)
    with plant.client(Role.QUALITY) as client:
        body = {"approved": True, "comment": "tried", "secret": QUALITY}
        assert client.post(f"/api/recipes/{sha256}/decision", json=body).json()["standing"] == "approved"
    return sha256


def wish(line: AnsweringLine, **changed: Any) -> dict[str, Any]:
    return {"before": line.sha256, "reason": "burr of the new tool", "secret": ENGINEER, **changed}


def acts(client: httpx.Client) -> list[tuple[str, str]]:
    items = client.get("/api/audit", params={"action": "recipe"}).json()["items"]
    return [(one["who"], one["action"]) for one in reversed(items)]


def test_an_approved_recipe_is_activated_with_a_signature_and_stands_in_the_audit_chain(
    plant: Plant, line: AnsweringLine
) -> None:
    first, sha256 = line.sha256, approved(plant, text_of(plant))
    with plant.client(Role.ENGINEER) as client:
        where = f"/api/recipes/{sha256}/activation"
        assert client.post(where, json=wish(line, secret="")).status_code == 428
        assert client.post(where, json=wish(line, secret=QUALITY)).status_code == 422
        assert client.post(where, json=wish(line, reason="  ")).status_code == 409
        assert line.sha256 == first
        answer = client.post(where, json=wish(line))
        assert (answer.status_code, answer.json()["state"]) == (200, "done"), answer.text
        assert wait_until(lambda: line.sha256 == sha256)
        assert wait_until(lambda: client.get("/api/recipes/in-use").json()["items"][0]["sha256"] == sha256)
        (slot,) = client.get("/api/recipes/in-use").json()["items"]
        assert (slot["slot"], slot["live"], slot["file"], slot["before"]) == ("critical", True, "older", first)
        assert (slot["activation"]["who"], slot["activation"]["reason"]) == ("enzo", "burr of the new tool")
        assert acts(client) == [
            ("enzo", "recipe.proposed"),
            ("quirin", "recipe.approved"),
            ("enzo", "recipe.activation_asked"),
            ("enzo", "recipe.activated"),
        ]
        (told,) = client.get("/api/recipes/activations").json()["items"]
        assert (told["state"], told["before"], told["sha256"]) == ("done", first, sha256)
    assert not [one for one in journal_sql.verify(plant.journal).findings if "audit" in one or "activation" in one]


def test_what_was_activated_is_what_a_line_starts_with_whatever_its_file_says(
    plant: Plant, line: AnsweringLine
) -> None:
    sha256 = approved(plant, text_of(plant))
    with plant.client(Role.ENGINEER) as client:
        assert client.post(f"/api/recipes/{sha256}/activation", json=wish(line)).status_code == 200
        (plant.folder / "recipes" / "critical.toml").write_text(text_of(plant, 9.0))
        loaded = settings.load(plant.folder / "config", STATION)
        assert [one.sha256 for one in check_parts(loaded).recipes] == [sha256]
        assert client.get("/api/recipes/in-use").json()["items"][0]["file"] == "by_hand"
        (plant.folder / "recipes" / "critical.toml").write_text("no recipe")
        assert [one.sha256 for one in check_parts(loaded).recipes] == [sha256], "a broken file stops nothing"
        (plant.folder / "recipes" / "critical.toml").unlink()
        assert client.get("/api/recipes/in-use").json()["items"][0]["file"] == "missing"


def test_a_file_edited_under_a_line_that_never_activated_anything_is_said_to_be(
    plant: Plant, line: AnsweringLine
) -> None:
    with plant.client(Role.QUALITY) as client:
        assert client.get("/api/recipes/in-use").json()["items"][0]["file"] == "same"
        (plant.folder / "recipes" / "critical.toml").write_text(text_of(plant))
        (slot,) = client.get("/api/recipes/in-use").json()["items"]
        assert (slot["file"], slot["sha256"]) == ("next", line.sha256)


def test_nobody_activates_what_nobody_else_approved(plant: Plant, line: AnsweringLine) -> None:
    with plant.client(Role.ENGINEER) as client:
        sha256 = proposed(client, text_of(plant))
        own = client.post(f"/api/recipes/{sha256}/decision", json={"approved": True, "secret": ENGINEER})
        assert (own.status_code, own.json()["detail"]) == (409, "Another person must approve it.")
        answer = client.post(f"/api/recipes/{sha256}/activation", json=wish(line))
        assert answer.status_code == 409
        assert "Not approved yet" in answer.json()["detail"]
    with plant.client(Role.QUALITY) as client:
        body = {"approved": False, "comment": "too mild", "secret": QUALITY}
        assert client.post(f"/api/recipes/{sha256}/decision", json=body).json()["standing"] == "rejected"
        answer = client.post(f"/api/recipes/{sha256}/activation", json=wish(line, secret=QUALITY))
        assert answer.status_code == 409
    with plant.client(Role.OPERATOR) as client:
        assert client.post(f"/api/recipes/{sha256}/activation", json=wish(line)).status_code == 403
    assert ask(plant.journal, "SELECT count(*) FROM request") == [(0,)]


def test_the_line_itself_takes_nothing_that_nobody_approved(plant: Plant, line: AnsweringLine) -> None:
    with plant.client(Role.ENGINEER) as client:
        sha256 = proposed(client, text_of(plant))
    now, first = datetime.now(UTC), line.sha256
    slipped = Wish(slot="critical", name="critical", sha256=sha256, before=first, reason="past the page")
    number = plant.station.activations.ask(slipped, by="enzo", at_utc=now)
    assert wait_until(lambda: len(plant.station.requests.answers(number)) == 1)
    ((_, answer),) = plant.station.requests.answers(number)
    assert (answer.state.value, "must approve it first" in answer.text) == ("refused", True)
    assert line.sha256 == first
    with plant.client(Role.ENGINEER) as client:
        assert acts(client)[-2:] == [("enzo", "recipe.activation_asked"), ("enzo", "recipe.not_activated")]


def test_who_comes_second_is_told_what_came_into_use_meanwhile(plant: Plant, line: AnsweringLine) -> None:
    first = line.sha256
    one, other = approved(plant, text_of(plant, 3.5)), approved(plant, text_of(plant, 4.0))
    with plant.client(Role.ENGINEER) as client:
        assert client.post(f"/api/recipes/{one}/activation", json=wish(line)).status_code == 200
        assert wait_until(lambda: client.get("/api/recipes/in-use").json()["items"][0]["sha256"] == one)
    with plant.client(Role.QUALITY) as client:
        stale = client.post(f"/api/recipes/{other}/activation", json=wish(line, before=first, secret=QUALITY))
        assert stale.status_code == 409
        assert one[:12] in stale.json()["detail"]
    plant.status["recipes"] = [{**plant.status["recipes"][0], "sha256": first}]  # the page lags behind the line
    assert wait_until(lambda: recipes_seen(plant) == [first])
    with plant.client(Role.QUALITY) as client:
        refused = client.post(f"/api/recipes/{other}/activation", json=wish(line, before=first, secret=QUALITY))
        assert (refused.status_code, refused.json()["state"]) == (409, "refused")
        assert f"revision {one[:12]} is in use by now" in refused.json()["detail"]
    assert line.sha256 == one


def recipes_seen(plant: Plant) -> list[str]:
    return [row["sha256"] for row in plant.app.state.feed.now.liveness.status["recipes"]]


def test_a_double_click_asks_the_line_once(plant: Plant, line: AnsweringLine) -> None:
    sha256, body = approved(plant, text_of(plant)), wish(line)
    with plant.client(Role.ENGINEER) as client:
        answers = [client.post(f"/api/recipes/{sha256}/activation", json=body) for _ in range(2)]
        assert [answer.json()["state"] for answer in answers] == ["done", "done"]
        assert len(client.get("/api/recipes/activations").json()["items"]) == 1


def test_an_earlier_revision_comes_back_by_the_same_rules(plant: Plant, line: AnsweringLine) -> None:
    first, sha256 = line.sha256, approved(plant, text_of(plant))
    with plant.client(Role.ENGINEER) as client:
        assert client.post(f"/api/recipes/{sha256}/activation", json=wish(line)).status_code == 200
        assert wait_until(lambda: recipes_seen(plant) == [sha256])
        assert client.post(f"/api/recipes/{first}/activation", json=wish(line, secret="")).status_code == 428
        back = client.post(f"/api/recipes/{first}/activation", json=wish(line, reason="false rejects"))
        assert back.status_code == 200, back.text
        assert wait_until(lambda: recipes_seen(plant) == [first])
        (slot,) = client.get("/api/recipes/in-use").json()["items"]
        assert (slot["file"], slot["before"], slot["activation"]["reason"]) == ("same", sha256, "false rejects")


def test_another_product_takes_the_default_place_and_the_way_back_is_kept(plant: Plant, line: AnsweringLine) -> None:
    first = line.sha256
    sha256 = approved(plant, text_of(plant).replace('name = "critical"', 'name = "housing-7"', 1))
    with plant.client(Role.ENGINEER) as client:
        assert client.post(f"/api/recipes/{sha256}/activation", json=wish(line)).status_code == 200
        assert wait_until(lambda: recipes_seen(plant) == [sha256])
        (slot,) = client.get("/api/recipes/in-use").json()["items"]
        assert (slot["slot"], slot["name"], slot["before"]) == ("critical", "housing-7", first)
    assert [one.recipe.name for one in check_parts(settings.load(plant.folder / "config", STATION)).recipes] == [
        "housing-7"
    ]


def test_with_a_line_that_does_not_run_nothing_is_changed_and_that_is_said(plant: Plant, line: AnsweringLine) -> None:
    sha256, body = approved(plant, text_of(plant)), wish(line)
    plant.line.clear()
    assert wait_until(lambda: plant.app.state.feed.now.liveness.life is Life.DEAD)
    with plant.client(Role.ENGINEER) as client:
        answer = client.post(f"/api/recipes/{sha256}/activation", json=body)
        assert (answer.status_code, "is not running" in answer.json()["detail"]) == (409, True)
        assert client.get("/api/recipes/activations").json()["items"] == []
        (slot,) = client.get("/api/recipes/in-use").json()["items"]
        assert (slot["live"], slot["sha256"]) == (False, line.sha256)


def test_a_line_that_stays_silent_is_said_to_and_the_request_is_withdrawn(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe_desk, "ANSWER_S", 0.2)
    monkeypatch.setattr(recipe_desk, "_GOODBYE_S", 0.2)
    sha256 = approved(plant, text_of(plant))
    with plant.client(Role.ENGINEER) as client:
        body = {"before": plant.recipe, "reason": "trial", "secret": ENGINEER}
        assert client.post(f"/api/recipes/{sha256}/activation", json=body).status_code == 504
        (one,) = client.get("/api/recipes/activations").json()["items"]
        assert one["state"] is None
    asked = ask(plant.journal, "SELECT kind FROM request ORDER BY id")
    assert asked == [("recipe.activate",), (WITHDRAW,)]
    with plant.client(Role.QUALITY) as client:
        second = client.post(f"/api/recipes/{sha256}/activation", json={**body, "secret": QUALITY})
        assert (second.status_code, "enzo is activating" in second.json()["detail"]) == (409, True)
    with answering_line(plant) as line:
        assert wait_until(lambda: plant.station.activations.activations()[0].state is not None)
        (ended,) = plant.station.activations.activations()
        assert (ended.state and ended.state.value, ended.text) == ("ended", "the line was started anew")
        assert line.sha256 != sha256


def test_what_is_no_recipe_comes_back_with_the_reason_and_nothing_is_lost(plant: Plant) -> None:
    typed = 'name = "x"\nmodel = "surface-smal"\n# <b>mine</b>\nclases = 1\n'
    with plant.client(Role.ENGINEER) as client:
        page = client.post("/recipes", data={"content": typed})
        assert page.status_code == 422
        assert "clases is unknown; did you mean" in page.text
        assert "# &lt;b&gt;mine&lt;/b&gt;" in page.text
        assert client.post("/recipes", data={"content": "= ="}).status_code == 422
        half = client.post("/api/recipes", content=b'{"content": "name = \\"\\ud800\\""}', headers=JSON)
        assert (half.status_code, half.json()["detail"][0]["type"]) == (422, "string_unicode")
        other = text_of(plant).replace('model = "surface-small"', 'model = "surface-base"', 1)
        answer = client.post("/api/recipes", json={"content": other})
        assert answer.status_code == 422
        assert "'surface-base' is not one that this station loads; it loads: surface-small" in answer.json()["detail"]
        upload = {"upload": ("new.toml", text_of(plant).replace("\n", "\r\n").encode())}
        stored = client.post("/recipes", data={"content": typed}, files=upload, follow_redirects=False)
        assert stored.status_code == 303, stored.text
        taken = client.get(stored.headers["location"] + "/text")
        assert (taken.text, "attachment" in taken.headers["content-disposition"]) == (text_of(plant), True)
        assert client.post("/recipes", data={}, files={"upload": ("x", b"\xff\xfe")}).status_code == 422
    assert len(plant.station.shelf.revisions("recipe")) == 2


def test_the_rules_are_read_in_the_language_of_the_page(plant: Plant, line: AnsweringLine) -> None:
    said: dict[str, list[str]] = {}
    with plant.client(Role.ENGINEER) as client:
        for tag in ("en", "de", "zh-Hans"):
            client.cookies.set("inspector_language", tag)
            said[tag] = client.get("/api/recipes").json()["items"][0]["rules"]
    assert said["en"][0] == (
        "crack: counted from confidence 0.5; relevant from length 1.5 mm; a single one fails the part; adds 3 "
        "times the confidence to the severity score (critical); uncertain from confidence 0.35; uncertain down to 10% "
        "below a size limit."
    )
    assert said["de"][0].startswith("Riss: zählt ab einer Konfidenz von 0,5; relevant ab Länge 1,5 mm; ein einziger")
    assert not [rule for rule in said["zh-Hans"] if re.search("[A-Za-z]{5,}", rule)]
    assert len({len(rules) for rules in said.values()}) == 1


def test_in_a_browser_from_the_proposal_to_the_roll_back(
    page: Page, plant: Plant, line: AnsweringLine, tmp_path: Path
) -> None:
    page.set_default_timeout(SOON_MS)
    expect.set_options(timeout=SOON_MS)
    first = line.sha256
    sign_in(page, plant, Role.ENGINEER, f"/recipes/{first}")
    page.click("text=/^Edit$/")
    page.fill("#propose textarea", "name = 1")
    page.click("#propose .go")
    expect(page.locator("#trouble")).to_contain_text("name = 1 is wrong")
    expect(page.locator("#propose textarea")).to_have_value("name = 1")
    upload = tmp_path / "new.toml"
    upload.write_text(text_of(plant))
    page.set_input_files("#propose [type=file]", upload)
    page.click("#propose .go")
    expect(page.locator("#standing")).to_contain_text("waiting for approval")
    expect(page.locator("#changes tbody")).to_contain_text("classes.crack.min_length_mm")
    expect(page.locator("#activation")).to_have_count(0)
    sha256 = page.url.rpartition("/")[2]

    page.context.clear_cookies()
    sign_in(page, plant, Role.QUALITY, f"/recipes/{sha256}")
    page.fill("#approval [name=comment]", "tried on last week")
    page.fill("#approval [name=secret]", "wrong")
    page.click("text=Approve")
    expect(page.locator("#trouble")).to_contain_text("password is wrong")
    expect(page.locator("#approval [name=comment]")).to_have_value("tried on last week")
    page.fill("#approval [name=secret]", QUALITY)
    page.click("#approval .go")
    expect(page.locator("#standing")).to_contain_text("approved")
    page.fill("#activation [name=reason]", "burr of the new tool")
    page.fill("#activation [name=secret]", QUALITY)
    page.dblclick("#activation .go")
    expect(page.locator("#standing")).to_contain_text("in use")
    assert line.sha256 == sha256
    page.goto(f"{plant.url}/recipes")
    expect(page.locator("#used .came")).to_contain_text("quirin · burr of the new tool")
    expect(page.locator("#activations tbody tr")).to_have_count(1)
    page.fill("#used [name=reason]", "false rejects")
    page.fill("#used [name=secret]", QUALITY)
    page.click("#used .back .button")
    expect(page.locator("#standing")).to_contain_text("in use")
    assert line.sha256 == first

    (plant.folder / "recipes" / "critical.toml").write_text(text_of(plant, 9.0))
    page.goto(f"{plant.url}/recipes")
    expect(page.locator("#used .file.trouble")).to_contain_text("edited")
    page.click("text=Propose the file's content")
    expect(page.locator("#propose textarea")).to_have_value(text_of(plant, 9.0))
    page.goto(f"{plant.url}/audit?action=recipe")
    expect(page.locator("#chain tbody tr").first).to_contain_text("recipe activated")
