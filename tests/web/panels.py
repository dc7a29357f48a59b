"""Everything that opens on a screen: how it is opened, for what must hold of it in every language."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Page

from inspector.adapters import journal_sql
from inspector.domain.account import Role
from inspector.domain.inspection import AlarmEvent
from inspector.web.staffing import key_of
from tests.adapters.journal_sql.records import STATION
from tests.web.browsing import ready
from tests.web.plant import HEIGHT, SECRETS, WIDTH, Plant, add_part, clean

Opens = Callable[[Page, Plant], None]


def furnish(plant: Plant) -> None:
    """What the panels need: alarms, a forced output, a golden image, revisions that were decided and that wait."""
    events = [
        AlarmEvent(code=code, station=STATION, action="raised", text="no frame", at_utc=datetime.now(UTC))
        for code in ("camera.lost", "sync.race")
    ]
    with journal_sql.open_recorder(plant.journal, station=STATION) as recorder:
        for event in events:
            recorder.note(event)
        assert recorder.flush(20)
    plant.status["health"]["alarms"]["camera.lost"] = "no frame"
    plant.status["forced"]["driven"] = [
        {"request": 7, "output": "to_plc.state.online", "high": True, "by": "enzo", "seconds_left": 20}
    ]
    golden = plant.station.site.golden
    golden.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(golden / f"{plant.parts[0].recipe.name}.png"), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    text = (plant.folder / "recipes" / "critical.toml").read_text()
    with plant.client(Role.ENGINEER) as client, plant.client(Role.QUALITY) as decides:
        for remark in ("waits", "approved", "rejected"):
            answer = client.post("/api/recipes", json={"content": f"{text}\n# {remark}\n"})
            assert answer.status_code == 201, answer.text
            body = {"approved": remark == "approved", "comment": remark, "secret": SECRETS[Role.QUALITY][1]}
            if remark != "waits":
                where = f"/api/recipes/{answer.json()['sha256']}/decision"
                assert decides.post(where, json=body).status_code == 200


def _part(then: str = "", number: int = 0) -> Opens:
    """A reject's page, and what is touched on it, in turn (selectors, separated by ">>")."""

    def opens(page: Page, plant: Plant) -> None:
        page.goto(f"{plant.url}/review/{plant.rejects[number].result_id}")
        ready(page)
        for selector in filter(None, then.split(" >> ")):
            page.click(selector)

    return opens


def _wrong_pin(page: Page, plant: Plant) -> None:
    _part("[data-opinion=disagree] >> [data-for=disagree] [data-key='1']")(page, plant)
    page.fill("#again-secret", "0000")
    page.click("#signature .go")
    page.wait_for_selector("#told:not([hidden])")


def _overtaken(page: Page, plant: Plant) -> None:
    detail = {"detail": "quirin: NG", "standing": {"reviewer": "quirin", "journalSeq": 1}}
    _part()(page, plant)
    page.route("**/review/*", lambda route: route.fulfill(status=409, json=detail))
    page.click("[data-opinion=agree]")
    page.wait_for_selector("#overtaken:not([hidden])")
    page.unroute("**/review/*")


def _undo(number: int, then: str = "") -> Opens:
    """After a part was confirmed: the next one, on which the review can be undone; ``then``: what is touched there."""

    def opens(page: Page, plant: Plant) -> None:
        _part(number=number)(page, plant)
        with page.expect_navigation():
            page.click("[data-opinion=agree]")
        ready(page)
        page.wait_for_selector("#undo")
        if then:
            page.click(then)

    return opens


def _reviewed(page: Page, plant: Plant) -> None:
    part = plant.rejects[3].result_id
    with plant.client(Role.OPERATOR) as client:
        body = {"opinion": "agree", "reason": "confirmed"}
        assert client.post(f"/api/inspections/{part}/review", json=body).status_code == 200
    _at(f"/review/{part}")(page, plant)
    page.wait_for_selector("#reviewed")


def _signed_out(page: Page, plant: Plant) -> None:
    _at("/history")(page, plant)
    token = page.get_attribute('meta[name="csrf"]', "content")
    assert page.request.delete(f"{plant.url}/api/session", headers={"X-CSRF-Token": token or ""}).ok
    page.wait_for_selector("#signed-out:not([hidden])")


def _held(page: Page, plant: Plant) -> None:
    _at("/live")(page, plant)
    page.wait_for_selector("#last-part image")
    add_part(plant, int(datetime.now(UTC).timestamp()) % 10**8, clean())
    page.wait_for_selector("#go-on:not([hidden])")


def _draft(page: Page, plant: Plant) -> None:
    address = f"{plant.url}/recipes?edit={plant.recipe}"
    page.goto(address)
    ready(page)
    page.fill("#content", "# begun\n")
    page.goto(address)
    page.wait_for_selector("#draft:not([hidden])")


def _revision(remark: str, query: str = "") -> Opens:
    def opens(page: Page, plant: Plant) -> None:
        with plant.client(Role.QUALITY) as client:
            items: list[dict[str, Any]] = client.get("/api/recipes").json()["items"]
            contents = {one["sha256"]: client.get(f"/recipes/{one['sha256']}/text").text for one in items}
        (sha256,) = [key for key, content in contents.items() if f"# {remark}" in content]
        _at(f"/recipes/{sha256}{query}")(page, plant)

    return opens


def _at(address: str) -> Opens:
    def opens(page: Page, plant: Plant) -> None:
        page.goto(f"{plant.url}{address}")
        ready(page)

    return opens


def _person(page: Page, plant: Plant) -> None:
    mara = next(one for one in plant.station.accounts.listed() if one.name == SECRETS[Role.OPERATOR][0])
    _at(f"/users/{key_of(mara)}")(page, plant)


PANELS: Mapping[str, tuple[Role, Opens]] = {
    "the golden image beside": (Role.OPERATOR, _part("#beside")),
    "the golden image by turns": (Role.OPERATOR, _part("#blink")),
    "the heatmap": (Role.OPERATOR, _part("#heat")),
    "the corrector": (Role.OPERATOR, _part("#correct")),
    "a box is drawn": (Role.OPERATOR, _part("#correct >> #mark-add")),
    "reasons to overrule": (Role.OPERATOR, _part("[data-opinion=disagree]")),
    "reasons not to know": (Role.OPERATOR, _part("[data-opinion=unsure]")),
    "corrected, reasons": (Role.OPERATOR, _part("#correct >> [data-opinion=unsure]")),
    "a signature": (Role.OPERATOR, _part("[data-opinion=disagree] >> [data-for=disagree] [data-key='1']")),
    "a wrong PIN": (Role.OPERATOR, _wrong_pin),
    "somebody was quicker": (Role.OPERATOR, _overtaken),
    "the last one can be undone": (Role.OPERATOR, _undo(1)),
    "undo and a reason": (Role.OPERATOR, _undo(2, "[data-opinion=unsure]")),
    "reviewed already": (Role.OPERATOR, _reviewed),
    "signed out": (Role.QUALITY, _signed_out),
    "a reject is held": (Role.OPERATOR, _held),
    "alarms stand": (Role.ENGINEER, _at("/alarms")),
    "an output is forced": (Role.ENGINEER, _at("/io")),
    "a text was begun": (Role.ENGINEER, _draft),
    "a revision waits": (Role.QUALITY, _revision("waits")),
    "a revision was approved": (Role.ENGINEER, _revision("approved")),
    "a revision was tried": (Role.ENGINEER, _revision("approved", "?tried=1")),
    "a person": (Role.ADMIN, _person),
}
