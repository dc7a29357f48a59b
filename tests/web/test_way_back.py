"""A browser keeps the pages that were left, for the way back: none of them may hold a connection."""

from typing import Any

from playwright.sync_api import BrowserType

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
