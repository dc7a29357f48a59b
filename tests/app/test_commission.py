"""Who fires the ejector must have tried its death: the record that unlocks it, and what is refused without."""

import json
from pathlib import Path

import pytest

from tests.app.conftest import Verb

GATE = """
[gate]
kind = "remote_io"
tracking = "encoder"
host = "127.0.0.1"
trigger = "input:2"
trigger_encoder = "input:4"
encoder = "input:0"
belt_at_speed = "discrete:0"
ejector = "coil:0"
"""


@pytest.fixture
def station(config: Path) -> Path:
    """A station without a PLC."""
    path = config / "stations" / "left.toml"
    text = path.read_text(encoding="utf-8")
    start = text.index("[trigger]")
    path.write_text(text[:start] + '[trigger]\nkind = "gate"\n' + GATE, encoding="utf-8")
    return path


def record(verb: Verb, config: Path, *words: str, by: str = "A. Smith") -> object:
    seen = words or ("--killed", "stopped", "--cable", "diverted")
    return verb("commission", "record", "-c", config, "-s", "left", *seen, "--by", by)


def test_a_record_unlocks_and_any_change_of_gate_or_ejector_locks_again(
    config: Path, station: Path, verb: Verb, tmp_path: Path
) -> None:
    refused = verb("check", "-c", config, "-s", "left")
    assert refused.exit_code == 78
    for told in (
        'gate.tracking = "encoder" is locked',
        "kill -9",
        "cable",
        "inspector commission record --station left",
    ):
        assert told in refused.stderr
    done = record(verb, config)
    assert done.exit_code == 0, done.stderr
    content = json.loads((tmp_path / "data" / "left" / "commissioning.json").read_text())
    assert (content["by"], content["killed"], content["cable"]) == ("A. Smith", "stopped", "diverted")
    assert content["at_utc"].endswith("Z")
    assert verb("check", "-c", config, "-s", "left").exit_code == 0
    shown = verb("commission", "show", "-c", config, "-s", "left", "--json")
    assert json.loads(shown.stdout)["by"] == "A. Smith"
    station.write_text(station.read_text() + "\n[ejector]\ndistance_mm = 499.0\n")
    changed = verb("check", "-c", config, "-s", "left")
    assert changed.exit_code == 78
    assert "by A. Smith was made with other settings of [gate] or [ejector]" in changed.stderr


def test_a_record_needs_a_name_and_a_mode_that_needs_it(config: Path, verb: Verb) -> None:
    refused = record(verb, config)
    assert refused.exit_code == 78
    assert 'gate.tracking = "plc" needs no record' in refused.stderr
    assert verb("commission", "show", "-c", config, "-s", "left").exit_code == 1


@pytest.mark.usefixtures("station")
def test_a_record_without_a_name_or_that_was_edited_is_refused(config: Path, verb: Verb, tmp_path: Path) -> None:
    assert "--by is empty" in record(verb, config, by=" ").stderr
    assert record(verb, config).exit_code == 0
    path = tmp_path / "data" / "left" / "commissioning.json"
    path.write_text(path.read_text().replace('"stopped"', '"went on"'))
    refused = verb("check", "-c", config, "-s", "left")
    assert "killed = 'went on'; diverted or stopped would be right" in refused.stderr
    path.write_text("{}")
    assert "is no commissioning record" in verb("check", "-c", config, "-s", "left").stderr
    path.write_text("nonsense")
    assert "cannot be read" in verb("check", "-c", config, "-s", "left").stderr


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('tracking = "encoder"', 'tracking = "plc"', "a coil carries no part number"),
        (
            'tracking = "encoder"',
            'tracking = "laser"',
            "gate.tracking = 'laser' is unknown; there are: plc, time, encoder",
        ),
        ('encoder = "input:0"\n', "", "needs gate.encoder and gate.trigger_encoder"),
        ('ejector = "coil:0"\n', "", "needs gate.trigger and gate.ejector"),
        ('kind = "gate"', 'kind = "free"', 'needs trigger.kind = "gate"'),
        ("[gate]", "[ejector]\nbefore_mm = 100.0\nafter_mm = 90.0\n[gate]", "would move for two parts at once"),
        ("[gate]", "[ejector]\nspeed_mm_s = 1500.0\n[gate]", "would be there before a stalled output is dropped"),
        ("[gate]", "[io]\nhost = 'h'\n[gate]", "[io] stands beside a PLC"),
    ],
)
def test_what_does_not_fit_together_is_named(
    config: Path, station: Path, verb: Verb, before: str, after: str, told: str
) -> None:
    text = station.read_text()
    assert before in text
    station.write_text(text.replace(before, after))
    refused = verb("check", "-c", config, "-s", "left")
    assert refused.exit_code == 78
    assert told in refused.stderr


def test_time_needs_the_contact_of_the_drive_and_a_plc_moves_no_ejector_of_ours(
    config: Path, station: Path, verb: Verb
) -> None:
    text = station.read_text()
    station.write_text(text.replace('"encoder"\n', '"time"\n').replace('belt_at_speed = "discrete:0"\n', ""))
    assert "needs gate.belt_at_speed" in verb("check", "-c", config, "-s", "left").stderr
    start = text.index("[gate]")
    station.write_text(text[:start] + '[gate]\nkind = "modbus"\nhost = "h"\ntracking = "time"\n')
    assert "gate.kind = 'modbus' moves no ejector" in verb("check", "-c", config, "-s", "left").stderr
    station.write_text(text[:start] + '[gate]\nkind = "modbus"\nhost = "h"\n[io]\nhost = "h"\nejector = "coil:1"\n')
    assert "io.ejector is wired, but the PLC fires" in verb("check", "-c", config, "-s", "left").stderr
