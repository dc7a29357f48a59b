"""`inspector recipe release`: a slot goes back to its file, audited, and only while no line runs."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.adapters import journal_sql
from inspector.app import settings
from inspector.app.cli import app
from inspector.app.parts import check_parts
from inspector.domain.activation import Wish
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.request import Answer, RequestState

STATION = "left"
OTHER = "min_length_mm = 3.5 "


@pytest.fixture
def config(tmp_path: Path, repo: Path) -> Path:
    """A station whose book holds one activated recipe."""
    folder = tmp_path / "config"
    (folder / "stations").mkdir(parents=True)
    shutil.copytree(repo / "config" / "recipes", folder / "recipes")
    (folder / "inspector.toml").write_text(
        f'[paths]\ndata_dir = "{tmp_path}/data"\nrun_dir = "{tmp_path}/run"\nmodels_dir = "{repo}/models"\n'
    )
    (folder / "stations" / f"{STATION}.toml").write_text(
        '[scale]\nid = "plate"\npx_per_mm = 20.0\n[camera]\nkind = "folder"\npath = "/nowhere"\n'
        '[trigger]\nkind = "free"\n'
    )
    (tmp_path / "data" / STATION).mkdir(parents=True)
    return folder


def journal(config: Path) -> Path:
    return config.parent / "data" / STATION / "journal.sqlite3"


def activated(config: Path, text: str, *, state: RequestState | None = RequestState.DONE) -> str:
    now, path = datetime.now(UTC), journal(config)
    with (
        journal_sql.open_recorder(path, station=STATION) as pen,
        journal_sql.open_for_people(path, station=STATION) as book,
    ):
        sha256 = book.shelf.propose("recipe", "critical", text, by="enzo", at_utc=now)
        wish = Wish(slot="critical", name="critical", sha256=sha256, before="a" * 64, reason="trial")
        number = book.activations.ask(wish, by="enzo", at_utc=now)
        if state is not None:
            pen.note(Answer(request=number, station=STATION, state=state, text="", at_utc=now))
            assert pen.flush(20)
    return sha256


def in_use(config: Path) -> str:
    return check_parts(settings.load(config, STATION)).recipes[0].sha256


def release(config: Path, *words: str) -> tuple[int, str]:
    command = ["recipe", "release", "--config", str(config), "--station", STATION, "--reason", "new scale", *words]
    ran = CliRunner().invoke(app, command)
    return ran.exit_code, ran.output


def changed(config: Path) -> str:
    return (config / "recipes" / "critical.toml").read_text().replace("min_length_mm = 1.5 ", OTHER, 1)


def test_a_slot_goes_back_to_its_file_and_the_trail_says_who_did_it(config: Path) -> None:
    file = in_use(config)
    sha256 = activated(config, changed(config))
    assert in_use(config) == sha256
    checked = CliRunner().invoke(app, ["check", "--config", str(config), "--station", STATION])
    assert f"recipe critical revision {sha256[:12]}, activated; critical.toml is not used" in checked.output
    code, told = release(config)
    assert (code, f"revision {sha256[:12]} is in use no more" in told) == (0, True), told
    assert in_use(config) == file
    with journal_sql.open_for_people(journal(config), station=STATION) as book:
        newest, *_ = book.audit.audit(action="recipe").items
        assert (newest.action, newest.content["before"], newest.content["reason"]) == (
            "recipe.activated",
            sha256,
            "new scale",
        )
        assert "inspector recipe release" in newest.who
    assert journal_sql.verify(journal(config)).findings == []
    code, told = release(config)
    assert (code, "nothing is activated there; slots with an activation: none" in told) == (78, True)


def test_an_activated_revision_that_fits_no_more_is_told_and_can_be_released(config: Path) -> None:
    activated(config, changed(config).replace('model = "surface-small"', 'model = "gone"', 1))
    activated(config, changed(config), state=None)  # asked of a line that died
    with pytest.raises(ConfigError, match=r"recipe critical revision [0-9a-f]{12}: model = 'gone'"):
        in_use(config)
    assert release(config)[0] == 0
    assert in_use(config)
    with journal_sql.open_for_people(journal(config), station=STATION) as book:
        assert [one.state for one in book.activations.activations()] == [
            RequestState.DONE,
            RequestState.ENDED,
            RequestState.DONE,
        ]


def test_while_the_line_runs_nothing_is_released(config: Path) -> None:
    sha256 = activated(config, changed(config))
    with journal_sql.open_recorder(journal(config), station=STATION):
        code, told = release(config)
        assert (code, "already has a running line" in told) == (75, True)
    assert in_use(config) == sha256


def test_a_station_without_a_book_has_nothing_to_release(config: Path) -> None:
    code, told = release(config)
    assert (code, "nothing was ever activated at station left" in told) == (78, True)


def test_a_revision_that_is_not_in_the_book_is_not_guessed(config: Path) -> None:
    now, path = datetime.now(UTC), journal(config)
    with (
        journal_sql.open_recorder(path, station=STATION) as pen,
        journal_sql.open_for_people(path, station=STATION) as book,
    ):
        wish = Wish(slot="critical", name="critical", sha256="c" * 64, before="a" * 64, reason="trial")
        number = book.activations.ask(wish, by="enzo", at_utc=now)
        pen.note(Answer(request=number, station=STATION, state=RequestState.DONE, text="", at_utc=now))
        assert pen.flush(20)
    with pytest.raises(JournalError, match="revision cccccccccccc was activated in slot critical, and is not in it"):
        in_use(config)
