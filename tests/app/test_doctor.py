"""`inspector doctor` looks at this PC, and at a station's folders and peers."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.app.commands.doctor import room
from tests.app.conftest import Verb

Edit = Callable[[str, str, str], Path]


def findings(stdout: str) -> dict[str, dict[str, str]]:
    return {finding["name"]: finding for finding in json.loads(stdout)["findings"]}


@pytest.fixture
def pictures(tmp_path: Path, edit: Edit) -> Path:
    """The folder that the shipped station reads."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    edit("stations/left.toml", "/srv/inspector/left", str(folder))
    return folder


@pytest.mark.usefixtures("pictures")
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


@pytest.mark.parametrize(
    ("name", "free_gb", "total_gb", "level"),
    [
        ("data_dir", 60, 500, "ok"),
        ("data_dir", 40, 500, "warn"),
        ("data_dir", 4, 10, "warn"),
        ("evidence", 40, 500, "warn"),
        ("run_dir", 1, 2000, "ok"),
    ],
)
def test_little_room_where_things_are_kept_is_a_warning(name: str, free_gb: int, total_gb: int, level: str) -> None:
    found = room(name, Path("/x"), free=free_gb * 2**30, total=total_gb * 2**30)
    assert (found.level, bool(found.remedy)) == (level, level == "warn")
    assert f"/x: {free_gb}.0 GB free" in found.found


@pytest.mark.usefixtures("pictures")
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


def test_a_folder_of_pictures_that_is_not_there_is_bad(config: Path, verb: Verb) -> None:
    done = verb("doctor", "-c", config, "-s", "left")
    assert done.exit_code == 1
    assert "bad   camera                 folder /srv/inspector/left does not exist" in done.stdout
    assert "-> make it, or set camera.path" in done.stdout


@pytest.mark.parametrize(
    ("camera", "found", "remedy"),
    [
        ('kind = "opencv"\nsource = "/dev/video94"', "/dev/video94 does not exist", "plug the camera in"),
        ('kind = "opencv"\nsource = "94"', "/dev/video94 does not exist", "plug the camera in"),
        ('kind = "twin"\nring = "nobodys"', "frame ring /dev/shm/nobodys does not exist", "start inspector twin"),
    ],
)
def test_a_camera_that_is_not_there_is_bad(
    config: Path, verb: Verb, edit: Edit, camera: str, found: str, remedy: str
) -> None:
    edit("stations/left.toml", 'kind = "folder"\npath = "/srv/inspector/left"\nmode = "watch"', camera)
    told = findings(verb("doctor", "-c", config, "-s", "left", "--json").stdout)["camera"]
    assert (told["level"], told["found"]) == ("bad", found)
    assert told["remedy"].startswith(remedy)


def test_no_configuration_at_all_is_a_warning(tmp_path: Path, verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INSPECTOR_CONFIG", raising=False)
    done = verb("doctor")
    assert done.exit_code == 0
    assert "warn  configuration          none found" in done.stdout


@pytest.mark.usefixtures("pictures")
def test_it_says_which_runtimes_there_are_and_what_the_station_asks_of_the_kernel(
    config: Path, verb: Verb, edit: Edit
) -> None:
    edit("stations/left.toml", "deadline_ms = 400", "deadline_ms = 400\nlock_memory = true\nrealtime_priority = 10")
    told = findings(verb("doctor", "-c", config, "-s", "left", "--json").stdout)
    assert told["runtime"]["found"].startswith("onnx, openvino")
    for wish in ("lock_memory", "realtime_priority"):
        assert told[wish]["level"] == ("ok" if told[wish]["found"] == "granted" else "warn")
        assert ("realtime.conf" in told[wish]["remedy"]) == (told[wish]["level"] == "warn")
