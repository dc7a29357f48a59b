"""A broker that stops, and one that dies and forgets: the line does not notice, nothing is left behind."""

import json
import signal
import sys
import time
from pathlib import Path

import pytest

from inspector.adapters import journal_sql
from inspector.app.demo.plant import STATION
from tests.system.bench import Bench, mosquitto, small_plant, wait_for


def heard(log: Path) -> list[dict[str, object]]:
    """Every record the subscriber printed."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line)["record"] for line in lines if line.startswith('{"topic"') and line.endswith("}")]


def run_with_a_bad_broker(tmp_path: Path, *, parts: int, stopped_s: float, durable: bool) -> dict[str, int]:
    plant = small_plant(tmp_path, parts=parts, pitch_ms=250.0)
    with Bench(plant) as bench:
        broker = mosquitto(plant.broker_port, tmp_path / "broker", durable=durable)
        bench.spawn("mosquitto", broker)
        bench.start("listen", "--json", "--durable")
        bench.start("twin")
        bench.start("follow")
        wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
        bench.start("line")
        bench.line_ready()
        listened = plant.log("listen")
        wait_for("first results", lambda: len(heard(listened)) >= 5)

        bench.running["mosquitto"].send_signal(signal.SIGSTOP)
        until = time.monotonic() + stopped_s
        wait_for("the stop to pass", lambda: time.monotonic() >= until, patience_s=90)
        bench.running["mosquitto"].send_signal(signal.SIGCONT)
        before = len(heard(listened))
        wait_for("delivery to go on", lambda: len(heard(listened)) >= before + 5)
        bench.kill("mosquitto")
        bench.spawn("mosquitto", broker)

        assert bench.end("twin", patience_s=parts * 0.35 + 60) == 0
        with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as book:
            wait_for("the journal to be whole", lambda: book.counts()["inspections"] == parts)
            wait_for("every record to be acknowledged", lambda: book.cursor("mqtt") == book.head())
            head = book.head()
            assert book.quarantined("mqtt") == {}
        numbers = {int(str(r["journalSeq"])) for r in heard(listened)}
        lost = sorted(set(range(1, head + 1)) - numbers)
        if lost:
            done = bench.command("follow", "--replay", str(lost[0]), str(lost[-1]), "--sink", "mqtt")
            assert done.returncode == 0, done.stderr
        wait_for(
            "a complete subscriber",
            lambda: {int(str(r["journalSeq"])) for r in heard(listened)} == set(range(1, head + 1)),
        )

        records = [r for r in heard(listened) if "resultId" in r]
        ids: dict[object, set[object]] = {}
        for record in records:
            ids.setdefault(record["journalSeq"], set()).add(record["resultId"])
        assert all(len(different) == 1 for different in ids.values())
        assert len(ids) == parts
        status = bench.status()
        assert sum(status["counters"].values()) == parts
        latency = status["latency_ms"]
        assert latency["max"] < 1e3 * 30
        report = json.loads((plant.run_dir / "twin_report.json").read_text())
        assert report["missed_ejections"] == 0 == report["wrong_ejections"]
        historical = sum(bool(record.get("isHistorical")) for record in records)
        figures = {
            "parts": parts,
            "records": head,
            "heard": len(heard(listened)),
            "lost_by_broker": len(lost),
            "duplicates": len(heard(listened)) - head,
            "historical": historical,
        }
        sys.stdout.write(json.dumps(figures) + "\n")
        if stopped_s > 15:
            assert historical > 0
        return figures


@pytest.mark.peer("mosquitto")
@pytest.mark.timeout(240)
def test_a_broker_stopped_and_killed_in_mid_run_leaves_no_record_behind(tmp_path: Path) -> None:
    run_with_a_bad_broker(tmp_path, parts=80, stopped_s=12.0, durable=True)


@pytest.mark.long
@pytest.mark.peer("mosquitto")
@pytest.mark.timeout(600)
def test_a_broker_stopped_for_a_minute_and_one_that_forgets(tmp_path: Path) -> None:
    run_with_a_bad_broker(tmp_path, parts=400, stopped_s=60.0, durable=False)
