"""Camera and light: the live picture while somebody looks, focus with its peak, the scale, drawings."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from inspector.domain.account import Role
from tests.adapters.journal_sql.records import STATION
from tests.eye import open_view, passing_parts
from tests.fakes import wait_until
from tests.web.browsing import sign_in
from tests.web.plant import Plant

SOON_MS = 30_000
SQUARE_PX, COLUMNS, ROWS = 60, 9, 7
BOARD = {"kind": "checkerboard", "columns": COLUMNS, "rows": ROWS, "square_mm": 3.0}


def board() -> Any:
    """A checkerboard of 20 px/mm, straight under the camera."""
    tile = np.indices((ROWS + 1, COLUMNS + 1)).sum(axis=0) % 2 * 170 + 40
    squares = np.kron(tile, np.ones((SQUARE_PX, SQUARE_PX))).astype(np.uint8)
    framed = cv2.copyMakeBorder(squares, 100, 100, 120, 120, cv2.BORDER_CONSTANT, value=(210.0,))
    return cv2.GaussianBlur(framed, (0, 0), 0.8)


@pytest.fixture
def parts(plant: Plant) -> Iterator[None]:
    """Parts pass, and each shows the board."""
    with ExitStack() as stack:
        view = stack.enter_context(open_view(plant.folder / "run" / STATION))
        stack.enter_context(passing_parts(view, board()))
        yield


def test_the_picture_is_live_and_a_touch_shows_a_piece_at_full_resolution(
    page: Page, plant: Plant, parts: None
) -> None:
    sign_in(page, plant, Role.ENGINEER, "/camera")
    expect(page.locator("#live-caption")).to_contain_text("Mono8", timeout=SOON_MS)
    expect(page.locator("#no-picture")).not_to_be_visible()
    expect(page.locator("#focus-of")).to_have_text("image centre")
    expect(page.locator("#bins rect").nth(52)).to_have_attribute("height", "150", timeout=SOON_MS)
    first = page.locator("#live-image").get_attribute("href")
    assert wait_until(lambda: page.locator("#live-image").get_attribute("href") != first, 20)
    page.click("#live", position={"x": 300, "y": 300})
    expect(page.locator("#crop")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#focus-of")).to_have_text("selected detail")
    assert page.evaluate("() => document.getElementById('crop').naturalWidth") == 640
    assert float(page.locator("#peak").inner_text()) >= float(page.locator("#focus").inner_text()) > 0
    expect(page.locator("[data-figure=light] .said")).to_have_text("no reference yet")
    expect(page.locator("#camera > .lost")).not_to_be_visible()


def test_a_line_that_died_hatches_the_picture(page: Page, plant: Plant, parts: None) -> None:
    sign_in(page, plant, Role.QUALITY, "/camera")
    expect(page.locator("#live-caption")).to_contain_text("840", timeout=SOON_MS)
    plant.line.clear()
    expect(page.locator("#camera > .lost")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("[data-mode=draw]")).to_have_count(0)


def test_without_parts_the_screen_says_why_there_is_no_picture(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.ENGINEER, "/camera")
    expect(page.locator("#no-picture")).to_contain_text("images come with parts", timeout=SOON_MS)


def test_an_area_is_drawn_corner_by_corner_and_stored_as_text_for_a_recipe(
    page: Page, plant: Plant, parts: None
) -> None:
    sign_in(page, plant, Role.ENGINEER, "/camera")
    expect(page.locator("#live-caption")).to_contain_text("840", timeout=SOON_MS)
    page.click("[data-mode=draw]")
    for x, y in ((300, 100), (500, 110), (480, 300), (350, 350)):
        page.click("#live", position={"x": x, "y": y})
    page.click("#undo-corner")
    assert len(page.locator("#corners").input_value().split()) == 3
    page.select_option("[name=shape]", "zone")
    page.fill("[name=name]", "seal")
    page.click("#drawing .go")
    expect(page.locator("#drawings pre")).to_contain_text('[[zones]]\nname = "seal"\npolygon_px = [[')
    newest = plant.station.audit.audit().items[0]
    assert (newest.who, newest.action) == ("enzo", "drawing.proposed")


def test_a_known_length_is_measured_by_two_touches(page: Page, plant: Plant, parts: None) -> None:
    sign_in(page, plant, Role.ENGINEER, "/camera")
    expect(page.locator("#live-caption")).to_contain_text("840", timeout=SOON_MS)
    page.click("[data-mode=length]")
    page.click("#live", position={"x": 300, "y": 200})
    page.click("#live", position={"x": 500, "y": 200})
    page.fill("[name=length_mm]", "10")
    page.click("#length button")
    expect(page.locator("#measured")).to_contain_text("px/mm", timeout=SOON_MS)
    expect(page.locator("#measured pre")).to_contain_text(
        "inspector camera calibrate --station left --board length:10:"
    )


def test_a_board_is_measured_by_the_code_of_the_command(plant: Plant, parts: None) -> None:
    with plant.client(Role.ENGINEER) as client:
        measured = client.post("/api/camera/scale", json=BOARD, timeout=60).json()
        assert measured["px_per_mm"] == pytest.approx(20.0, rel=1e-3)
        assert measured["corners"] == COLUMNS * ROWS
        assert measured["residual_px"] < 0.2
        other = client.post("/api/camera/scale", json={**BOARD, "columns": 12}, timeout=60)
        assert (other.status_code, "is seen whole" in other.text) == (422, True), other.text
        ends = {"kind": "length", "length_mm": 10, "ends": "100,100 300,100"}
        assert client.post("/api/camera/scale", json=ends, timeout=60).json()["px_per_mm"] == 20.0
        wrong = client.post("/api/camera/scale", json={**ends, "ends": "x"}, timeout=60)
        assert wrong.status_code == 422


def test_programs_look_through_the_camera_while_they_ask(plant: Plant, parts: None) -> None:
    with plant.client(Role.ENGINEER) as client:
        asked = {"x": 400, "y": 300}
        assert wait_until(lambda: (client.get("/api/camera", params=asked).json()["figures"] or {}).get("crop"), 20)
        for address in ("/api/camera/live.jpg", "/api/camera/crop.jpg"):
            answer = client.get(address)
            assert answer.headers["content-type"] == "image/jpeg"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.content.startswith(b"\xff\xd8")
        drawn = {"shape": "mask", "name": "print", "corners": "10,10 200,10 200,90"}
        text = client.post("/api/camera/drawings", json=drawn).json()["text"]
        assert client.get("/api/camera/drawings").json()["items"][0]["text"] == text
        outside = client.post("/api/camera/drawings", json={**drawn, "corners": "10,10 900,10 200,90"})
        assert (outside.status_code, "not on the frame" in outside.text) == (422, True)
    with plant.client(Role.OPERATOR) as client:
        assert client.get("/api/camera/live.jpg").status_code == 403


def test_nothing_is_measured_or_drawn_where_no_picture_comes(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.web.looking.WAIT_S", 0.5)
    with plant.client(Role.ENGINEER) as client:
        assert client.post("/api/camera/scale", json=BOARD).status_code == 409
        drawn = {"shape": "roi", "corners": "10,10 200,10 200,90"}
        assert client.post("/api/camera/drawings", json=drawn).status_code == 409
        assert client.get("/api/camera/live.jpg").status_code == 404
