"""What must not go wrong at the review desk, in a real browser: held keys, slips, other people, lost sessions."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Locator, Page, Route, expect

from inspector.domain.account import Role
from inspector.domain.reviewing import SignedReview
from tests.web.browsing import ready, sign_in
from tests.web.plant import SECRETS, Plant, add_part, cracked
from tests.web.touching import too_near

SOON_MS = 20_000
PIN = SECRETS[Role.OPERATOR][1]


def reviews(plant: Plant, number: int) -> list[SignedReview]:
    file = plant.station.history.part(plant.rejects[number].result_id)
    assert file is not None
    return list(file.reviews)


def open_part(page: Page, plant: Plant, number: int = 0) -> None:
    page.set_default_timeout(SOON_MS)
    sign_in(page, plant, Role.OPERATOR, f"/review/{plant.rejects[number].result_id}")


def review(client: httpx.Client, part: object) -> None:
    answer = client.post(f"/api/inspections/{part}/review", json={"opinion": "agree", "reason": "confirmed"})
    assert answer.status_code == 200, answer.text


def drag(page: Page, over: Locator) -> None:
    box = over.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 40, steps=5)
    page.mouse.move(x + 80, y + 60, steps=5)
    page.mouse.up()


def test_a_held_key_judges_one_part_and_none_that_nobody_has_seen(page: Page, plant: Plant) -> None:
    page.clock.install()
    open_part(page, plant)
    page.keyboard.down("1")
    expect(page.locator("h1")).to_have_text("Part 6")
    ready(page)
    for _ in range(3):
        page.keyboard.down("1")
    page.keyboard.up("1")
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.reload()
    page.wait_for_selector("body[data-ready]")
    for key in ("1", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("[data-opinion=agree]")).to_be_disabled()
    page.clock.resume()
    ready(page)
    expect(page.locator("h1")).to_have_text("Part 6")
    assert [len(reviews(plant, number)) for number in range(3)] == [1, 0, 0]
    page.keyboard.press("1")
    expect(page.locator("h1")).to_have_text("Part 9")


def test_while_a_review_is_under_way_no_button_is_free_and_a_lost_station_frees_them(page: Page, plant: Plant) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    open_part(page, plant)
    page.route(re.compile(r"/review/[0-9a-f-]+\?"), hold)
    page.click("[data-opinion=agree]")
    for button in ("[data-opinion=agree]", "[data-opinion=unsure]"):
        expect(page.locator(button)).to_be_disabled()
    page.keyboard.press("1")
    assert len(held) == 1
    held[0].abort()
    expect(page.locator("#told")).to_contain_text("Not saved")
    expect(page.locator("[data-opinion=agree]")).to_be_enabled()


def test_a_wrong_pin_leaves_an_empty_pad_and_says_so_in_the_readers_language(page: Page, plant: Plant) -> None:
    page.context.add_cookies([{"name": "inspector_language", "value": "de", "url": plant.url}])
    open_part(page, plant)
    page.keyboard.press("2")
    page.keyboard.press("1")
    for _ in range(2):
        for digit in "0000":
            page.click(f"#signature [data-key='{digit}']")
        page.click("#signature .go")
        expect(page.locator("#told")).to_contain_text("Ihre PIN oder Ihr Passwort ist falsch")
        expect(page.locator("#again-secret")).to_have_value("")
        expect(page.locator("#again-secret")).to_be_focused()
    for digit in PIN:
        page.click(f"#signature [data-key='{digit}']")
    page.click("#signature .go")
    expect(page.locator("h1")).to_contain_text("6")
    assert [one.review.signed for one in reviews(plant, 0)] == [True]


def test_who_was_second_sees_what_was_decided_and_may_go_on(page: Page, plant: Plant) -> None:
    open_part(page, plant)
    with plant.client(Role.QUALITY) as client:
        review(client, plant.rejects[0].result_id)
    page.click("[data-opinion=unsure]")
    page.click("[data-for=unsure] [data-reason=picture]")
    expect(page.locator("#overtaken")).to_contain_text("quirin")
    expect(page.locator("#overtaken")).to_contain_text("Confirmed (Checked)")
    page.click("[data-for=unsure] [data-reason=picture]")
    expect(page.locator("[data-for=unsure] [data-reason=picture]")).to_be_enabled()
    assert len(reviews(plant, 0)) == 1, "to press the same button once more is not to have read it"
    page.click("#overtaken button")
    expect(page.locator("h1")).to_have_text("Part 6")
    assert [(one.review.reviewer, one.review.second) for one in reviews(plant, 0)] == [
        ("quirin", False),
        ("mara", True),
    ]


def test_the_last_part_is_undone_from_the_queue_even_by_who_was_signed_out(page: Page, plant: Plant) -> None:
    last = len(plant.rejects) - 1
    with plant.client(Role.OPERATOR) as client:
        for part in plant.rejects[:last]:
            review(client, part.result_id)
    open_part(page, plant, last)
    page.goto(f"{page.url}?kind=rejects&order=nearest&recipe=critical")
    ready(page)
    page.click("[data-opinion=agree]")
    expect(page.locator("#filters")).to_be_visible()
    ready(page)
    page.route(re.compile("/undo/"), lambda route: route.abort(), times=1)
    page.click("#undo button")
    expect(page.locator("#told")).to_contain_text("Not saved")
    page.context.clear_cookies()
    page.click("#undo button")
    expect(page.locator("#signature-why")).to_contain_text("signed out")
    page.fill("#again-secret", PIN)
    page.click("#signature .go")
    page.wait_for_url(f"**/review/{plant.rejects[last].result_id}?**")
    assert parse_qs(urlsplit(page.url).query) == {"kind": ["rejects"], "order": ["nearest"], "recipe": ["critical"]}
    assert [one.review.opinion.value for one in reviews(plant, last)] == ["agree", "withdrawn"]


def test_corrections_outlive_an_arrow_and_a_new_session_in_another_tab(page: Page, plant: Plant) -> None:
    asked: list[str] = []
    open_part(page, plant)
    page.click("#correct")
    page.click("#classes [data-label=dent]")
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.locator("h1").click(force=True)
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('#whole .mark.person')")
    assert asked == ["beforeunload"]
    name, secret = SECRETS[Role.OPERATOR]
    assert page.request.post(f"{plant.url}/api/session", data={"name": name, "secret": secret}).ok
    page.click("[data-opinion=agree]")
    expect(page.locator("#signature-why")).to_contain_text("signed out")
    page.fill("#again-secret", PIN)
    page.click("#signature .go")
    expect(page.locator("h1")).to_have_text("Part 6")
    assert asked == ["beforeunload"], "what was written is not asked after"
    (signed,) = reviews(plant, 0)
    assert [mark.label for mark in signed.review.corrections] == ["dent", "stain"]


def test_arrows_step_through_the_defects_and_leave_the_picture_where_it_is(page: Page, plant: Plant) -> None:
    verdict = cracked(4)
    boxes = [replace(verdict.defects[0], weight=3.0 - number / 1000) for number in range(500)]
    part = add_part(plant, 901, replace(verdict, defects=tuple(boxes)), evidence=plant.rejects[0].evidence)
    page.set_default_timeout(SOON_MS)
    sign_in(page, plant, Role.OPERATOR, f"/review/{part}")
    expect(page.locator("#step")).to_have_text("1 / 500")
    page.click("[data-step='-1']")
    expect(page.locator("#step")).to_have_text("500 / 500")
    page.click("[data-step='1']")
    expect(page.locator("#whole .mark.chosen")).to_have_count(1)
    page.locator("#whole .openseadragon-canvas").focus()
    moved = "() => document.querySelector('#whole .mark.chosen').getBoundingClientRect().toJSON()"
    before = page.evaluate(moved)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#step")).to_have_text("2 / 500")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(400)  # a picture that moves does so within 0.2 s
    assert page.evaluate(moved) == before, "the same box, in the same place"


def test_one_box_is_drawn_at_a_time_and_none_where_it_was_called_off(page: Page, plant: Plant) -> None:
    open_part(page, plant)
    marks, whole = page.locator("#whole .mark"), page.locator("#whole canvas").first
    page.click("#correct")
    expect(marks).to_have_count(2)
    page.click("[data-zoom=home]")
    for stop in (lambda: page.click("#mark-cancel"), lambda: page.keyboard.press("Escape")):
        page.click("#mark-add")
        stop()
        expect(page.locator("#mark-cancel")).to_be_hidden()
    drag(page, whole)
    expect(marks).to_have_count(2)
    page.click("#mark-add")
    expect(page.locator("#mark-add")).to_be_hidden()
    page.locator("#mark-add").dispatch_event("click")  # as two fingers at the same time
    drag(page, whole)
    expect(marks).to_have_count(3)
    expect(page.locator("[data-defect='2']")).to_have_attribute("aria-pressed", "true")
    page.click("[data-defect='1']")
    page.click("#mark-redraw")
    page.click("[data-defect='0']")
    page.click("[data-zoom=home]")
    drag(page, whole)
    page.click("[data-opinion=agree]")
    expect(page.locator("h1")).to_have_text("Part 6")
    (signed,) = reviews(plant, 0)
    seen = [defect.detection.box for defect in plant.rejects[0].verdict.defects]
    expect(page.locator("#undo")).to_contain_text(f"Part {plant.rejects[0].part.part_seq}: Confirmed.")
    crack, stain, _added = signed.review.corrections
    assert (crack.box == seen[0], stain.box == seen[1]) == (True, False), "the box is of the mark it was begun for"


def test_confirmed_with_every_box_taken_off_is_not_the_same_as_confirmed(page: Page, plant: Plant) -> None:
    open_part(page, plant)
    page.click("#correct")
    for number in (0, 1):
        page.click(f"[data-defect='{number}']")
        page.click("#mark-remove")
        expect(page.locator("#mark-remove")).to_have_attribute("aria-pressed", "true")
        expect(page.locator(f"[data-defect='{number}']")).to_have_class(re.compile(r"\bremoved\b"))
    expect(page.locator("#whole .mark")).to_have_count(0)
    page.click("#mark-remove")
    expect(page.locator("#whole .mark")).to_have_count(1)
    page.click("#mark-remove")
    page.click("[data-opinion=agree]")
    expect(page.locator("h1")).to_have_text("Part 6")
    (signed,) = reviews(plant, 0)
    assert (signed.review.corrections, signed.review.cleared) == ((), True)


def test_who_was_signed_out_is_told_on_every_page(page: Page, plant: Plant) -> None:
    page.set_default_timeout(SOON_MS)
    sign_in(page, plant, Role.OPERATOR, "/review")
    page.select_option("[name=order]", "nearest")
    expect(page).to_have_url(f"{plant.url}/review")
    token = page.get_attribute('meta[name="csrf"]', "content")
    assert page.request.delete(f"{plant.url}/api/session", headers={"X-CSRF-Token": token or ""}).ok
    expect(page.locator("#signed-out")).to_be_visible(timeout=SOON_MS)
    page.click("#signed-out a")
    page.wait_for_url("**/login?next=%2Freview")
    page.focus("#main")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_recipes_text_is_kept_until_it_is_proposed_and_enter_approves_nothing(page: Page, plant: Plant) -> None:
    page.set_default_timeout(SOON_MS)
    sign_in(page, plant, Role.ENGINEER, "/recipes")
    page.goto(f"{plant.url}/recipes?edit={plant.recipe}")
    ready(page)
    changed = page.input_value("#content") + "\n# milder\n"
    page.fill("#content", changed)
    page.goto(f"{plant.url}/recipes?edit={plant.recipe}")
    page.click("#draft [data-take]")
    expect(page.locator("#content")).to_have_value(changed)
    page.click("#propose .go")
    page.wait_for_url("**/recipes/*")
    ready(page)
    proposed = page.url
    page.goto(f"{plant.url}/recipes?edit={plant.recipe}")
    ready(page)
    expect(page.locator("#draft")).to_be_hidden()
    page.context.clear_cookies()
    sign_in(page, plant, Role.QUALITY, "/recipes")
    page.goto(proposed)
    page.fill("#approval [name=secret]", SECRETS[Role.QUALITY][1])
    page.press("#approval [name=secret]", "Enter")
    expect(page.locator("#approval [name=secret]")).to_have_value(SECRETS[Role.QUALITY][1])
    page.click("#approval button:not([hidden]):not(.go)")
    expect(page.locator("#standing")).to_contain_text("rejected")


def test_while_a_signature_is_waited_for_keys_choose_nothing_and_escape_or_back_ends_it(
    page: Page, plant: Plant
) -> None:
    open_part(page, plant)
    for way_out in ("Escape", "button"):
        page.keyboard.press("2")
        page.keyboard.press("1")
        expect(page.locator("#again-secret")).to_have_value("")  # the 1 that chose the reason is not of the PIN
        for digit in "00":
            page.click(f"#signature [data-key='{digit}']")
        page.keyboard.press("2")  # the focus is on a key of the pad: no reason is chosen anew
        expect(page.locator("#again-secret")).to_have_value("00")
        page.keyboard.press("Escape") if way_out == "Escape" else page.click("#signature-back")
        expect(page.locator("#signature")).to_be_hidden()
        expect(page.locator(".reasons:not([hidden])")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#verdicts")).to_be_visible()
    assert reviews(plant, 0) == []


def test_only_ones_own_review_that_stands_is_offered_to_be_taken_back(plant: Plant) -> None:
    part = plant.rejects[0].result_id
    with plant.client(Role.QUALITY) as hers, plant.client(Role.OPERATOR) as his:
        given = {"opinion": "agree", "reason": "confirmed"}
        number = hers.post(f"/api/inspections/{part}/review", json=given).json()["journalSeq"]
        page = f"/review?undo={part}.{number}"
        assert 'id="undo"' in hers.get(page).text
        assert 'id="undo"' not in his.get(page).text
        taken_back = hers.post(f"/review/{part}/undo/{number}").json()["journalSeq"]
        for after in (number, taken_back):
            answer = hers.get(f"/review?undo={part}.{after}")
            assert (answer.status_code, 'id="undo"' in answer.text) == (200, False)


def test_escape_does_not_call_off_what_is_on_its_way(page: Page, plant: Plant) -> None:
    open_part(page, plant)
    held: list[Route] = []
    page.route("**/review/*", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.keyboard.press("2")
    page.keyboard.press("1")
    page.fill("#again-secret", PIN)
    page.press("#again-secret", "Enter")
    expect(page.locator("#signature-back")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator("#signature")).to_be_visible()
    held[0].continue_()
    expect(page.locator("h1")).to_have_text("Part 6")
    assert len(reviews(plant, 0)) == 1


def test_correct_ends_what_its_tools_take_the_place_of(page: Page, plant: Plant) -> None:
    open_part(page, plant)
    page.click("#heat")
    expect(page.locator(".glow")).to_be_visible()
    page.click("#correct")
    expect(page.locator("#heat")).to_be_hidden()
    expect(page.locator(".glow")).to_be_hidden()
    expect(page.locator("#steps")).to_be_visible()


def test_no_two_buttons_are_too_near_on_a_small_panel_whatever_is_open(page: Page, plant: Plant) -> None:
    def well_laid(what: str) -> None:
        assert too_near(page) == [], what
        page_scrolls = "document.documentElement.scrollHeight > document.documentElement.clientHeight"
        main_scrolls = "document.querySelector('main').scrollHeight > document.querySelector('main').clientHeight"
        assert [page.evaluate(page_scrolls), page.evaluate(main_scrolls)] == [False, False], what

    page.set_viewport_size({"width": 1280, "height": 800})
    open_part(page, plant)
    well_laid("a part")
    page.click("#correct")
    expect(page.locator("#corrector")).to_be_visible()
    well_laid("its boxes are corrected")
    page.click("#correct")
    page.keyboard.press("2")
    expect(page.locator(".reasons:not([hidden])")).to_be_visible()
    well_laid("a reason is chosen")
    page.keyboard.press("1")
    expect(page.locator("#signature")).to_be_visible()
    well_laid("a signature is asked for")
    page.reload()
    ready(page)
    page.keyboard.press("1")
    expect(page.locator("h1")).to_have_text("Part 6")
    ready(page)
    expect(page.locator("#undo")).to_be_visible()
    well_laid("the last one can be undone")
