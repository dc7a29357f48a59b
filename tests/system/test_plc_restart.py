"""The line against a C PLC that is killed and starts anew: every part of every count has one Inspection in the book."""

from pathlib import Path

import pytest

from inspector.adapters import journal_sql
from inspector.app.demo.plant import STATION
from inspector.domain.inspection import GateTold, Inspection
from inspector.domain.verdict import Outcome
from tests.peers.plc_peer import Plc, compile_plc
from tests.system.bench import Bench, wait_for
from tests.system.test_c_plc import station_with_pictures


@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(120)
def test_a_plc_that_restarts_twice_leaves_no_part_without_an_inspection(tmp_path: Path) -> None:
    plant = station_with_pictures(tmp_path)
    program = compile_plc(tmp_path)
    with Bench(plant) as bench, Plc(program, "--window", "5000", port=plant.plc_port) as plc:
        bench.start("line")
        bench.line_ready()
        with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as book:

            def written(parts: int) -> None:
                wait_for(f"{parts} inspections", lambda: book.counts()["inspections"] == parts)

            for part_seq in (1, 2, 3):
                plc.say("trigger")
                plc.fate(part_seq)
                written(part_seq)
            plc.kill()
            with Plc(program, "--start", "3", port=plant.plc_port) as again:  # it counted to the same number unseen
                written(6)
                again.kill()
            with Plc(program, "--start", "0", "--window", "5000", port=plant.plc_port) as third:
                third.expect("line alive")
                third.say("trigger")
                third.fate(1)
                written(7)
                entries = book.after(0)
                assert bench.stop("line") == 0
    inspections = [entry.event for entry in entries if isinstance(entry.event, Inspection)]
    numbers = [(one.part.series, one.part.part_seq) for one in inspections]
    assert sorted(numbers) == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1)]
    found = dict(zip(numbers, inspections, strict=True))
    assert all(found[2, unseen].verdict.outcome is Outcome.UNDECIDED for unseen in (1, 2))
    assert found[2, 3].gate_told is not GateTold.ACKNOWLEDGED
    assert found[3, 1].gate_told is GateTold.ACKNOWLEDGED, found[3, 1].verdict.reason
    proof = bench.command("journal", "verify", "--plc-count", "1", "--json")
    assert proof.returncode == 0, proof.stdout
