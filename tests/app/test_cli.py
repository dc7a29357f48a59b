"""The command line: every verb explains itself with an example."""

import subprocess
import sys

import pytest
import typer.main

from inspector import __version__
from inspector.app.cli import app
from tests.app.conftest import Verb

ROOT = typer.main.get_command(app)


def verbs() -> list[str]:
    found = []
    for name, command in ROOT.commands.items():  # type: ignore[attr-defined] # a click group
        inner = getattr(command, "commands", None)
        found += [f"{name} {word}" for word in inner] if inner else [name]
    return found


def test_python_dash_m_tells_the_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inspector", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"inspector {__version__}\n", "")


@pytest.mark.parametrize("words", verbs())
def test_every_verb_explains_itself_with_an_example(words: str, verb: Verb) -> None:
    done = verb(*words.split(), "--help")
    assert done.exit_code == 0
    assert f"Example: inspector {words}" in " ".join(done.stdout.split())


def test_there_are_the_verbs_of_the_house() -> None:
    assert {"demo", "line", "follow", "twin", "inspect", "check", "doctor", "listen"} <= set(verbs())


def test_an_unknown_verb_is_a_usage_error(verb: Verb) -> None:
    assert verb("inspct").exit_code == 2


def test_without_words_it_shows_what_there_is(verb: Verb) -> None:
    done = verb()
    assert "inspect" in done.output
    assert "demo" in done.output


def test_a_demo_folder_that_cannot_be_made_is_told_plainly(verb: Verb) -> None:
    done = verb("demo", "--dir", "/proc/x")
    assert done.exit_code == 78
    assert done.stderr.startswith("inspector: --dir /proc/x: cannot be made: ")
    assert "name a folder that can be written" in done.stderr
