"""The line fires the ejector itself: by encoder and by time, through stops, speed changes, faults and its own death."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from inspector.app.demo.plant import Plant
from inspector.domain.inspection import AlarmEvent, Inspection
from inspector.domain.verdict import Outcome
from tests.system.bench import Bench, wait_for
from tests.system.judge import disposals, entries, inspections, told_apart, wrong_parts
from tests.system.tracked import SLOW_MM_S, commission, tracked_plant


def begin(bench: Bench) -> None:
    commission(bench)
    bench.start("twin")
    wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
    bench.start("line")
    bench.line_ready()


def finish(bench: Bench, plant: Plant, *, patience_s: float) -> tuple[dict[str, Any], dict[int, Inspection]]:
    """Wait for the last part, and prove the book."""
    assert bench.end("twin", patience_s=patience_s) == 0
    report = json.loads((plant.run_dir / "twin_report.json").read_text())
    wait_for("the book", lambda: len(inspections(plant.journal)) == report["triggers"])
    assert bench.stop("line") == 0
    proof = bench.command("journal", "verify", "--plc-count", str(report["last_trigger"]), "--json")
    assert proof.returncode == 0, proof.stdout
    return report, inspections(plant.journal)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("tracking", ["encoder", "time"])
def test_it_refuses_to_start_without_the_record_of_its_commissioning(tmp_path: Path, tracking: str) -> None:
    plant = tracked_plant(tmp_path, tracking=tracking, parts=1)
    with Bench(plant) as bench:
        refused = bench.command("line")
        assert refused.returncode == 78
        assert f'gate.tracking = "{tracking}" is locked' in refused.stderr
        assert "kill -9" in refused.stderr
        assert "inspector commission record --station twin" in refused.stderr
        commission(bench)
        assert bench.command("commission", "show").returncode == 0
        station = plant.config / "stations" / "twin.toml"
        station.write_text(station.read_text().replace("\ndistance_mm = 600.0", "\ndistance_mm = 610.0"))
        changed = bench.command("check")
        assert changed.returncode == 78
        assert "was made with other settings" in changed.stderr


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("tracking", "rest"), [("encoder", "eject"), ("encoder", "pass"), ("time", "eject"), ("time", "pass")]
)
def test_every_part_goes_where_its_verdict_says_and_is_confirmed(tmp_path: Path, tracking: str, rest: str) -> None:
    plant = tracked_plant(tmp_path, tracking=tracking, rest=rest, parts=24, speed_mm_s=SLOW_MM_S)
    with Bench(plant) as bench:
        begin(bench)
        report, book = finish(bench, plant, patience_s=90)
    assert (report["parts"], report["triggers"]) == (24, 24)
    assert told_apart(report["rows"], book) == ([], [])
    assert wrong_parts(report["rows"], book) == []
    outcomes = Counter(one.verdict.outcome for one in book.values())
    assert outcomes[Outcome.PASS] >= 3
    assert outcomes[Outcome.FAIL] >= 3
    rows = {row["part_seq"]: row for row in report["rows"]}
    gone = disposals(plant.journal)
    assert len(gone) >= 23  # the last one may still be on its way to the sensors
    for one in gone:
        assert one.confirmed is True
        assert (one.commanded == "reject") == rows[one.part.part_seq]["ejected"]
        outcome = book[one.part.part_seq].verdict.outcome
        assert one.bin == {Outcome.PASS: "good", Outcome.FAIL: "reject", Outcome.UNDECIDED: "undecided"}[outcome]


@pytest.mark.timeout(180)
def test_a_line_that_is_killed_passes_nothing_and_ejects_what_was_under_way(tmp_path: Path) -> None:
    plant = tracked_plant(tmp_path, tracking="encoder", parts=40)
    with Bench(plant) as bench:
        begin(bench)
        wait_for("parts", lambda: bench.twin().get("triggers", 0) >= 12)
        bench.kill("line")
        wait_for("the belt to stand", lambda: bench.twin().get("state") == "standing")
        under_way = bench.twin()["on_belt"]
        bench.start("line")
        bench.line_ready()
        report, book = finish(bench, plant, patience_s=90)
    wrong, missed = told_apart(report["rows"], book)
    assert missed == []
    assert under_way >= 1
    assert len(wrong) <= under_way  # judged PASS before the death, and ejected after it
    interrupted = [n for n, one in book.items() if one.verdict.decision.rule in {"law.interrupted", "law.missed"}]
    rows = {row["part_seq"]: row for row in report["rows"]}
    assert all(rows[number]["ejected"] for number in interrupted)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", ["belt-stop@15:0.6", "belt-speed@15:900"])
def test_under_time_a_stop_or_another_speed_ejects_everything_in_flight(tmp_path: Path, fault: str) -> None:
    faults = [fault, *(["belt-speed@22:1000"] if "speed" in fault else [])]
    plant = tracked_plant(tmp_path, tracking="time", parts=36, twin={"faults": faults})
    with Bench(plant) as bench:
        begin(bench)
        report, book = finish(bench, plant, patience_s=90)
    wrong, missed = told_apart(report["rows"], book)
    assert missed == []
    affected = {row["part_seq"]: row for row in report["rows"] if 14 <= row["part_seq"] <= 15}
    assert all(row["ejected"] for row in affected.values())
    alarms = [one for one in entries(plant.journal) if isinstance(one, AlarmEvent) and one.code == "belt.lost_places"]
    assert any("parts in flight are ejected" in one.text for one in alarms)
    assert len(wrong) <= 3
    assert sum(not row["ejected"] for row in report["rows"] if row["part_seq"] > 30) >= 1


@pytest.mark.timeout(180)
def test_under_encoder_stops_other_speeds_and_running_back_change_nothing(tmp_path: Path) -> None:
    faults = ["belt-stop@8:0.6", "belt-speed@12:700", "belt-reverse@16:120", "belt-speed@20:1100", "belt-stop@24:0.3"]
    plant = tracked_plant(
        tmp_path, tracking="encoder", parts=32, twin={"faults": faults}, station={"deadline_ms": 2000.0}
    )
    with Bench(plant) as bench:
        begin(bench)
        report, book = finish(bench, plant, patience_s=90)
    assert told_apart(report["rows"], book) == ([], [])
    assert wrong_parts(report["rows"], book) == []
    assert sum(one.verdict.outcome is Outcome.PASS for one in book.values()) >= 4


@pytest.mark.timeout(180)
def test_a_removed_a_laid_on_and_a_stuck_part_raise_the_confirm_alarm_and_the_belt_is_asked_to_stop(
    tmp_path: Path,
) -> None:
    plant = tracked_plant(
        tmp_path,
        tracking="encoder",
        parts=0,
        twin={"faults": ["part-removed@8", "plc-clear-error@12s", "part-inserted@30", "plc-clear-error@24s"]},
    )
    with Bench(plant) as bench:
        begin(bench)
        wait_for("the alarm", lambda: "ejector.confirm" in bench.status()["health"]["alarms"])
        assert "part 8 was sent to" in bench.status()["health"]["alarms"]["ejector.confirm"]
        wait_for("the belt to stand", lambda: bench.twin()["state"] == "standing")
        wait_for("it to go on once acknowledged", lambda: bench.twin()["state"] == "running")
        assert bench.status()["balance"]["removed"] == 1
        wait_for("the alarm", lambda: "ejector.confirm" in bench.status()["health"]["alarms"])
        assert "nobody counted" in bench.status()["health"]["alarms"]["ejector.confirm"]
        assert bench.stop("line") == 0
        gone = [one for one in disposals(plant.journal) if one.part.part_seq == 8]
    assert [(one.confirmed, one.bin) for one in gone] == [(False, "missing")]
