"""Steps that browser tests share."""

from playwright.sync_api import Page

from inspector.domain.account import Role
from tests.web.plant import SECRETS, Plant


def sign_in(page: Page, plant: Plant, role: Role, then: str = "/live") -> None:
    """As a person does, with name and secret."""
    name, secret = SECRETS[role]
    page.goto(f"{plant.url}/login?next={then}")
    ready(page)
    page.fill("#name", name)
    page.fill("#secret", secret)
    page.click(".go")
    page.wait_for_url(f"{plant.url}{then}")
    ready(page)


def ready(page: Page) -> None:
    """Wait until the page's scripts listen, and a part was there long enough to be judged."""
    page.wait_for_selector("body[data-ready]:not(:has(#judge[data-young]))")
