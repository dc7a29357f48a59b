"""A page that was left holds no connection, and one that is long keeps its header and menu where they are."""

from typing import Any

from playwright.sync_api import BrowserType, Page

from inspector.domain.account import Role
from tests.web.browsing import ready, sign_in
from tests.web.plant import Plant

SOON_MS = 10_000


def test_many_pages_left_behind_hold_no_connection(
    plant: Plant, browser_type: BrowserType, browser_type_launch_args: dict[str, Any]
) -> None:
    """As people's browsers are: the library of the tests switches the cache of left pages off."""
    flag = "--disable-back-forward-cache"
    with browser_type.launch(**browser_type_launch_args, ignore_default_args=[flag]) as browser:
        page = browser.new_context().new_page()
        page.set_default_timeout(SOON_MS)
        sign_in(page, plant, Role.OPERATOR)
        for _ in range(3):
            for path in ("/review", "/history", "/charts", "/live"):
                page.click(f"nav a[href='{path}']")
                page.wait_for_url(f"{plant.url}{path}*")
                ready(page)
        page.evaluate("history.back()")
        page.wait_for_function("document.body.dataset.screen === 'charts'")
        clock = page.inner_text("#clock")
        page.wait_for_function("before => document.getElementById('clock').textContent !== before", arg=clock)


def test_a_long_list_scrolls_and_the_page_does_not(page: Page, plant: Plant) -> None:
    page.set_viewport_size({"width": 1280, "height": 480})
    sign_in(page, plant, Role.OPERATOR, "/review")
    assert page.evaluate("document.querySelector('main').scrollHeight > document.querySelector('main').clientHeight")
    assert page.evaluate("document.documentElement.scrollHeight <= document.documentElement.clientHeight")
