"""The golden image beside a part and in its place by turns, in a real browser: the same place at the same scale."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from inspector.domain.account import Role
from tests.web.browsing import sign_in
from tests.web.plant import HEIGHT, WIDTH, Plant

SOON_MS = 20_000
NEAR_PX = 2.5
BRIGHT = 245
SPOT = (440, 140, 100, 75)
"""x, y, width and height of what is bright in both pictures, above the crack; px."""


@pytest.fixture
def compared(page: Page, plant: Plant) -> Page:
    """The newest reject's page; its picture and a golden image of half the size have a bright spot at one place."""
    part = plant.rejects[0]
    x, y, width, height = SPOT
    pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    pixels[y : y + height, x : x + width] = 255
    golden = plant.station.site.golden
    golden.mkdir(parents=True)
    small = cv2.resize(pixels, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    assert cv2.imwrite(str(golden / f"{part.recipe.name}.png"), small)
    shown = cv2.imencode(".jpg", pixels)[1].tobytes()
    page.route("**/parts/*/picture", lambda route: route.fulfill(body=shown, content_type="image/jpeg"))
    page.set_default_timeout(SOON_MS)
    page.clock.install()
    sign_in(page, plant, Role.OPERATOR, f"/review/{part.result_id}")
    return page


def spot(view: Locator) -> tuple[float, float, float, float]:
    """Where the bright spot is in what is painted there: left, top, width, height in px; all 0 where there is none."""
    shown = cv2.imdecode(np.frombuffer(view.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    body = (shown > BRIGHT).astype(np.uint8)
    body[:60] = 0  # the caption
    count, _labels, found, _centres = cv2.connectedComponentsWithStats(body)
    if count == 1:
        return (0.0, 0.0, 0.0, 0.0)
    left, top, width, height, _area = max(found[1:], key=lambda one: one[cv2.CC_STAT_AREA])
    return (float(left), float(top), float(width), float(height))


def seen_alike(page: Page) -> tuple[float, float, float, float]:
    """Wait until both views hold still and show the spot at one place; where that is."""
    last: tuple[object, object] | None = None
    for _ in range(40):
        page.wait_for_timeout(150)
        now = (spot(page.locator("#whole")), spot(page.locator("#golden")))
        if now == last and max(abs(one - other) for one, other in zip(*now, strict=True)) <= NEAR_PX and now[0][2]:
            return now[0]
        last = now
    raise AssertionError(f"part and golden image differ: {last}")


def drag(view: Locator, page: Page) -> None:
    box = view.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 50, steps=6)
    page.wait_for_timeout(300)  # held still, or it would be a flick
    page.mouse.move(x + 31, y + 50)
    page.mouse.up()


def test_beside_a_part_the_golden_image_shows_the_same_place_and_follows_whichever_is_touched(compared: Page) -> None:
    compared.click("#beside")
    expect(compared.locator(".of-part")).to_have_text("This part")
    expect(compared.locator(".of-golden")).to_have_text("Golden image")
    halves = [compared.locator(name).bounding_box() for name in ("#whole", "#golden")]
    assert halves[0] is not None
    assert halves[1] is not None
    assert abs(halves[0]["width"] - halves[1]["width"]) < 1
    begun = seen_alike(compared)
    assert begun[2] > SPOT[2], "it opens at the defect that was looked at, enlarged"
    moves: tuple[Callable[[], None], ...] = (
        lambda: compared.click("[data-zoom=home]"),
        lambda: compared.click("[data-defect='0']"),
        lambda: compared.click("[data-zoom=out]"),
        lambda: drag(compared.locator("#whole"), compared),
        lambda: drag(compared.locator("#golden"), compared),
    )
    for move in moves:
        move()
        moved = seen_alike(compared)
        assert moved != begun
        begun = moved
    compared.click("#beside")
    expect(compared.locator("#golden")).to_be_hidden()
    expect(compared.locator(".of-part")).to_be_hidden()


SHOWN = "() => document.getElementById('viewer').dataset.shown"
TURNS = """() => new Promise(told => {
  const seen = [];
  const watch = new MutationObserver(() => {
    seen.push([performance.now(), document.getElementById('viewer').dataset.shown]);
    if (seen.length === 5) { watch.disconnect(); told(seen); }
  });
  watch.observe(document.getElementById('viewer'), { attributeFilter: ['data-shown'] });
})"""


def test_blink_changes_the_pictures_in_place_at_a_calm_rate(compared: Page) -> None:
    compared.click("#blink")
    turns = compared.evaluate(TURNS)
    assert [shown for _at, shown in turns] in (["golden", "part"] * 2 + ["golden"], ["part", "golden"] * 2 + ["part"])
    assert (turns[-1][0] - turns[0][0]) / 4 > 1000 / 3, "no more than 3 changes a second"
    compared.click("[data-zoom=out]")
    compared.wait_for_timeout(400)
    compared.clock.pause_at(compared.evaluate("Date.now() + 1000"))
    places = {}
    for _ in range(2):
        compared.clock.run_for(700)
        places[compared.evaluate(SHOWN)] = spot(compared.locator("#viewer"))
    part, golden = places["part"], places["golden"]
    assert part[2] > 0
    assert max(abs(one - other) for one, other in zip(part, golden, strict=True)) <= NEAR_PX, places
    compared.click("#blink")
    expect(compared.locator("#golden")).to_be_hidden()


def test_who_wants_no_motion_changes_the_pictures_by_touch(compared: Page) -> None:
    compared.emulate_media(reduced_motion="reduce")
    compared.click("#blink")
    expect(compared.locator(".of-golden")).to_be_visible()
    compared.wait_for_timeout(1700)
    assert compared.evaluate(SHOWN) == "golden"
    assert spot(compared.locator("#viewer"))[2] > 0
    compared.click("#blink")
    expect(compared.locator("#golden")).to_be_hidden()


def test_one_way_of_comparing_takes_the_place_of_the_other_and_correcting_ends_both(compared: Page) -> None:
    compared.click("#blink")
    compared.click("#beside")
    expect(compared.locator("#blink")).to_have_attribute("aria-pressed", "false")
    seen_alike(compared)
    compared.click("#correct")
    expect(compared.locator("#beside")).to_have_attribute("aria-pressed", "false")
    expect(compared.locator("#golden")).to_be_hidden()
