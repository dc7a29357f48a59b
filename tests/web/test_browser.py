"""The main path of each screen, in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, Request, expect

from inspector.domain.account import IDLE, Role
from inspector.domain.verdict import Outcome
from tests.web.browsing import ready, sign_in
from tests.web.plant import EVIL, SECRETS, Plant, add_part, clean, cracked, served

SOON_MS = 20_000
BOXES = """() => {
  if (document.body.classList.contains("stale")) return null;
  const box = (of) => document.querySelector(of).getBoundingClientRect().toJSON();
  return { lamp: box("#lamp"), glyph: box("#lamp .glyph"), word: box("#lamp .word span") };
}"""
"""Where the lamp and what it shows stand, once it is no longer stale."""


@pytest.fixture(autouse=True)
def nothing_leaves_the_host(page: Page) -> Iterator[None]:
    """Every request of every test goes to the station."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.set_default_timeout(SOON_MS)
    yield
    outside = [url for url in asked if not url.startswith(("http://127.0.0.1:", "blob:", "data:"))]
    assert outside == []


def test_live_shows_the_newest_verdict_without_an_account_but_no_picture(page: Page, plant: Plant) -> None:
    page.goto(plant.url)
    expect(page.locator("#lamp")).to_have_attribute("data-outcome", "fail", timeout=SOON_MS)
    expect(page.locator("#lamp .word")).to_have_text("NG")
    expect(page.locator("#last-part image")).to_have_count(0)
    add_part(plant, 900, clean())
    expect(page.locator("#lamp .word")).to_have_text("OK", timeout=SOON_MS)
    expect(page.locator(".bead")).to_have_count(20)


@pytest.mark.parametrize("language", ["en", "de", "zh-Hans"])
def test_the_lamps_word_stands_inside_the_lamp(language: str, page: Page, plant: Plant) -> None:
    page.context.add_cookies([{"name": "inspector_language", "value": language, "url": plant.url}])
    page.goto(f"{plant.url}/live")
    for number, verdict in enumerate((clean(), cracked(4), cracked(3)), start=900):
        add_part(plant, number, verdict)
        expect(page.locator("#lamp")).to_have_attribute("data-outcome", verdict.outcome.name.lower(), timeout=SOON_MS)
        shown = page.wait_for_function(BOXES, timeout=SOON_MS).json_value()
        lamp, glyph, word = (shown[name] for name in ("lamp", "glyph", "word"))
        border = 14
        assert lamp["left"] + border <= glyph["left"]
        assert glyph["right"] <= word["left"]
        assert word["right"] <= lamp["right"] - border
        assert glyph["width"] >= lamp["width"] / 8, "the glyph is read at two metres, too"


def test_a_part_that_no_model_judged_is_said_to_be_the_persons_to_judge(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.OPERATOR, f"/review/{plant.rejects[0].result_id}")
    expect(page.locator("#unjudged")).to_have_count(0)
    late = replace(clean(), outcome=Outcome.UNDECIDED, decision=replace(clean().decision, rule="law.late"))
    part = add_part(plant, 900, late, evidence=plant.rejects[0].evidence)
    page.goto(f"{plant.url}/review/{part}")
    expect(page.locator("#unjudged")).to_have_text("The system gave no verdict on this part: decide by the image.")


def test_the_picture_of_a_reject_is_held_until_somebody_goes_on(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.OPERATOR)
    held = str(plant.parts[-1].result_id)
    expect(page.locator("#last-part image")).to_have_count(1)
    add_part(plant, 900, clean())
    expect(page.locator("#lamp .word")).to_have_text("OK", timeout=SOON_MS)
    expect(page.locator("#last-part")).to_have_attribute("data-part", held)
    expect(page.locator("#last-part .of-held")).to_be_visible()
    page.click("#go-on")
    expect(page.locator("#last-part image")).to_have_count(0)


