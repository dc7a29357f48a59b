"""The line against a PLC that is a C program on libmodbus: it counts, echoes, and rejects by default."""

from pathlib import Path

import cv2
import pytest

from inspector.adapters import journal_sql
from inspector.app.demo.plant import STATION, Plant, Size, found
from inspector.domain.verdict import Outcome
from inspector.twin.scenes import SceneSettings, render
from tests.peers.plc_peer import Plc, compile_plc
from tests.system.bench import Bench, wait_for

PARTS = 12


def station_with_pictures(folder: Path) -> Plant:
    """A folder of pictures as the camera, triggered by the PLC."""
    plant = found(folder, Size(parts=0, seed=0))
    pictures = folder / "pictures"
    pictures.mkdir()
    for seed in range(6):
        scene = render(seed, SceneSettings(width=1024, height=768, defect_rate=0.5))
        cv2.imwrite(str(pictures / f"{seed}.png"), scene.pixels)
    station = plant.config / "stations" / f"{STATION}.toml"
    text = station.read_text()
    start, end = text.index("[camera]"), text.index("[trigger]")
    text = text[:start] + f'[camera]\nkind = "folder"\npath = "{pictures}"\nmode = "loop"\n\n' + text[end:]
    station.write_text(text.replace("encoder = true", "encoder = false"))
    return plant


@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(120)
def test_the_line_and_a_c_plc_agree_on_every_part(tmp_path: Path) -> None:
    plant = station_with_pictures(tmp_path)
    program = compile_plc(tmp_path)
    options = ("--period", "400", "--count", str(PARTS), "--window", "900", "--wait-permit")
    with Plc(program, *options, port=plant.plc_port) as plc, Bench(plant) as bench:
        bench.start("line")
        bench.line_ready()
        with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as book:
            wait_for("every part to be written", lambda: book.counts()["inspections"] == PARTS)
            entries = book.after(0)
        fates = {seq: plc.fate(seq) for seq in range(1, PARTS + 1)}
        assert bench.stop("line") == 0
        summary = plc.stop()
    assert summary["triggers"] == PARTS
    assert summary["bad_crc"] == 0
    passed = 0
    for entry in entries:
        inspection = entry.event
        if not hasattr(inspection, "verdict"):
            continue
        fate = fates[inspection.part.part_seq]
        if inspection.verdict.outcome is Outcome.PASS:
            assert fate == "pass ok"
            assert inspection.gate_told.value == "acknowledged"
            passed += 1
        else:
            assert fate.startswith("reject")
    assert summary["passed"] == passed
    proof = bench.command("journal", "verify", "--plc-count", str(PARTS), "--json")
    assert proof.returncode == 0, proof.stdout


@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(120)
def test_a_dead_line_means_every_part_is_rejected(tmp_path: Path) -> None:
    plant = station_with_pictures(tmp_path)
    program = compile_plc(tmp_path)
    with Plc(program, "--window", "600", port=plant.plc_port) as plc, Bench(plant) as bench:
        bench.start("line")
        bench.line_ready()
        bench.kill("line")
        plc.say("trigger 3")
        assert all(plc.fate(seq).startswith("reject") for seq in (1, 2, 3))
        bench.start("line")
        bench.line_ready()
        bench.stop("line")
    proof = bench.command("journal", "verify", "--plc-count", "3", "--json")
    assert proof.returncode == 0, proof.stdout
