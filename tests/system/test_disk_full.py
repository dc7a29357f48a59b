"""A full disk never stops inspection: parts are judged, told, and written once there is room again."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.adapters import journal_sql
from inspector.app.demo.plant import STATION
from tests.system.bench import Bench, small_plant, wait_for

PARTS = 40


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.peer("root")
@pytest.mark.timeout(180)
def test_a_full_disk_is_an_alarm_and_every_part_is_judged_and_written_in_the_end(
    tmp_path: Path, small_disk: Path
) -> None:
    plant = small_plant(tmp_path / "plant", parts=PARTS, pitch_ms=350.0)
    shared = plant.config / "inspector.toml"
    shared.write_text(shared.read_text().replace(str(plant.folder / "data"), str(small_disk)))
    journal = small_disk / STATION / "journal.sqlite3"
    with Bench(plant) as bench:
        bench.start("twin")
        wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
        bench.start("line")
        bench.line_ready()
        wait_for("some parts", lambda: bench.twin().get("triggers", 0) >= 4)
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:  # with a buffer, closing would write once more
            while True:
                try:
                    file.write(os.urandom(65536))
                except OSError:
                    break
        wait_for("the alarm", lambda: "journal.waiting" in bench.status()["health"]["alarms"])
        judged = sum(bench.status()["counters"].values())
        wait_for("judging to go on", lambda: sum(bench.status()["counters"].values()) >= judged + 5)
        filler.unlink()
        wait_for("the alarm to clear", lambda: "journal.waiting" not in bench.status()["health"]["alarms"])
        assert bench.end("twin") == 0
        with journal_sql.open_journal(journal, station=STATION, read_only=True) as book:
            wait_for("every part to be written", lambda: book.counts()["inspections"] == PARTS)
        assert bench.stop("line") == 0
        proof = bench.command("journal", "verify", "--plc-count", str(PARTS), "--json")
        assert proof.returncode == 0, proof.stdout
    report = json.loads((plant.run_dir / "twin_report.json").read_text())
    assert report["codes"]["none"] <= 1
    assert report["missed_ejections"] == 0 == report["wrong_ejections"]