def test_a_page_that_lost_its_station_looks_stale_and_comes_back(page: Page, plant: Plant) -> None:
    with served(plant.app) as url:
        page.goto(f"{url}/live")
        expect(page.locator("#lamp .word")).to_be_visible()
        port = int(url.rpartition(":")[2])
    expect(page.locator("#lamp .lost")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#lamp .word")).not_to_be_visible()
    plant.app.state.feed.stopping = False
    with served(plant.app, port):
        expect(page.locator("#lamp .lost")).not_to_be_visible(timeout=SOON_MS)


def test_a_line_that_died_hatches_the_lamp(page: Page, plant: Plant) -> None:
    page.goto(f"{plant.url}/live")
    expect(page.locator("#lamp")).to_have_attribute("data-outcome", "fail", timeout=SOON_MS)
    plant.line.clear()
    expect(page.locator("#lamp")).to_have_attribute("data-outcome", "fault", timeout=SOON_MS)
    expect(page.locator(".alarms")).to_contain_text("Line not responding line.dead")
    sign_in(page, plant, Role.OPERATOR, "/alarms")
    expect(page.locator("[data-code='line.dead']")).to_contain_text("restarts automatically")


def test_an_operator_signs_in_with_buttons_only(page: Page, plant: Plant) -> None:
    name, pin = SECRETS[Role.OPERATOR]
    page.goto(f"{plant.url}/login")
    ready(page)
    page.click(f"[data-name={name}]")
    for digit in pin:
        page.click(f"[data-key='{digit}']")
    page.click(".go")
    page.wait_for_url("**/live")
    expect(page.locator(".tab.account")).to_contain_text(name)


def test_a_reject_is_confirmed_in_one_touch_and_undone(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.OPERATOR, "/review")
    expect(page.locator("#left")).to_have_text(str(len(plant.rejects)))
    page.click("#start")
    expect(page.locator("h1")).to_have_text("Part 3")
    ready(page)
    expect(page.locator("#crop")).to_be_visible()
    expect(page.locator(".where")).to_contain_text("Reject no. 1 of this shift")
    expect(page.locator(".where")).to_contain_text("bin 2")
    page.click("[data-opinion=agree]")
    expect(page.locator("h1")).to_have_text("Part 6")
    ready(page)
    expect(page.locator("#left")).to_have_text(str(len(plant.rejects) - 1), timeout=SOON_MS)
    page.click("#undo button")
    expect(page.locator("h1")).to_have_text("Part 3")
    expect(page.locator("#left")).to_have_text(str(len(plant.rejects)), timeout=SOON_MS)
    assert page.locator("[data-opinion]").count() == 3


def test_a_critical_defect_is_overruled_only_with_a_signature(page: Page, plant: Plant) -> None:
    part = plant.rejects[0]
    sign_in(page, plant, Role.OPERATOR, f"/review/{part.result_id}")
    page.keyboard.press("2")
    expect(page.locator("[data-for=disagree] [data-reason=missed]")).to_have_count(0)
    page.keyboard.press("1")
    expect(page.locator("#signature")).to_be_visible()
    page.fill("#again-secret", "0000")
    page.click("#signature .go")
    expect(page.locator("#told")).to_be_visible()
    page.fill("#again-secret", SECRETS[Role.OPERATOR][1])
    page.click("#signature .go")
    expect(page.locator("h1")).to_have_text("Part 6")
    file = plant.station.history.part(part.result_id)
    assert file is not None
    assert [(one.review.opinion.value, one.review.reason, one.review.signed) for one in file.reviews] == [
        ("disagree", "dirt", True)
    ]
    assert file.inspection == part, "the first record is as it was"


def test_the_whole_picture_opens_at_a_defect_and_is_corrected(page: Page, plant: Plant) -> None:
    part = plant.rejects[0]
    sign_in(page, plant, Role.OPERATOR, f"/review/{part.result_id}")
    page.click("[data-defect='1']")
    expect(page.locator("#whole canvas").first).to_be_visible()
    expect(page.locator("#whole .mark")).to_have_count(2)
    page.click("#correct")
    page.click("#classes [data-label=dent]")
    page.click("[data-zoom=home]")
    page.click("#mark-add")
    canvas = page.locator("#whole canvas").first.bounding_box()
    assert canvas is not None
    middle = (canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1] + 40, steps=5)
    page.mouse.move(middle[0] + 80, middle[1] + 60, steps=5)
    page.mouse.up()
    expect(page.locator("#whole .mark")).to_have_count(3)
    page.click("[data-opinion=agree]")
    expect(page.locator("h1")).to_have_text("Part 6")
    file = plant.station.history.part(part.result_id)
    assert file is not None
    marks = file.reviews[0].review.corrections
    assert [(mark.label, mark.defect) for mark in marks] == [("crack", 0), ("dent", 1), ("dent", None)]
    added = marks[2].box
    assert added.width > 20
    assert added.height > 20


