"""Models: a card that people can read, who signed it, which recipes name it, how fast it is on this PC."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from inspector.app.bench_job import BenchJob
from inspector.domain.account import Role
from tests.web.browsing import ready, sign_in
from tests.web.plant import Plant

SOON_MS = 20_000
LONG_MS = 180_000
SMALL, NANO = "surface-small", "surface-nano"


@pytest.fixture(autouse=True)
def patient(page: Page) -> None:
    page.set_default_timeout(SOON_MS)


def test_a_card_is_read_and_the_recipe_that_names_it_is_one_touch_away(page: Page, plant: Plant, repo: Path) -> None:
    text = (repo / "config/recipes/critical.toml").read_text()
    sha256 = plant.station.shelf.propose("recipe", "critical", text, by="enzo", at_utc=datetime.now(UTC))
    sign_in(page, plant, Role.QUALITY, "/models")
    expect(page.locator(".packages li")).to_have_count(3)
    page.click(f".packages a:has-text('{SMALL}')")
    expect(page.locator("#card")).to_contain_text("crack, scratch, dent, stain, other")
    expect(page.locator("#card")).to_contain_text("CC-BY-SA-4.0")
    expect(page.locator("#standing")).to_contain_text("not signed")
    row = page.locator("#accuracy tr", has_text="Bad parts passed (escapes)")
    expect(row).to_contain_text("0/45")
    expect(row).to_contain_text("0.0% \u2013 7.9%")
    expect(page.locator("#cannot li").first).to_contain_text("trained on rendered metal faces")
    expect(page.locator("#hindrance")).to_contain_text("inspector model list --bench")
    expect(page.locator("#measure")).to_have_count(0)
    page.click("#recipes a")
    page.wait_for_url(f"**/recipes/{sha256}")


def test_a_model_is_measured_while_the_line_stands(page: Page, plant: Plant) -> None:
    assert isinstance(plant.station.bench, BenchJob)
    plant.station.bench._rounds = 3
    sign_in(page, plant, Role.ENGINEER, f"/models/{NANO}")
    expect(page.locator("#hindrance")).to_be_visible()
    with plant.client(Role.ENGINEER) as client:
        told = client.post(f"/api/models/{NANO}/bench")
        assert (told.status_code, "would slow its verdicts" in told.json()["detail"]) == (409, True)
        plant.line.clear()
        while plant.station.bench.hindrance():
            plant.line.wait(0.1)
        page.reload()
        ready(page)
        page.click("#measure")
        expect(page.locator("#measuring")).to_contain_text(NANO)
        expect(page.locator("#bench table")).to_contain_text("onnx", timeout=LONG_MS)
        expect(page.locator("#bench table")).to_contain_text("fastest")
        (one,) = [one for one in client.get("/api/models").json()["items"] if one["name"] == NANO]
        onnx = next(pace for pace in one["benched"]["runtimes"] if pace["kind"] == "onnx")
        assert 0 < onnx["medianMs"] <= onnx["p99Ms"]
        assert one["accuracy"]["parts"][0]["interval95"][0] == 0
        assert client.post("/api/models/none/bench").status_code == 404


def test_programs_get_card_signature_and_recipes(seen_plant: Plant) -> None:
    with seen_plant.client(Role.ENGINEER) as client:
        items = client.get("/api/models").json()["items"]
        assert [one["name"] for one in items] == ["surface-base", NANO, SMALL]
        one = client.get(f"/api/models/{SMALL}").json()
        assert one == items[2]
        assert one["signature"] == {"state": "unsigned", "by": None, "time": None, "trusted": None}
        assert one["card"]["finestPx"] == {"length": 16.0, "width": 1.0, "area": 64.0}
        assert client.get("/api/models/..%2fconfig").status_code == 404
    with seen_plant.client(Role.QUALITY) as client:
        assert client.post(f"/api/models/{SMALL}/bench").status_code == 403
