"""The lamp in a real browser while what feeds it is not fresh: it is no verdict, and says why."""

import threading
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.plant import Plant

SOON_MS = 20_000
BOXES = """() => {
  const lamp = document.getElementById("lamp");
  if (lamp.dataset.outcome !== "fault" || document.body.classList.contains("stale")) return null;
  const box = (of) => of.getBoundingClientRect().toJSON();
  return { lamp: box(lamp), word: box(lamp.querySelector(".word span")) };
}"""
"""Where the lamp of a fault and its word stand, once the page is not stale."""


@pytest.mark.parametrize("language", ["en", "de", "zh-Hans"])
def test_verdicts_that_wait_for_the_disk_put_the_lamp_out_until_they_are_saved(
    language: str, page: Page, plant: Plant
) -> None:
    page.context.add_cookies([{"name": "inspector_language", "value": language, "url": plant.url}])
    page.goto(f"{plant.url}/live")
    expect(page.locator("#lamp")).to_have_attribute("data-outcome", "fail", timeout=SOON_MS)
    saved = plant.status["health"]
    plant.status["health"] = {**saved, "journal": {"waiting": 3, "lost": 0, "error": "the disk is full"}}
    shown: Any = page.wait_for_function(BOXES, timeout=SOON_MS).json_value()
    lamp, word = shown["lamp"], shown["word"]
    assert lamp["left"] <= word["left"] < word["right"] <= lamp["right"]
    assert lamp["top"] <= word["top"] < word["bottom"] <= lamp["bottom"]
    plant.status["health"] = saved
    expect(page.locator("#lamp")).to_have_attribute("data-outcome", "fail", timeout=SOON_MS)


def test_a_station_that_looks_no_more_looks_stale_though_its_streams_live(page: Page, plant: Plant) -> None:
    page.goto(f"{plant.url}/live")
    expect(page.locator("#lamp .word")).to_be_visible(timeout=SOON_MS)
    feed, go_on = plant.app.state.feed, threading.Event()
    look = feed._look

    def hang() -> Any:
        go_on.wait(30)
        return look()

    feed._look = hang
    try:
        expect(page.locator("#lamp .lost")).to_be_visible(timeout=SOON_MS)
        expect(page.locator("#lamp .word")).not_to_be_visible()
    finally:
        go_on.set()
    expect(page.locator("#lamp .lost")).not_to_be_visible(timeout=SOON_MS)
