"""One station for all tests that only look, one of their own for those that change it, and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.plant import Plant, open_plant


@pytest.fixture(scope="session")
def seen_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """For tests that change nothing."""
    repo = Path(__file__).resolve().parents[2]
    with open_plant(tmp_path_factory.mktemp("plant"), repo) as plant:
        yield plant


@pytest.fixture
def plant(tmp_path: Path, repo: Path) -> Iterator[Plant]:
    """A station of the test's own."""
    with open_plant(tmp_path, repo) as plant:
        yield plant


@pytest.fixture(scope="session")
def base_url() -> str:
    """Each test names its own station. (In place of pytest-base-url's own, which warns of itself under pytest 9.2.)"""
    return ""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    """Debian's Chromium; as root it has no sandbox."""
    return {**browser_type_launch_args, "executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, object]) -> dict[str, object]:
    """The panel of a station."""
    return {**browser_context_args, "viewport": {"width": 1920, "height": 1080}, "locale": "en-GB"}
