"""History, charts, alarms and the audit trail: the main path of each in a browser, and what programs get."""

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from inspector.adapters import journal_sql
from inspector.domain.account import Role
from inspector.domain.inspection import AlarmEvent
from tests.adapters.journal_sql.records import STATION, ask, inspection
from tests.web.browsing import sign_in
from tests.web.plant import EVIL, SECRETS, Plant, cracked

SOON_MS = 20_000


@pytest.fixture(autouse=True)
def patient(page: Page) -> None:
    page.set_default_timeout(SOON_MS)


def raise_alarm(plant: Plant, code: str = "camera.lost") -> None:
    event = AlarmEvent(code=code, station=STATION, action="raised", text="no frame", at_utc=datetime.now(UTC))
    with journal_sql.open_recorder(plant.journal, station=STATION) as recorder:
        recorder.note(event)
        assert recorder.flush(20)


def test_a_part_is_found_by_its_serial_and_opened(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.QUALITY, "/history")
    expect(page.locator(".found li").first).to_contain_text(plant.parts[-1].part.serial)
    wanted = plant.rejects[0].part.serial
    page.fill("[name=serial]", wanted)
    page.click(".filters .go")
    expect(page.locator(".found li")).to_have_count(1)
    expect(page.locator(".found li")).to_contain_text(wanted)
    expect(page.locator(".found bdi").last).to_have_text(EVIL)
    page.click(".found a")
    page.wait_for_url(re.compile(str(plant.rejects[0].result_id)))


def test_a_part_is_found_by_the_number_that_every_screen_calls_it_by(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.QUALITY, "/history")
    page.get_by_label("Part", exact=True).fill("6")
    page.click(".filters .go")
    expect(page.locator(".found li")).to_have_count(1)
    expect(page.locator(".found li")).to_contain_text("Part 6")
    expect(page.locator("[href*='table.csv']")).to_have_text("Export CSV")
    with page.expect_download() as taken:
        page.click("text=Export CSV")
    rows = list(csv.DictReader(io.StringIO(taken.value.path().read_text(encoding="utf-8-sig"))))
    assert [row["part_seq"] for row in rows] == ["6"]


def test_what_was_found_is_taken_out_as_a_table_and_the_export_is_audited(plant: Plant) -> None:
    with plant.client(Role.QUALITY) as client:
        answer = client.get("/history/table.csv", params={"outcome": "FAIL"})
        assert answer.headers["content-disposition"].startswith("attachment")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert {row["outcome"] for row in rows} == {"FAIL"}
        assert len(rows) == sum(part.verdict.outcome.name == "FAIL" for part in plant.parts)
        assert client.get("/history/table.xlsx").content.startswith(b"PK")
        told = client.get("/api/audit", params={"action": "export"}).json()
        assert [one["who"] for one in told["items"]] == ["quirin", "quirin"]
        assert told["head"]["sha256"] == told["items"][0]["sha256"]
        assert client.get("/history/table.exe").status_code == 422
    with plant.client(Role.OPERATOR) as client:
        assert client.get("/history/table.csv").status_code == 403
        assert client.get("/api/audit").status_code == 403


def test_programs_page_through_the_history_to_its_end(plant: Plant) -> None:
    numbers: list[int] = []
    after = ""
    with plant.client(Role.OPERATOR) as client:
        while True:
            page = client.get("/api/history", params={"after": after, "limit": 7}).json()
            numbers += [item["partSeq"] for item in page["items"]]
            after = page["following"]
            if not after:
                break
        assert numbers == [part.part.part_seq for part in reversed(plant.parts)]
        assert client.get("/api/history", params={"after": "nonsense"}).status_code == 422
        figures = client.get("/api/figures").json()
        assert figures["counts"]["parts"] == len(plant.parts)
        assert {one["class"] for one in figures["classes"]} == {"crack", "stain"}
        assert client.get("/api/figures", params={"since": "2026-11-24T00:00:00Z"}).status_code == 422


def test_charts_show_the_shifts_yield_and_its_defects(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.OPERATOR, "/charts")
    expect(page.locator("#total")).to_contain_text(str(len(plant.parts)))
    expect(page.locator("#pareto tbody tr")).to_have_count(2)
    expect(page.locator(".trend")).to_have_count(2)


def test_an_alarm_is_acknowledged_and_set_aside_by_those_who_may(page: Page, plant: Plant) -> None:
    raise_alarm(plant)
    sign_in(page, plant, Role.ENGINEER, "/alarms")
    alarm = page.locator(".standing")
    expect(alarm).to_contain_text("no frame")
    expect(alarm).to_contain_text("Check the camera's cable and power supply.")
    page.click("text=Acknowledge")
    expect(alarm).to_contain_text("acknowledged: enzo")
    page.click("text=Shelve for 1 hour")
    expect(alarm).to_contain_text("shelved until")
    page.click("text=Unshelve")
    expect(page.locator("#journal tbody tr")).to_have_count(4)
    with plant.client(Role.OPERATOR) as client:
        assert client.get("/api/alarms").json()["items"][0]["acknowledgedBy"] == "enzo"
        assert client.post("/api/alarms/no.such/acknowledge").status_code == 404
        assert client.post("/alarms/camera.lost/shelve").status_code == 403


