"""What must hold of every screen, and of all that opens on one, in every language.

No axe violation, contrast of 7 to 1 for every text, nothing too small for a glove, too near or cut off.
"""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from inspector.domain.account import Role
from inspector.web.words import LANGUAGES
from tests.web.panels import PANELS, furnish
from tests.web.plant import SECRETS, Plant
from tests.web.screens import addresses
from tests.web.touching import PX_PER_MM, ROUNDING_PX, boxes, cut_off, too_near

pytestmark = pytest.mark.long

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TOUCH_MM, VERDICT_MM = 20, 25
SOON_MS = 20_000
# A panel is read at two metres: large text gets no rebate, as axe's own rule of 7 to 1 would give it.
_RUN = """() => {
  const contrastRatio = { normal: { expected: 7 }, large: { expected: 7 } };
  axe.configure({ checks: [{ id: "color-contrast-enhanced", options: { contrastRatio } }] });
  return axe.run({ rules: { "color-contrast-enhanced": { enabled: true } } });
}"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_screens_in_every_language(language: str, page: Page, seen_plant: Plant) -> None:
    page.set_default_timeout(SOON_MS)
    for name, (address, role) in addresses(seen_plant).items():
        _come(page, seen_plant, language, role)
        page.goto(f"{seen_plant.url}{address}")
        _holds(page, name, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_opens_on_a_screen_in_every_language(language: str, page: Page, plant: Plant) -> None:
    page.set_default_timeout(SOON_MS)
    furnish(plant)
    for name, (role, opens) in PANELS.items():
        _come(page, plant, language, role)
        opens(page, plant)
        _holds(page, name, language)


def _holds(page: Page, name: str, language: str) -> None:
    assert page.locator("html").get_attribute("lang") == language
    width = page.evaluate("() => document.querySelector('#shell .top').getBoundingClientRect().width")
    assert width == 1920, "the shell spans the panel"
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: Any = page.evaluate(_RUN)
    told = [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found["violations"]]
    assert told == [], (name, language)
    for box in boxes(page):
        least = (VERDICT_MM if box["verdict"] else TOUCH_MM) * PX_PER_MM - ROUNDING_PX
        assert min(box["w"], box["h"]) >= least, (name, language, box)
    assert too_near(page) == [], (name, language)
    assert cut_off(page) == [], (name, language)


def _come(page: Page, plant: Plant, language: str, role: Role | None) -> None:
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "inspector_language", "value": language, "url": plant.url}])
    if role is not None:
        _sign_in(page, plant, role)


def _sign_in(page: Page, plant: Plant, role: Role) -> None:
    name, secret = SECRETS[role]
    answer = page.request.post(f"{plant.url}/api/session", data={"name": name, "secret": secret})
    assert answer.ok
