"""Photograph the station's screens for docs/web/, beside a simulated line that runs.

    python -m tools.web_screens --language en --language de --language zh-Hans
    python -m tools.web_screens --url URL --name admin       another station's; the password comes on standard input

Debian's Chromium looks at it. Live is taken once a reject's picture is there; it is held while the line goes on.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import cv2
import tomlkit
from playwright.sync_api import Page

from inspector.app.demo.plant import STATION, Size
from inspector.domain.account import Role
from inspector.twin.belt import parts
from inspector.twin.scenes.render import render_cracks
from inspector.twin.settings import TwinSettings
from tools.station.browser import PANEL, chromium, ready, sign_in
from tools.station.plant import Running, running

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "web"
WIDTH = 960
SCREENS: Mapping[str, str] = {
    "queue": "/review",
    "history": "/history",
    "charts": "/charts",
    "more": "/more",
    "alarms": "/alarms",
    "recipes": "/recipes",
    "system": "/system",
    "audit": "/audit",
    "account": "/account",
    "io": "/io",
    "camera": "/camera",
    "model": "/models/surface-small",
    "users": "/users",
}
"""Those that are taken as they open; the others are led up to."""
_PARTS = 60
"""So many are judged before the first picture is taken, so that yields and charts have something to show."""
_SIZE = Size(parts=0, seed=1, width=2048, height=1536, pool=32, spacing_mm=600.0)
"""Smaller frames than a line's, and fewer: the pictures are for looking at, and others use this PC."""
_REJECT_MS = 120_000.0


def photograph(url: str, name: str, secret: str, language: str) -> None:
    """Take every screen in one language."""
    with chromium() as page:
        page.context.add_cookies([{"name": "inspector_language", "value": language, "url": url}])
        page.goto(f"{url}/login")
        _settled(page)
        _keep(page, "login", language)
        sign_in(page, url, name, secret)
        page.wait_for_selector("#lamp[data-outcome=fail]", timeout=_REJECT_MS)
        page.wait_for_function("() => [...document.images].every(image => image.complete)")
        page.wait_for_selector("#last-part[data-outcome=fail] image")
        page.wait_for_timeout(300)  # the picture of the reject is painted; the next part is not there yet
        _keep(page, "live", language)
        for screen, path in SCREENS.items():
            page.goto(f"{url}{path}")
            _settled(page)
            if screen == "camera":
                page.click("#live")
                page.wait_for_selector("#crop:not([hidden])")
                _settled(page)
            _keep(page, screen, language)
        page.goto(f"{url}/recipes")
        page.click(".revisions a")
        _settled(page)
        _keep(page, "recipe", language)
        page.goto(f"{url}/review")
        page.click("#start")
        _settled(page)
        _keep(page, "item", language)
        page.click(".chip")
        page.wait_for_selector("#whole .mark")
        _keep(page, "item-whole", language)
        if page.locator("#beside").count():
            page.click("#beside")
            page.wait_for_selector("#golden canvas")
            page.wait_for_timeout(1500)  # both pictures are painted
            _keep(page, "item-beside", language)
            page.click("#beside")
        if page.locator("#heat").count():
            page.click("#heat")
            page.wait_for_function("() => document.querySelector('.glow').complete")
            _keep(page, "item-heat", language)
            page.click("#heat")
        page.click("#correct")
        _keep(page, "item-correct", language)
        page.click("#correct")
        page.click("[data-opinion=disagree]")
        _keep(page, "item-reasons", language)


def lay_golden(it: Running) -> None:
    """Give the recipe a golden image: the face of the part that waits longest, as it was before its defects."""
    with it.client(Role.ADMIN) as client:
        number = client.get("/api/review/queue").json()["items"][0]["partSeq"]
    folder = it.plant.config
    told = tomlkit.parse((folder / "stations" / f"{STATION}.toml").read_text(encoding="utf-8")).unwrap()["twin"]
    wanted = TwinSettings(**told)
    belt = parts(seed=wanted.seed, spacing_mm=wanted.spacing_mm, jitter_mm=wanted.spacing_jitter_mm, pool=wanted.pool)
    scene = next(islice(belt, number - 1, None)).scene
    face = render_cracks(wanted.seed + scene, wanted.scenes, ())
    (folder / "golden").mkdir()
    cv2.imwrite(str(folder / "golden" / f"{it.status()['recipe']['name']}.jpg"), face.pixels)


def _settled(page: Page) -> None:
    ready(page)
    page.wait_for_function("() => [...document.images].every(image => image.complete)")
    page.wait_for_timeout(1200)  # a beat of the stream


def _keep(page: Page, screen: str, language: str) -> None:
    """Half the panel's size, few colours: small files."""
    TARGET.mkdir(parents=True, exist_ok=True)
    path = TARGET / f"{screen}-{language}.png"
    page.screenshot(path=path)
    shown = cv2.imread(str(path))
    if shown is None:
        raise SystemExit(f"web_screens: {path} cannot be read")
    width, height = PANEL
    small = cv2.resize(shown, (WIDTH, WIDTH * height // width), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="where a station is [default: a simulated line is started]")
    parser.add_argument("--name", default="admin")
    parser.add_argument("--language", action="append", help="en, de, zh-Hans (several) [default: en]")
    given = parser.parse_args()
    languages = given.language or ["en"]
    if given.url:
        secret = sys.stdin.readline().strip()
        for language in languages:
            photograph(given.url, given.name, secret, language)
        return
    with (
        tempfile.TemporaryDirectory(prefix="inspector-screens-") as folder,
        running(Path(folder) / "plant", size=_SIZE) as it,
    ):
        it.wait(f"{_PARTS} parts", lambda: it.judged() >= _PARTS, "twin", "line", "web")
        lay_golden(it)
        person = it.people[Role.ADMIN]
        for language in languages:
            photograph(it.url, person.name, person.secret, language)


if __name__ == "__main__":
    main()