def test_the_audit_trail_shows_who_signed_and_its_head(page: Page, plant: Plant) -> None:
    with plant.client(Role.OPERATOR) as client:
        body = {"opinion": "agree", "reason": "confirmed"}
        assert client.post(f"/api/inspections/{plant.rejects[0].result_id}/review", json=body).status_code == 200
    sign_in(page, plant, Role.QUALITY, "/audit?action=review")
    row = page.locator("#chain tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("mara")
    expect(row).to_contain_text("review.signed")
    with plant.client(Role.QUALITY) as client:
        head = client.get("/api/audit").json()["head"]
    page.reload()  # the row of that sign-in is the newest
    expect(page.locator("#head")).to_have_text(str(head["number"]))


def test_the_system_page_says_which_stage_is_ill_and_what_runs(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.ENGINEER, "/system")
    expect(page.locator("#stages tr")).to_have_count(7)
    expect(page.locator("#latency")).to_contain_text("p99")
    expect(page.locator("#journal")).to_contain_text(str(len(plant.parts)))
    expect(page.locator("#running")).to_contain_text("surface-small 0.1.0")


def test_a_recipe_is_proposed_tried_and_approved_by_a_second_person(page: Page, plant: Plant, repo: Path) -> None:
    text = (repo / "config/recipes/critical.toml").read_text().replace('name = "critical"', 'name = "stricter"', 1)
    sign_in(page, plant, Role.ENGINEER, "/recipes")
    page.fill("#propose textarea", text)
    page.click("#propose .go")
    expect(page.locator("#standing")).to_contain_text("waiting for approval")
    expect(page.locator("#rules li").first).to_contain_text("crack")
    expect(page.locator("main")).to_contain_text("Another person must approve it.")
    page.click("#try")
    expect(page.locator("#tried")).to_contain_text("parts re-evaluated")
    sha256 = page.url.split("/")[-1].split("?")[0]
    with plant.client(Role.ENGINEER) as client:
        one, _ = client.get("/api/recipes").json()["items"]
        assert (one["sha256"], one["standing"], one["proposedBy"], one["broken"]) == (sha256, "proposed", "enzo", "")
        told = client.get(f"/api/recipes/{sha256}/what-if").json()
        assert told["parts"] + told["leftOut"] == len(plant.parts)
        broken = client.post("/recipes", data={"content": "name = 'x'\nclases = 1"})
        assert broken.status_code == 422
        assert client.get("/api/recipes/none/what-if").status_code == 404
    page.context.clear_cookies()
    sign_in(page, plant, Role.QUALITY, f"/recipes/{sha256}")
    page.fill("[name=comment]", "tried on last week")
    page.fill("[name=secret]", SECRETS[Role.QUALITY][1])
    page.click("text=Approve")
    expect(page.locator("#standing")).to_contain_text("decided by quirin: tried on last week")
    with plant.client(Role.QUALITY) as client:
        acts = client.get("/api/audit", params={"action": "recipe"}).json()["items"]
    assert [(one["who"], one["action"]) for one in acts] == [("quirin", "recipe.approved"), ("enzo", "recipe.proposed")]


@pytest.mark.long
def test_500_rejects_reviewed_by_rest_leave_the_first_records_as_they_were(plant: Plant) -> None:
    more = range(len(plant.parts) + 1, len(plant.parts) + 501 - len(plant.rejects))
    with journal_sql.open_recorder(plant.journal, station=STATION) as recorder:
        for number in more:
            recorder.close(inspection(number, cracked(number), evidence_note="not kept"))
        assert recorder.flush(20)
    with plant.client(Role.QUALITY) as client:
        kept = ask(plant.journal, "SELECT * FROM inspection ORDER BY journal_seq")
        defects = ask(plant.journal, "SELECT * FROM defect ORDER BY journal_seq, position")
        reviewed = 0
        while items := client.get("/api/review/queue", params={"limit": 200}).json()["items"]:
            for item in items:
                body = {"opinion": "agree", "reason": "confirmed"}
                assert client.post(f"/api/inspections/{item['resultId']}/review", json=body).status_code == 200
                reviewed += 1
        assert reviewed == 500
        assert ask(plant.journal, "SELECT * FROM inspection ORDER BY journal_seq") == kept
        assert ask(plant.journal, "SELECT * FROM defect ORDER BY journal_seq, position") == defects
        proof = journal_sql.verify(plant.journal)
        assert proof.audit.number == 500 + 1, "each review, and who signed in"
        assert [finding for finding in proof.findings if "revisions" not in finding] == []
