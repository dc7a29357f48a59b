"""The PLC's part ids are cross-checked: an id that cannot be the part's own lets nothing in flight pass."""

import json
from pathlib import Path

import pytest

from inspector.domain.inspection import AlarmEvent
from inspector.domain.verdict import Outcome
from inspector.pipeline.part_ids import PART_ID_ALARM
from tests.system.bench import Bench, polled, small_plant, wait_for
from tests.system.judge import by_law, entries, inspections, told_apart, wrong_parts

PARTS, PITCH_MS = 24, 300.0
CHANGED, REPEATED, SKIPPED = 5, 8, 11
FAULTS = [
    f"plc-id-changed@{CHANGED}:80",
    f"frame-late@{CHANGED}:250",  # it is judged long after its id has changed
    f"plc-id-repeated@{REPEATED}",
    f"plc-id-skipped@{SKIPPED}",
]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("law", "polls", "doubted"),
    [("counter", False, {CHANGED, REPEATED, REPEATED + 1, SKIPPED}), ("unique", True, {CHANGED, REPEATED})],
)
def test_a_part_id_that_is_wrong_makes_what_is_in_flight_undecided_and_is_told_with_both_ids(
    tmp_path: Path, law: str, doubted: set[int], *, polls: bool
) -> None:
    plant = small_plant(
        tmp_path,
        parts=PARTS,
        pitch_ms=PITCH_MS,
        **{
            "[twin]": f"[twin]\ndefect_rate = 0.6\nfaults = {json.dumps(FAULTS)}",
            "[station]": f'[station]\npart_ids = "{law}"',
        },
    )
    if polls:
        polled(plant)
    with Bench(plant) as bench:
        bench.start("twin")
        wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
        bench.start("line")
        bench.line_ready()
        assert bench.end("twin") == 0
        report = json.loads((plant.run_dir / "twin_report.json").read_text())
        wait_for("the book", lambda: len(inspections(plant.journal)) == PARTS)
        assert bench.stop("line") == 0
    book = inspections(plant.journal)
    assert (report["wrong_ejections"], report["missed_ejections"]) == (0, 0)
    assert told_apart(report["rows"], book)[1] == [], "nothing passes without a PASS"
    assert wrong_parts(report["rows"], book) == []
    rules = {number: book[number].verdict.decision.rule for number in doubted}
    assert all(by_law(book[number]) for number in doubted), rules
    assert "law.resync" in rules.values(), rules
    assert all(row["ejected"] for row in report["rows"] if row["part_seq"] in doubted)
    assert book[REPEATED].part.serial in {"P0000007", ""}  # none: nobody saw it counted
    near = {number + step for number in doubted for step in (0, 1)}
    others = [one for number, one in book.items() if number not in near]
    assert sum(not by_law(one) for one in others) >= len(others) // 2, "it recovers at once"
    assert any(one.verdict.outcome is Outcome.PASS for one in others)
    alarms = [one for one in entries(plant.journal) if isinstance(one, AlarmEvent) and one.code == PART_ID_ALARM]
    assert [one.action for one in alarms] == ["raised", "cleared"]
    assert "part id of part 5 changed from 'P0000005' to 'X0000005'" in alarms[0].text
