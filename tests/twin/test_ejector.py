"""The ejector knows the truth, and the report can say that gate or verdict was wrong."""

import pytest

from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.verdict import Outcome
from inspector.twin.ejector import Ejector, PartOnBelt, true_outcome
from inspector.twin.plc import crc16
from inspector.twin.report import Comparison, PartRow, Tally, TwinReport, compare
from inspector.twin.scenes import TrueDefect
from inspector.twin.shift_register import Code, Decision
from inspector.twin.witness import Witness

CRACKS_FAIL = Recipe(
    name="cracks", model="m", classes={"crack": ClassRule(any_fails=True, min_length_mm=2.0)}, other=ClassRule()
)


def defect(label: str, length_px: float) -> TrueDefect:
    return TrueDefect(
        label=label, x=10, y=10, width=length_px, height=5, length_px=length_px, width_px=3, area_px=50, contrast=-20
    )


def telegram(part_seq: int, code: int, state: int = 67) -> tuple[int, ...]:
    head = (1, 5, state, part_seq >> 16, part_seq & 0xFFFF, code, 0)
    return (*head, crc16(head))


@pytest.mark.parametrize(
    ("defects", "outcome"),
    [
        ([], Outcome.PASS),
        ([defect("stain", 500.0)], Outcome.PASS),
        ([defect("crack", 39.0)], Outcome.PASS),
        ([defect("crack", 41.0)], Outcome.FAIL),
    ],
)
def test_the_truth_is_the_recipe_on_what_was_painted(defects: list[TrueDefect], outcome: Outcome) -> None:
    assert true_outcome(CRACKS_FAIL, defects, px_per_mm=20.0) is outcome


def report_of(*, said: int | None, ejected: bool, truth: Outcome, at: int = 50) -> tuple[TwinReport, PartRow]:
    witness = Witness(first_trigger=1, decide_after=100)
    tally = Tally(rows_kept=10)
    ejector = Ejector(witness, tally, distance_mm=10.0)
    part_seq = witness.gate_edge(0)
    tally.enter()
    tally.trigger(part_seq)
    part = PartOnBelt(position_mm=0.0, index=0, seed=9, truth=truth)
    ejector.expect(part)
    ejector.count(part_seq, part)
    if said is not None:
        witness.telegram(telegram(part_seq, said), at)
    assert list(ejector.arrived(10.0, lambda _: 0.0)) == []
    ejector.decided(Decision(part_seq=part_seq, eject=ejected, code=Code.NONE))
    ((_, row),) = ejector.arrived(10.0, lambda _: 0.0)
    return tally.report(refused={}, finished=True), row


@pytest.mark.parametrize(
    ("said", "ejected", "truth", "wrong"),
    [
        (1, False, Outcome.PASS, set()),
        (2, True, Outcome.FAIL, set()),
        (3, True, Outcome.FAIL, set()),
        (None, True, Outcome.PASS, set()),
        (1, True, Outcome.PASS, {"wrong_ejections"}),
        (2, False, Outcome.FAIL, {"missed_ejections"}),
        (3, False, Outcome.PASS, {"missed_ejections"}),
        (None, False, Outcome.PASS, {"missed_ejections"}),
        (1, False, Outcome.FAIL, {"escapes"}),
        (2, True, Outcome.PASS, {"false_rejects"}),
        (2, True, Outcome.UNDECIDED, {"false_rejects"}),
        (2, False, Outcome.PASS, {"missed_ejections", "false_rejects"}),
    ],
)
def test_each_kind_of_wrong_is_counted_as_what_it_is(
    said: int | None, ejected: bool, truth: Outcome, wrong: set[str]
) -> None:
    report, row = report_of(said=said, ejected=ejected, truth=truth)
    figures = ("wrong_ejections", "missed_ejections", "escapes", "false_rejects")
    assert {figure for figure in figures if getattr(report, figure)} == wrong
    assert report.undecided == (said in {3, None})
    assert ("the gate was WRONG" in row.reason) == bool({"wrong_ejections", "missed_ejections"} & wrong)
    assert report.passed + report.ejected + report.removed + report.on_belt == report.parts


def on_belt(position_mm: float, **more: object) -> PartOnBelt:
    return PartOnBelt(**{"position_mm": position_mm, "index": 0, "seed": 0, "truth": Outcome.PASS, **more})


