"""A configuration folder of one's own, and verbs run in this process."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import Result
from typer.testing import CliRunner

from inspector.app.cli import app

Verb = Callable[..., Result]


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A verb sends its logs to the standard error of its own run, which is closed afterwards."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def config(repo: Path, tmp_path: Path) -> Path:
    """A copy of the shipped configuration, whose data stay in the test's folder."""
    folder = tmp_path / "config"
    shutil.copytree(repo / "config", folder)
    (tmp_path / "models").symlink_to(repo / "models")
    shared = folder / "inspector.toml"
    text = shared.read_text(encoding="utf-8")
    text = text.replace("/var/lib/inspector", str(tmp_path / "data")).replace("/run/inspector", str(tmp_path / "run"))
    shared.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def verb() -> Verb:
    """``verb("check", "--station", "left")``: exit code, stdout, stderr."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


@pytest.fixture
def edit(config: Path) -> Callable[[str, str, str], Path]:
    """Replace a text in a configuration file that must be there."""

    def replace(name: str, before: str, after: str) -> Path:
        path = config / name
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        return path

    return replace
