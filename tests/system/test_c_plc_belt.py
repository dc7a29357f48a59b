"""A PLC program in C, written from the symbol list alone, is the PLC of a simulated line, its gate and its ejector."""

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from inspector.app.demo.plant import STATION, Plant
from inspector.domain.inspection import Inspection
from inspector.domain.verdict import Outcome
from tests.peers.compiled import compile_peer
from tests.system.bench import Bench, free_port, polled, small_plant, wait_for
from tests.system.judge import inspections, wrong_parts

SPEED_MM_S, COUNTS_PER_MM = 500.0, 10.0
WATCHDOG_MS = 150.0
FATES = {Outcome.PASS: "pass ok", Outcome.FAIL: "reject ng", Outcome.UNDECIDED: "reject undecided"}


def plant_of(folder: Path, role: str, *, parts: int, spacing_mm: float) -> tuple[Plant, int]:
    """A line whose light gate, encoder and ejector hang on the PLC's own bus coupler; the coupler's port."""
    plant = small_plant(folder, parts=parts)
    if role == "server":
        polled(plant)
    path, field = plant.config / "stations" / f"{STATION}.toml", free_port()
    content: dict[str, Any] = tomlkit.parse(path.read_text()).unwrap()
    content["twin"] |= {
        "ejector": "io",
        "io_port": field,
        "io_watchdog_ms": WATCHDOG_MS,
        "speed_mm_s": SPEED_MM_S,
        "counts_per_mm": COUNTS_PER_MM,
        "spacing_mm": spacing_mm,
        "spacing_jitter_mm": spacing_mm * 0.08,
        "ejector_distance_mm": 500.0,
        "stop_without_permit": True,
        "width": 640,
        "height": 480,
        "encoder_start": (1 << 32) - 30_000,
    }
    pitch_ms = spacing_mm / SPEED_MM_S * 1e3
    content["station"] |= {"deadline_ms": 700.0, "sync_window_ms": pitch_ms * 0.4, "min_pitch_ms": pitch_ms / 3}
    path.write_text(tomlkit.dumps(content))
    return plant, field


@contextmanager
def the_plc(bench: Bench, folder: Path, field: int, *, spacing_mm: float) -> Iterator[Path]:
    """The program runs from the list that the command prints; what it says goes into the file."""
    program, listed, said = compile_peer("plc_belt", folder), folder / "symbols.csv", folder / "plc.txt"
    printed = bench.command("plc", "symbols")
    assert printed.returncode == 0, printed.stderr
    listed.write_text(printed.stdout)
    margin_mm, after_mm = spacing_mm * 0.3, spacing_mm * 0.2
    counts = {"decide": 500.0 - margin_mm, "arrive": 500.0, "leave": 500.0 + after_mm}
    options = [word for name, mm in counts.items() for word in (f"--{name}", str(int(mm * COUNTS_PER_MM)))]
    command = [str(program), str(listed), str(bench.plant.plc_port), str(field), "--watchdog", str(int(WATCHDOG_MS))]
    with said.open("w") as out:
        process = subprocess.Popen([*command, *options], stdout=out, stderr=out)
        try:
            yield said
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            finally:
                process.kill()


def run(folder: Path, role: str, *, parts: int, spacing_mm: float) -> dict[str, int]:
    """Run the line to its end; the PLC's count, the book and the belt say the same. Gives the PLC's figures."""
    plant, field = plant_of(folder / "plant", role, parts=parts, spacing_mm=spacing_mm)
    with Bench(plant) as bench:
        bench.start("twin")
        wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
        with the_plc(bench, folder, field, spacing_mm=spacing_mm) as said:
            bench.start("line")
            bench.line_ready()
            assert bench.end("twin", patience_s=parts * spacing_mm / SPEED_MM_S * 2 + 240) == 0
            wait_for("the book", lambda: len(inspections(plant.journal)) >= parts)
        assert bench.stop("line") == 0
        report = json.loads((plant.run_dir / "twin_report.json").read_text())
        proof = bench.command("journal", "verify", "--plc-count", str(parts), "--json")
        assert proof.returncode == 0, proof.stdout
    lines = said.read_text().splitlines()
    figures: dict[str, int] = json.loads(lines[-1])
    fates = {int(line.split()[1]): line.split(" ", 2)[2] for line in lines if line.startswith("part ")}
    unsure = {int(line.split()[1]) for line in lines if line.startswith("unsure ")}
    judge(report, inspections(plant.journal), fates, unsure, figures)
    return figures


def judge(
    report: dict[str, Any],
    book: dict[int, Inspection],
    fates: dict[int, str],
    unsure: set[int],
    figures: dict[str, int],
) -> None:
    parts = report["parts"]
    print(f"\n{figures}; passed {report['passed']}, ejected {report['ejected']}")
    assert (figures["lost_edges"], figures["bad_crc"], figures["refused"]) == (0, 0, 0)
    assert sorted(book) == sorted(fates) == list(range(1, parts + 1))
    assert figures["parts"] == report["triggers"] == parts
    late = {number for number, fate in fates.items() if fate == "reject default"}
    told = {number: FATES[one.verdict.outcome] for number, one in book.items()}
    assert {number: fate for number, fate in fates.items() if fate != told[number]}.keys() <= late
    for number in late:  # the PLC's default, and the book knows that nothing was acknowledged
        assert book[number].verdict.outcome is not Outcome.PASS
    counted = Counter(fates.values())
    names = {"ok": "pass ok", "ng": "reject ng", "undecided": "reject undecided", "default": "reject default"}
    assert {name: figures[name] for name in names} == {name: counted[fate] for name, fate in names.items()}
    on_belt = {row["part_seq"]: row["ejected"] for row in report["rows"]}
    passed = {number for number, fate in fates.items() if fate == "pass ok"}
    assert {number for number, ejected in on_belt.items() if not ejected} <= passed, "passed without an OK"
    assert {number for number in passed if on_belt[number]} <= unsure, "ejected with an OK on the flap"
    assert wrong_parts(report["rows"], book) == []
    assert len(passed - unsure) >= parts // 10
    assert figures["ng"] >= parts // 10


@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", [pytest.param("client", marks=pytest.mark.long), "server"])
def test_the_c_program_is_the_plc_of_the_line(tmp_path: Path, role: str) -> None:
    figures = run(tmp_path, role, parts=30, spacing_mm=300.0)
    if role == "server":  # what the station has counted, read by name
        told = (figures["told_pass"], figures["told_fail"], figures["told_undecided"])
        assert told == (figures["ok"], figures["ng"], figures["undecided"] + figures["default"])


@pytest.mark.long
@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("role", ["client", "server"])
def test_five_thousand_handshakes_on_the_belt(tmp_path: Path, role: str) -> None:
    run(tmp_path, role, parts=5000, spacing_mm=200.0)
