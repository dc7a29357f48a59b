"""One lost, doubled or bounced trigger never shifts a verdict to the next part."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.system.bench import Bench, polled, small_plant, wait_for
from tests.system.judge import by_law, inspections, told_apart, wrong_parts
from tests.system.test_tracking import begin, finish
from tests.system.tracked import tracked_plant

APART = 9
FAULTS = (
    "trigger-lost",
    "trigger-doubled",
    "trigger-bounced",
    "gate-blind",
    "frame-lost",
    "frame-doubled",
    "frame-late",
    "part-removed",
    "part-inserted",
)


def run(
    folder: Path, faults: list[str], *, parts: int, pitch_ms: float = 250.0, polls: bool = False
) -> tuple[dict[str, Any], Any]:
    plant = small_plant(
        folder,
        parts=parts,
        pitch_ms=pitch_ms,
        **{
            "[twin]": f"[twin]\ndefect_rate = 0.6\nfaults = {json.dumps(faults)}",
            "[station]": f"[station]\nmin_pitch_ms = {pitch_ms / 3:.0f}",
        },
    )
    if polls:
        polled(plant)
    with Bench(plant) as bench:
        bench.start("twin")
        wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
        bench.start("line")
        bench.line_ready()
        assert bench.end("twin", patience_s=parts * pitch_ms / 1e3 * 1.5 + 60) == 0
        report = json.loads((plant.run_dir / "twin_report.json").read_text())
        wait_for("the book", lambda: len(inspections(plant.journal)) == report["triggers"])
        assert bench.stop("line") == 0
        proof = bench.command("journal", "verify", "--plc-count", str(report["last_trigger"]), "--json")
        assert proof.returncode == 0, proof.stdout
    return report, inspections(plant.journal)


@pytest.mark.timeout(180)
def test_a_trigger_that_is_lost_doubled_or_bounced_puts_no_verdict_on_a_wrong_part(tmp_path: Path) -> None:
    faults = [f"{kind}@{12 + APART * place}" for place, kind in enumerate(FAULTS)]
    parts = 12 + APART * len(FAULTS)
    report, book = run(tmp_path, faults, parts=parts)
    assert report["faults"] == dict.fromkeys(FAULTS, 1)
    assert (report["wrong_ejections"], report["missed_ejections"]) == (0, 0)
    assert report["parts"] == parts + 1  # the one that was laid on
    assert report["triggers"] == parts - 2 + 2  # lost and not seen; doubled and bounced
    assert wrong_parts(report["rows"], book) == []
    undecided = Counter(one.verdict.decision.rule for one in book.values() if by_law(one))
    print(json.dumps({"undecided": undecided, "triggers": report["triggers"]}))
    assert undecided["law.double_trigger"] >= 1
    assert sum(undecided.values()) <= 4 * len(FAULTS)  # resynchronised within a few parts


@pytest.mark.timeout(240)
@pytest.mark.parametrize("tracking", ["plc", "polled", "encoder"])
def test_damaged_answers_are_neither_parts_nor_places_on_the_belt(tmp_path: Path, tracking: str) -> None:
    parts, faults = 60, [f"plc-garbage@{at}:6" for at in (8, 16, 24, 32, 40)]
    if tracking == "plc":
        report, book = run(tmp_path, faults, parts=parts)
    elif tracking == "polled":
        report, book = run(tmp_path, faults, parts=parts, polls=True)
    else:
        plant = tracked_plant(tmp_path, tracking=tracking, parts=parts, twin={"faults": faults})
        with Bench(plant) as bench:
            begin(bench)
            report, book = finish(bench, plant, patience_s=120)
    assert report["faults"] == {"plc-garbage": len(faults)}
    assert sorted(book) == list(range(1, parts + 1)), "no part that nobody saw"
    assert {one.part.series for one in book.values()} == {1}
    assert wrong_parts(report["rows"], book) == []
    assert told_apart(report["rows"], book)[1] == []