def test_what_the_model_saw_is_laid_over_the_picture_and_taken_off_again(page: Page, plant: Plant) -> None:
    part = plant.rejects[0]
    sign_in(page, plant, Role.OPERATOR, f"/review/{part.result_id}")
    page.click("#heat")
    expect(page.locator("#heat")).to_have_attribute("aria-pressed", "true")
    glow = page.locator("#whole img.glow")
    expect(glow).to_be_visible()
    page.wait_for_function("() => document.querySelector('.glow').naturalWidth === 150")
    page.click("[data-zoom=home]")
    page.wait_for_function(
        """() => { const box = document.querySelector('.glow').getBoundingClientRect();
                 return Math.abs(box.width / box.height - 1200 / 900) < 0.01; }"""
    )
    page.click("[data-defect='1']")
    expect(page.locator("#whole .mark.chosen")).to_have_count(1)
    expect(page.locator("#whole .mark")).to_have_count(2)
    expect(glow).to_be_visible()
    page.click("#heat")
    expect(glow).to_have_count(1)
    expect(glow).not_to_be_visible()
    page.click("#heat")
    expect(glow).to_be_visible()
    assert part.evidence is not None
    (plant.journal.parent / "evidence" / part.evidence.heat).unlink()
    page.reload()
    expect(page.locator("#correct")).to_be_visible()
    expect(page.locator("#heat")).to_have_count(0)
    with plant.client(Role.OPERATOR) as client:
        assert client.get(f"/api/inspections/{part.result_id}/heat").status_code == 404
        other = client.get(f"/api/inspections/{plant.rejects[1].result_id}/heat")
        assert (other.status_code, other.headers["content-type"]) == (200, "image/png")


def test_a_session_that_ends_in_mid_review_loses_nothing(page: Page, plant: Plant) -> None:
    part = plant.rejects[0]
    sign_in(page, plant, Role.OPERATOR, f"/review/{part.result_id}")
    page.click("[data-opinion=unsure]")
    page.context.clear_cookies()
    page.click("[data-reason=second-opinion]")
    expect(page.locator("#signature-why")).to_contain_text("signed out")
    page.fill("#again-secret", SECRETS[Role.OPERATOR][1])
    page.click("#signature .go")
    expect(page.locator("h1")).to_have_text("Part 6")
    file = plant.station.history.part(part.result_id)
    assert file is not None
    assert file.reviews[0].review.reason == "second-opinion"
    assert IDLE.total_seconds() == 900


@pytest.mark.parametrize("harm", ["altered", "missing"])
def test_a_picture_that_is_not_what_was_recorded_is_said_to_be(harm: str, page: Page, plant: Plant) -> None:
    part = plant.rejects[0]
    assert part.evidence is not None
    path = plant.journal.parent / "evidence" / part.evidence.path
    if harm == "altered":
        path.write_bytes(path.read_bytes()[:-2] + b"xx")
    else:
        path.unlink()
    sign_in(page, plant, Role.OPERATOR, f"/review/{part.result_id}")
    expect(page.locator(f"#{harm}")).to_be_visible()


def test_a_close_up_that_was_altered_is_said_to_be_and_the_whole_picture_is_shown(page: Page, plant: Plant) -> None:
    part = plant.rejects[0]
    assert part.evidence is not None
    path = plant.journal.parent / "evidence" / part.evidence.crops[0]
    path.write_bytes(path.read_bytes()[:-2] + b"xx")
    sign_in(page, plant, Role.OPERATOR, f"/review/{part.result_id}")
    expect(page.locator("#altered-crop")).to_be_visible()
    expect(page.locator("#altered")).to_have_count(0)
    expect(page.locator("#crop")).to_have_count(0)
    expect(page.locator("#whole canvas").first).to_be_visible()


def test_a_lot_of_tags_and_quotes_is_text(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.OPERATOR, f"/review/{plant.rejects[0].result_id}")
    expect(page.locator("#why")).to_contain_text(EVIL)


def test_a_part_with_five_hundred_defects_is_shown(page: Page, plant: Plant) -> None:
    verdict = cracked(4)
    many = replace(verdict, defects=tuple(verdict.defects[0] for _ in range(500)))
    part = add_part(plant, 901, many)
    sign_in(page, plant, Role.OPERATOR, f"/review/{part}")
    expect(page.locator(".chip")).to_have_count(60)
    expect(page.locator("#chips")).to_contain_text("and 440 more")


def test_the_station_speaks_the_language_that_was_chosen(page: Page, plant: Plant) -> None:
    page.goto(f"{plant.url}/account")
    page.click("[lang=de]")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.goto(f"{plant.url}/live")
    expect(page.locator("#lamp .word")).to_have_text("n.i.O.", timeout=SOON_MS)
    page.goto(f"{plant.url}/account")
    page.click("[lang=zh-Hans]")
    expect(page.locator("nav")).to_contain_text("复判")


def test_the_interfaces_description_is_read_without_the_internet(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.ENGINEER, "/api/docs")
    expect(page.get_by_text(re.compile("/api/inspections"), exact=False).first).to_be_visible(timeout=SOON_MS)
