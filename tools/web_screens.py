"""Photograph the station's screens for docs/web/.

    python -m tools.web_screens URL --name admin --language en --language de       the password comes on standard input

The station serves what stands in its book (`inspector demo --dir DIR` leaves one); Debian's Chromium looks at it.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "web"
PANEL = {"width": 1920, "height": 1080}
WIDTH = 960
SCREENS: Mapping[str, str] = {
    "live": "/live",
    "queue": "/review",
    "recipes": "/recipes",
    "more": "/more",
    "account": "/account",
}


def photograph(url: str, name: str, secret: str, language: str) -> None:
    """Take every screen in one language."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        context.add_cookies([{"name": "inspector_language", "value": language, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/login")
        _ready(page)
        _keep(page, "login", language)
        page.fill("#name", name)
        page.fill("#secret", secret)
        page.click(".go")
        page.wait_for_url("**/live")
        for screen, path in SCREENS.items():
            page.goto(f"{url}{path}")
            _ready(page)
            _keep(page, screen, language)
        page.goto(f"{url}/recipes")
        page.click(".revisions a")
        _ready(page)
        _keep(page, "recipe", language)
        page.goto(f"{url}/review")
        page.click("#start")
        _ready(page)
        _keep(page, "item", language)
        page.click(".chip")
        page.wait_for_selector("#whole .mark")
        _keep(page, "item-whole", language)
        browser.close()


def _ready(page: Page) -> None:
    page.wait_for_selector("body[data-ready]")
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
    small = cv2.resize(shown, (WIDTH, WIDTH * PANEL["height"] // PANEL["width"]), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="where the station is")
    parser.add_argument("--name", default="admin")
    parser.add_argument("--language", action="append", help="en, de, zh-Hans (several) [default: en]")
    given = parser.parse_args()
    secret = sys.stdin.readline().strip()
    for language in given.language or ["en"]:
        photograph(given.url, given.name, secret, language)


if __name__ == "__main__":
    main()
