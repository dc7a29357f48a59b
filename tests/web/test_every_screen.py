"""What must hold of every screen in every language: no axe violation, nothing too small for a glove or too near."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from inspector.domain.account import Role
from inspector.web.words import LANGUAGES
from tests.web.plant import SECRETS, Plant
from tests.web.screens import addresses
from tests.web.touching import PX_PER_MM, ROUNDING_PX, boxes, too_near

pytestmark = pytest.mark.long

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TOUCH_MM, VERDICT_MM = 20, 25


@pytest.mark.parametrize("language", LANGUAGES)
def test_screens_in_every_language(language: str, page: Page, seen_plant: Plant) -> None:
    page.set_default_timeout(20_000)
    for name, (address, role) in addresses(seen_plant).items():
        page.context.clear_cookies()
        page.context.add_cookies([{"name": "inspector_language", "value": language, "url": seen_plant.url}])
        if role is not None:
            _sign_in(page, seen_plant, role)
        page.goto(f"{seen_plant.url}{address}")
        assert page.locator("html").get_attribute("lang") == language
        width = page.evaluate("() => document.querySelector('#shell .top').getBoundingClientRect().width")
        assert width == 1920, "the shell spans the panel"
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found: Any = page.evaluate("() => axe.run()")
        told = [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found["violations"]]
        assert told == [], (name, language)
        for box in boxes(page):
            least = (VERDICT_MM if box["verdict"] else TOUCH_MM) * PX_PER_MM - ROUNDING_PX
            assert min(box["w"], box["h"]) >= least, (name, language, box)
        assert too_near(page) == [], (name, language)


def _sign_in(page: Page, plant: Plant, role: Role) -> None:
    name, secret = SECRETS[role]
    answer = page.request.post(f"{plant.url}/api/session", data={"name": name, "secret": secret})
    assert answer.ok
