"""What a technician meets on the first day: something is not there yet, or is there twice."""

import socket
from pathlib import Path

import cv2
import pytest

from inspector.app.demo.plant import STATION, Plant, Size, found
from inspector.twin.scenes import SceneSettings, render
from tests.peers.plc_peer import Plc, compile_plc
from tests.system.bench import Bench, free_port, wait_for


def pictures_station(folder: Path, gate: str) -> Plant:
    plant = found(folder, Size(parts=0, seed=0))
    pictures = folder / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "1.png"), render(1, SceneSettings(width=512, height=384)).pixels)
    station = plant.config / "stations" / f"{STATION}.toml"
    text = station.read_text()
    start, end = text.index("[camera]"), text.index("[[sink]]")
    camera = f'[camera]\nkind = "folder"\npath = "{pictures}"\nmode = "loop"\n\n'
    station.write_text(text[:start] + camera + gate + "\n" + text[end:])
    return plant


def modbus(port: int, *, more: str = "") -> str:
    return f'[trigger]\nkind = "gate"\n\n[gate]\nkind = "modbus"\nhost = "127.0.0.1"\nport = {port}\n{more}'


@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(90)
def test_a_line_waits_for_a_plc_that_comes_later(tmp_path: Path) -> None:
    port = free_port()
    plant = pictures_station(tmp_path, modbus(port))
    program = compile_plc(tmp_path)
    with Bench(plant) as bench:
        bench.start("line")
        wait_for("the alarm", lambda: "trigger.lost" in bench.status().get("health", {}).get("alarms", {}))
        assert bench.status()["state"] == "Initialized"
        with Plc(program, "--window", "800", port=port) as plc:
            bench.line_ready()
            plc.say("trigger")
            assert plc.fate(1).split()[0] in {"pass", "reject"}
            assert bench.stop("line") == 0


@pytest.mark.timeout(60)
def test_a_line_told_to_end_without_its_plc_names_it(tmp_path: Path) -> None:
    port = free_port()
    plant = pictures_station(tmp_path, modbus(port, more='on_startup_error = "error"\nstartup_timeout_s = 1.0\n'))
    with Bench(plant) as bench:
        done = bench.command("line")
    assert done.returncode == 69
    assert f"127.0.0.1:{port}" in done.stderr


@pytest.mark.timeout(60)
def test_a_second_line_for_one_station_is_refused(tmp_path: Path) -> None:
    plant = pictures_station(tmp_path, '[trigger]\nkind = "free"\ninterval_s = 0.2\n\n[gate]\nkind = "dry"\n')
    with Bench(plant) as bench:
        first = bench.start("line")
        bench.line_ready()
        second = bench.command("line")
        assert second.returncode == 75
        assert str(first.pid) in second.stderr
        assert bench.stop("line") == 0


@pytest.mark.timeout(60)
def test_a_simulated_line_names_the_port_that_is_taken(tmp_path: Path) -> None:
    plant = found(tmp_path, Size(parts=1, seed=0, width=512, height=384, pool=1))
    station = plant.config / "stations" / f"{STATION}.toml"
    station.write_text(station.read_text().replace("[twin]", f'[twin]\ncache_dir = "{tmp_path}/scenes"'))
    with socket.socket() as other, Bench(plant) as bench:
        other.bind(("127.0.0.1", plant.plc_port))
        other.listen()
        done = bench.command("twin")
    assert done.returncode == 69
    assert str(plant.plc_port) in done.stderr
    assert "Traceback" not in done.stderr
