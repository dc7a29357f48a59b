"""By a scale that is overdue, refuted or of another camera no limit in millimetres decides."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from inspector.domain.geometry import Scale
from inspector.domain.recipe import ClassRule
from inspector.domain.verdict import Outcome
from inspector.pipeline.measure_trust import MeasureTrust
from inspector.ports.gate import LineState
from tests.fakes import CRACK, RECIPE, FakeCamera, Shot, station, wait_until
from tests.pipeline.plant import Plant

TODAY = date(2026, 11, 24)
MM = replace(RECIPE, classes={"crack": ClassRule(confidence=0.5, any_fails=True, min_length_mm=50.0)})
GOOD = Scale(id="left-1", px_per_mm=20.0, due=date(2026, 12, 31), grace_days=10, serial="1", frame_px=(64, 64))


def trust(scale: Scale, today: date = TODAY) -> MeasureTrust:
    return MeasureTrust(scale, FakeCamera([]).describe(), lambda: today)


def test_a_scale_in_date_of_this_camera_is_measured_by() -> None:
    assert (trust(GOOD).void(), trust(GOOD).overdue()) == ("", "")
    assert trust(GOOD).judge(MM, [CRACK]).outcome is Outcome.PASS  # 2 mm long, 50 matter


@pytest.mark.parametrize(
    ("scale", "why"),
    [
        (replace(GOOD, serial="2"), "scale left-1 is of camera 2, this is 1"),
        (replace(GOOD, frame_px=(32, 64)), "is of frames of 32 x 64 px, these are 64 x 64 px"),
        (replace(GOOD, refuted="a recheck found it off"), "a recheck found it off"),
        (replace(GOOD, due=TODAY - timedelta(days=11)), "was due on 2026-11-13, and no longer used"),
    ],
)
def test_by_any_other_a_defect_is_undecided_and_a_clean_part_passes(scale: Scale, why: str) -> None:
    judged = trust(scale).judge(MM, [CRACK])
    assert (judged.outcome, judged.decision.rule) == (Outcome.UNDECIDED, "law.scale")
    assert why in judged.reason
    assert len(judged.defects) == 1
    assert trust(scale).judge(MM, []).outcome is Outcome.PASS
    assert trust(scale).judge(RECIPE, [CRACK]).outcome is Outcome.FAIL  # no limit of it is in mm


def test_within_its_grace_it_is_measured_by_and_said_to_be_overdue() -> None:
    late = trust(GOOD, date(2027, 1, 10))
    assert late.void() == ""
    assert late.overdue() == "scale left-1 was due on 2026-12-31, used until 2027-01-10; calibrate again"
    assert trust(GOOD, date(2027, 1, 11)).void() != ""


def degraded(plant: Plant) -> bool:
    return any(LineState.DEGRADED in state for state in plant.gate.states)


@pytest.mark.parametrize(("days", "alarms"), [(1, {"scale.due"}), (400, {"scale.due", "scale.void"}), (-1, set())])
def test_the_line_raises_its_alarm_and_lets_no_measured_part_pass(tmp_path: Path, days: int, alarms: set[str]) -> None:
    scale = replace(GOOD, due=datetime.now(UTC).date() - timedelta(days=days), grace_days=30)
    plant = Plant(tmp_path, events=[1, 2], shots=[Shot(part_seq=1, frame_no=1), Shot(part_seq=2, bad=True, frame_no=2)])
    plant.station = station(recipe=MM, scale=scale)

    def wait_for_the_watch(part: int) -> None:
        if part == 2 and alarms:
            wait_until(lambda: alarms <= plant.recorder.alarms() and degraded(plant))

    plant.trigger.before = wait_for_the_watch
    assert plant.run() == 0
    assert plant.outcomes()[1] is Outcome.PASS
    assert plant.outcomes()[2] is (Outcome.UNDECIDED if days > 30 else Outcome.PASS)
    assert plant.recorder.alarms() & {"scale.due", "scale.void"} == alarms
    assert degraded(plant) is bool(alarms)
    assert plant.records[1].scale_id == "left-1"
