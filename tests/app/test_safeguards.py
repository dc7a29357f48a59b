"""`inspector doctor` names the guards that are off where metal is moved."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.conftest import Verb

Edit = Callable[[str, str, str], Path]
PLC = 'kind = "modbus"\nhost = "127.0.0.1"\nport = 9'


def told(verb: Verb, config: Path) -> dict[str, dict[str, str]]:
    done = verb("doctor", "-c", config, "-s", "left", "--json")
    return {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}


@pytest.fixture
def counted(edit: Edit) -> Edit:
    """The shipped station, with a PLC that counts."""
    edit("stations/left.toml", 'kind = "free" ', 'kind = "gate" ')
    edit("stations/left.toml", 'kind = "dry" ', f"{PLC} ")
    return edit


def test_both_are_named_with_what_would_be_right(config: Path, verb: Verb, counted: Edit) -> None:
    found = told(verb, config)
    assert found["rejects in a row"]["level"] == found["double triggers"]["level"] == "warn"
    assert "station.stop_after_rejects = 0" in found["rejects in a row"]["found"]
    assert "10 is right for most" in found["rejects in a row"]["remedy"]
    assert "station.min_pitch_ms = 0" in found["double triggers"]["found"]
    assert "half the shortest time between two parts" in found["double triggers"]["remedy"]
    counted("stations/left.toml", "deadline_ms = 400", "stop_after_rejects = 10\nmin_pitch_ms = 80\ndeadline_ms = 400")
    assert not {"rejects in a row", "double triggers"} & told(verb, config).keys()


def test_neither_where_nothing_is_ejected(config: Path, verb: Verb, edit: Edit) -> None:
    assert not {"rejects in a row", "double triggers"} & told(verb, config).keys()
    edit("stations/left.toml", 'kind = "dry" ', f"{PLC} ")
    found = told(verb, config)
    assert "rejects in a row" in found
    assert "double triggers" not in found, "in free run the frame is the part"
    edit("stations/left.toml", "deadline_ms = 400", "simulated = true\ndeadline_ms = 400")
    assert "rejects in a row" not in told(verb, config)
