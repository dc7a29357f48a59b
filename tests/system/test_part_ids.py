"""The PLC's part ids are cross-checked: an id that cannot be the part's own lets nothing in flight pass."""

import json
from pathlib import Path

import pytest

from inspector.domain.inspection import AlarmEvent
from inspector.domain.verdict import Outcome
from inspector.pipeline.part_ids import PART_ID_ALARM
from tests.system.bench import Bench, polled, small_plant, wait_for
from tests.system.judge import by_law, entries, inspections, told_apart, wrong_parts

PARTS = 40
REPEATED, CHANGED, SKIPPED = 6, 12, 18
FAULTS = [
    f"plc-id-repeated@{REPEATED}",
    f"plc-id-changed@{CHANGED}:20",
    f"frame-late@{CHANGED}:120",  # it is judged long after its id has changed
    f"plc-id-skipped@{SKIPPED}",
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("law", "polls", "doubted"),
    [
        ("unique", False, {REPEATED, CHANGED}),
        ("counter", False, {REPEATED, REPEATED + 1, CHANGED, SKIPPED}),
        ("unique", True, {REPEATED, CHANGED}),
    ],
)
def test_a_part_id_that_is_wrong_makes_what_is_in_flight_undecided_and_is_told_with_both_ids(
    tmp_path: Path, law: str, doubted: set[int], *, polls: bool
) -> None:
    plant = small_plant(
        tmp_path,
        parts=PARTS,
        pitch_ms=300.0,
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
    assert told_apart(report["rows"], book) == ([], [])
    assert wrong_parts(report["rows"], book) == []
    assert all(book[number].verdict.decision.rule == "law.resync" for number in doubted)
    assert all(row["ejected"] for row in report["rows"] if row["part_seq"] in doubted)
    assert book[REPEATED].verdict.reason.startswith("resync: part id 'P0000005' came twice in a row, for parts 5 and 6")
    assert book[CHANGED].verdict.reason.startswith("resync: the part id changed")
    near = {number + step for number in doubted for step in (0, 1)}
    assert not [number for number, one in book.items() if by_law(one) and number not in near], "it recovers at once"
    assert sum(one.verdict.outcome is Outcome.PASS for one in book.values()) >= 4
    alarms = [one for one in entries(plant.journal) if isinstance(one, AlarmEvent) and one.code == PART_ID_ALARM]
    assert alarms[0].action == "raised"
    assert "'P0000005' came twice in a row, for parts 5 and 6" in alarms[0].text
    assert [one.action for one in alarms] == ["raised", "cleared"]
