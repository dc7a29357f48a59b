"""The law of the house under kill -9: every trigger one Inspection, no fault ever a PASS."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from inspector.adapters import journal_sql
from inspector.app.demo.plant import STATION
from inspector.domain.inspection import Inspection
from inspector.domain.verdict import Outcome
from tests.system.bench import Bench, small_plant, wait_for


def trigger_count(port: int) -> int:
    """What the PLC has counted, asked by Modbus."""
    with ModbusTcpClient("127.0.0.1", port=port, timeout=2) as client:
        high, low = client.read_holding_registers(101, count=2, device_id=1).registers
    return (high << 16) + low


def run_with_kills(tmp_path: Path, *, parts: int, kills: int, pitch_ms: float, seed: int) -> None:
    chance = random.Random(seed)
    plant = small_plant(tmp_path, parts=parts, pitch_ms=pitch_ms)
    with Bench(plant) as bench:
        bench.start("twin")
        wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
        bench.start("line")
        bench.line_ready()
        downtime = 0
        for _ in range(kills):
            before = trigger_count(plant.plc_port)
            assert before < parts - 10, f"the parts were over before {kills} kills; give them more pitch"
            alive_until = before + chance.randrange(1, 4)
            wait_for("some parts", lambda n=alive_until: trigger_count(plant.plc_port) >= n)
            before = trigger_count(plant.plc_port)
            bench.kill("line")
            bench.start("line")
            bench.line_ready()
            downtime += trigger_count(plant.plc_port) - before
        assert bench.end("twin", patience_s=parts * pitch_ms / 1e3 * 1.2 + 60) == 0
        assert bench.stop("line") == 0

        report = json.loads((plant.run_dir / "twin_report.json").read_text())
        assert report["triggers"] == parts
        assert report["wrong_ejections"] == 0
        assert report["missed_ejections"] == 0
        proof = bench.command("journal", "verify", "--plc-count", str(parts), "--json")
        content = json.loads(proof.stdout)
        assert proof.returncode == 0, content
        assert content["inspections"] == parts
        assert content["open"] == 0

        book = inspections(plant.journal)
        by_rule = Counter(i.verdict.decision.rule for i in book.values() if i.verdict.outcome is Outcome.UNDECIDED)
        by_law = sum(count for rule, count in by_rule.items() if rule.startswith("law."))
        print(
            json.dumps({"kills": kills, "parts": parts, "downtime": downtime, "undecided": by_rule, "book": len(book)})
        )
        assert by_law <= downtime + 2 * kills
        for row in report["rows"]:
            if not row["ejected"]:
                assert row["code"] == "ok"
            if book[row["part_seq"]].verdict.outcome is not Outcome.PASS and not row["ejected"]:
                assert book[row["part_seq"]].verdict.decision.rule == "law.interrupted"


def inspections(journal: Path) -> dict[int, Inspection]:
    found: dict[int, Inspection] = {}
    at = 0
    with journal_sql.open_journal(journal, station=STATION, read_only=True) as book:
        while page := book.after(at):
            at = page[-1].journal_seq
            found |= {e.event.part.part_seq: e.event for e in page if isinstance(e.event, Inspection)}
    return found


@pytest.mark.timeout(240)
def test_kill_minus_9_loses_no_part_and_passes_no_bad_one(tmp_path: Path) -> None:
    run_with_kills(tmp_path, parts=100, kills=4, pitch_ms=400.0, seed=1)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_kills_in_three_hundred_parts(tmp_path: Path) -> None:
    run_with_kills(tmp_path, parts=300, kills=20, pitch_ms=600.0, seed=2)
