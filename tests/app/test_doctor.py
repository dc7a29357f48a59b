"""`inspector doctor` looks at this PC, and at a station's folders and peers."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

from tests.app.conftest import Verb

Edit = Callable[[str, str, str], Path]


def findings(stdout: str) -> dict[str, dict[str, str]]:
    return {finding["name"]: finding for finding in json.loads(stdout)["findings"]}


def test_a_sound_station_is_healthy(config: Path, verb: Verb) -> None:
    done = verb("doctor", "--config", config, "--station", "left", "--json")
    assert done.exit_code == 0, done.stdout
    told = findings(done.stdout)
    assert told["configuration"]["level"] == told["data_dir"]["level"] == "ok"
    assert told["model"]["found"].startswith("surface-small")
    assert {"python", "onnxruntime", "sqlite", "cores", "memory", "clock"} <= told.keys()


def test_a_wrong_configuration_is_bad_and_exits_1(config: Path, verb: Verb, edit: Edit) -> None:
    edit("stations/left.toml", "deadline_ms = 400", 'deadline_ms = "fast"')
    done = verb("doctor", "-c", config, "-s", "left")
    assert done.exit_code == 1
    assert "bad   configuration" in done.stdout
    assert "station.deadline_ms = 'fast'" in done.stdout


def test_a_folder_that_cannot_be_written_is_bad_with_a_remedy(
    config: Path, verb: Verb, edit: Edit, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    edit("inspector.toml", f'"{tmp_path / "data"}"', f'"{tmp_path / "file" / "data"}"')
    done = verb("doctor", "-c", config, "-s", "left", "--json")
    assert done.exit_code == 1
    told = findings(done.stdout)["data_dir"]
    assert told["level"] == "bad"
    assert "set paths.data_dir" in told["remedy"]


def test_a_plc_that_does_not_answer_is_a_warning_and_one_that_does_is_fine(
    config: Path, verb: Verb, edit: Edit
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as peer:
        port = peer.getsockname()[1]
        edit("stations/left.toml", 'kind = "dry"', f'kind = "modbus"\nhost = "127.0.0.1"\nport = {port}')
        done = verb("doctor", "-c", config, "-s", "left", "--json")
        assert findings(done.stdout)["plc"]["level"] == "ok"
    done = verb("doctor", "-c", config, "-s", "left", "--json")
    assert findings(done.stdout)["plc"]["level"] == "warn"
    assert done.exit_code == 0
