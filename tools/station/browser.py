"""Debian's Chromium at the station, with a note of when each state of the lamp stood on the screen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page, sync_playwright

from tools.station.plant import Person

PANEL = (1920, 1080)
_NOTES = """(() => {
  const seen = (window.seen = []);
  window.beat = 0;
  let last = "";
  const look = () => {
    const lamp = document.getElementById("lamp");
    if (!lamp || !document.body) return;
    const stale = document.body.classList.contains("stale");
    const key = [lamp.dataset.part, lamp.dataset.outcome, stale].join("|");
    if (key === last) return;
    last = key;
    const told = { part: lamp.dataset.part, outcome: lamp.dataset.outcome, stale };
    // The frame that holds the change is painted when the one after it begins.
    requestAnimationFrame(() => requestAnimationFrame(() => seen.push({ ...told, at: Date.now() })));
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  window.EventSource = class extends window.EventSource {
    constructor(...given) {
      super(...given);
      this.addEventListener("beat", () => { window.beat = Date.now(); });
    }
  };
})();"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the lamp showed from ``at`` on (seconds, this PC's wall clock): the frame that holds it was painted."""

    at: float
    part: str
    outcome: str
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A page that notes what it shows."""

    page: Page

    def seen(self) -> list[Sight]:
        """What was shown since this was asked last."""
        told = self.page.evaluate("() => window.seen.splice(0)")
        return [Sight(at=one["at"] / 1e3, part=one["part"], outcome=one["outcome"], stale=one["stale"]) for one in told]

    def last_beat(self) -> float:
        """When the stream's last heartbeat came, seconds."""
        return float(self.page.evaluate("() => window.beat")) / 1e3


@contextmanager
def chromium() -> Iterator[Page]:
    """A page in a browser of its own, as large as a panel."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        width, height = PANEL
        try:
            yield browser.new_context(viewport={"width": width, "height": height}).new_page()
        finally:
            browser.close()


@contextmanager
def live_screen(url: str, person: Person) -> Iterator[Screen]:
    """Live, with this person signed in."""
    with chromium() as page:
        page.add_init_script(_NOTES)
        sign_in(page, url, person.name, person.secret)
        yield Screen(page=page)


def sign_in(page: Page, url: str, name: str, secret: str) -> None:
    """As a person does; ends on Live."""
    page.goto(f"{url}/login?next=/live")
    ready(page)
    page.fill("#name", name)
    page.fill("#secret", secret)
    page.click(".go")
    page.wait_for_url("**/live")
    ready(page)


def ready(page: Page) -> None:
    """Wait until the page's scripts listen."""
    page.wait_for_selector("body[data-ready]")