def test_a_part_that_was_never_counted_is_ejected() -> None:
    tally = Tally(rows_kept=10)
    ejector = Ejector(Witness(first_trigger=1, decide_after=100), tally, distance_mm=100.0)
    ejector.expect(on_belt(0.0))
    ((_, row),) = ejector.arrived(100.0, lambda _: 0.0)
    assert (row.part_seq, row.numbers, row.ejected) == (0, (), True)
    assert tally.missed_ejections == 0


def test_a_part_with_two_numbers_passes_only_if_both_were_ok() -> None:
    witness, tally = Witness(first_trigger=1, decide_after=100), Tally(rows_kept=10)
    ejector = Ejector(witness, tally, distance_mm=100.0)
    part = on_belt(0.0)
    ejector.expect(part)
    for edge in (0, 3):
        ejector.count(witness.gate_edge(edge), part)
    witness.telegram(telegram(1, 1), 50)
    ejector.decided(Decision(part_seq=1, eject=False, code=Code.OK))
    assert list(ejector.arrived(100.0, lambda _: 0.0)) == []
    ejector.decided(Decision(part_seq=2, eject=True, code=Code.NONE))
    ((_, row),) = ejector.arrived(100.0, lambda _: 0.0)
    assert (row.numbers, row.ejected, row.code) == ((1, 2), True, Code.NONE)
    assert (tally.wrong_ejections, tally.missed_ejections) == (0, 0)


def test_a_removed_part_is_neither_passed_nor_ejected_and_a_stuck_ejector_is_not_the_gates_fault() -> None:
    witness, tally = Witness(first_trigger=1, decide_after=100), Tally(rows_kept=10)
    ejector = Ejector(witness, tally, distance_mm=100.0)
    tally.enter()
    tally.enter()
    ejector.expect(on_belt(0.0, removed=True))
    ejector.expect(on_belt(1.0, stuck=True))
    assert list(ejector.arrived(50.0, lambda _: 0.0)) == []
    assert tally.removed == 1
    ((_, row),) = ejector.arrived(101.0, lambda _: 0.0)
    assert not row.ejected
    report = tally.report(refused={}, finished=True)
    assert (report.stuck, report.missed_ejections, report.passed, report.on_belt) == (1, 0, 1, 0)


def test_where_the_line_moves_the_ejector_its_output_at_that_moment_counts_and_the_book_judges() -> None:
    witness, tally = Witness(first_trigger=1, decide_after=100), Tally(rows_kept=10)
    ejector = Ejector(witness, tally, distance_mm=100.0, ejecting_at=lambda moment: moment > 5.0)
    for position in (0.0, 10.0):
        part = on_belt(position)
        ejector.expect(part)
        ejector.count(witness.gate_edge(0), part)
    rows = [row for _, row in ejector.arrived(200.0, lambda at_mm: 1.0 if at_mm < 105.0 else 9.0)]
    assert [row.ejected for row in rows] == [False, True]
    assert compare(rows, {1}) == Comparison(wrong=(), missed=())
    assert compare(rows, {2}) == Comparison(wrong=(2,), missed=((1, 0),))


def test_a_telegram_past_the_decision_point_is_not_in_time() -> None:
    report, row = report_of(said=1, ejected=True, truth=Outcome.PASS, at=100)
    assert not row.in_time
    assert report.wrong_ejections == 0


def test_the_witness_holds_the_first_valid_result_even_if_a_second_came_in_the_same_scan() -> None:
    witness = Witness(first_trigger=1, decide_after=100)
    assert [witness.gate_edge(0), witness.gate_edge(1)] == [1, 2]
    damaged = telegram(1, 2)
    witness.telegram((*damaged[:7], damaged[7] ^ 1), 10)
    witness.telegram(telegram(1, 1), 11)
    witness.telegram(telegram(2, 1, state=67 | 8), 12)
    witness.telegram(telegram(1, 2), 13)
    assert [witness.settle(1), witness.settle(2)] == [Code.OK, Code.NOT_DECIDABLE]


def test_the_report_keeps_the_newest_rows_and_every_count() -> None:
    tally = Tally(rows_kept=2)
    for part_seq in (1, 2, 3):
        tally.enter()
        tally.trigger(part_seq)
        row = PartRow(part_seq=part_seq, frame_no=part_seq, seed=0, truth=Outcome.PASS, code=Code.OK, ejected=False)
        tally.settle(row)
    report = tally.report(refused={}, finished=False)
    assert [row.part_seq for row in report.rows] == [2, 3]
    assert report.passed == 3
