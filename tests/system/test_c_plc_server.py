"""The line as Modbus server under a C PLC that knows only the symbol list; its words watched, its outputs forced."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspector.adapters import journal_sql
from inspector.adapters.gate_modbus.server.table import ControlBit
from inspector.app.demo.plant import STATION, Plant
from inspector.domain.inspection import Inspection
from inspector.domain.verdict import Outcome
from tests.adapters.gate_modbus_server.polling_plc import PollingPlc
from tests.peers.compiled import compile_peer
from tests.system.bench import Bench, wait_for
from tests.system.test_c_plc import station_with_pictures

PARTS = 12


@contextmanager
def polled(port: int) -> Iterator[None]:
    """A PLC that wants triggers and triggers nothing, from when the line listens."""
    stop = threading.Event()

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for("the line to listen", listens)

    def poll() -> None:
        with PollingPlc(port) as plc:
            plc.bits(ControlBit.TRIGGER_ENABLE)
            while not stop.wait(0.02):
                plc.scan()

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def served(folder: Path) -> Plant:
    """A folder of pictures as the camera, triggered by a PLC that polls us."""
    plant = station_with_pictures(folder)
    station = plant.config / "stations" / f"{STATION}.toml"
    text = station.read_text()
    start = text.index("[gate]")
    end = text.find("\n[", start + 1)
    gate = f'[gate]\nkind = "modbus_server"\nlisten = "127.0.0.1"\nport = {plant.plc_port}\n'
    station.write_text(text[:start] + gate + (text[end:] if end >= 0 else ""))
    return plant


@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(280)
def test_the_line_and_a_polling_plc_agree_on_every_part(tmp_path: Path) -> None:
    plant = served(tmp_path)
    program = compile_peer("plc_scan", tmp_path)
    with Bench(plant) as bench:
        listed = tmp_path / "symbols.csv"
        listed.write_text(bench.command("plc", "symbols").stdout)
        said = tmp_path / "plc.txt"
        bench.start("line")
        command = [str(program), "127.0.0.1", str(plant.plc_port), "1", str(listed), "--any", "--cycles", str(PARTS)]
        with said.open("w") as out:
            plc = subprocess.Popen(command, stdout=out, stderr=out)
            try:
                assert plc.wait(120) == 0, said.read_text()
            finally:
                plc.kill()
        with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as book:
            wait_for("every part to be written", lambda: book.counts()["inspections"] == PARTS)
            entries = book.after(0)
        assert bench.stop("line") == 0
    figures = json.loads(said.read_text().splitlines()[-1])
    assert (figures["wrong"], figures["stale"], figures["default"], figures["cycles"]) == (0, 0, 0, PARTS)
    fates = dict(re.findall(r"^part (\d+) (.*)$", said.read_text(), re.MULTILINE))
    for entry in entries:
        inspection = entry.event
        if isinstance(inspection, Inspection):
            good = inspection.verdict.outcome is Outcome.PASS
            assert (fates[str(inspection.part.part_seq)] == "pass ok") == good
            assert inspection.gate_told.value == "acknowledged"
    proof = bench.command("journal", "verify", "--plc-count", str(PARTS), "--json")
    assert proof.returncode == 0, proof.stdout


@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(280)
def test_words_are_watched_and_outputs_forced_while_the_line_runs(tmp_path: Path) -> None:
    plant = served(tmp_path)
    with Bench(plant) as bench:
        bench.start("line")
        with polled(plant.plc_port):
            bench.line_ready()

            def words() -> dict[str, int]:
                given: dict[str, int] = bench.status().get("plc", {})
                return given

            wait_for("run_permit", lambda: words().get("status.run_permit") == 1)
            ready = bench.status()["ready_after"]
            assert 0 < ready["process_s"] <= ready["machine_s"]
            print(f"\nready {ready['process_s']} s after the start of the process")
            told = bench.command("plc", "monitor", "--once", "--json", "--only", "control.")
            assert told.returncode == 0, told.stderr
            assert json.loads(told.stdout)["words"]["control.trigger_enable"] == 1
            shown = bench.command("plc", "monitor", "--once", "--only", "run_permit")
            assert "link alive" in shown.stdout
            assert "status.run_permit" in shown.stdout
            refused = bench.command("plc", "force", "status.results_ok", "--on", "--yes")
            assert refused.returncode == 78
            assert "cannot be forced; there are: status.online" in refused.stderr
            unasked = bench.command("plc", "force", "status.bypass", "--on")
            assert unasked.returncode != 0, "nobody confirmed"
            force = [
                sys.executable,
                "-m",
                "inspector",
                "plc",
                "force",
                "status.bypass",
                "--on",
                "--seconds",
                "3",
                "--yes",
            ]
            forcing = bench.spawn("force", [*force, "--config", str(plant.config), "--station", STATION])
            wait_for("the alarm", lambda: "plc.forced" in bench.status().get("health", {}).get("alarms", {}))
            forced = wait_for("the bit", lambda: (seen := words())["status.bypass"] and seen)
            assert (forced["status.run_permit"], forced["status.trigger_ready"]) == (0, 0)
            assert forcing.wait(30) == 0
            wait_for("release", lambda: (seen := words())["status.run_permit"] == 1 and not seen["status.bypass"])
        assert bench.stop("line") == 0
