"""Faults are named on the command line, and committed once, where they were asked for."""

import pytest
from typer.testing import CliRunner

from inspector.app.cli import app
from inspector.twin.faults import KINDS, Fault, FaultPlan, parse


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("trigger-lost@12", Fault(kind="trigger-lost", part=12)),
        ("trigger-doubled@12:40", Fault(kind="trigger-doubled", part=12, arg=40.0)),
        ("trigger-doubled@12", Fault(kind="trigger-doubled", part=12, arg=30.0)),
        ("belt-stop@3.5s:2", Fault(kind="belt-stop", at_s=3.5, arg=2.0)),
        ("belt-stop@7:0.5", Fault(kind="belt-stop", part=7, arg=0.5)),
        ("camera-gone", Fault(kind="camera-gone", arg=1.0)),
        ("belt-speed@2s:-100", Fault(kind="belt-speed", at_s=2.0, arg=-100.0)),
    ],
)
def test_a_fault_says_what_where_and_how_much(text: str, fault: Fault) -> None:
    assert parse(text) == fault


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("trigger-lsot@12", "there is no fault 'trigger-lsot'; there are: trigger-lost, "),
        ("trigger-lost@0", "parts count from 1"),
        ("trigger-lost@3:5", "takes no number"),
        ("belt-stop@x", "is no fault; right would be KIND[@PART|@SECONDSs][:ARG]"),
        ("", "is no fault"),
    ],
)
def test_a_wrong_fault_is_answered_with_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as said:
        parse(text)
    assert told in str(said.value)


def test_each_is_committed_once_at_its_part_or_moment() -> None:
    plan = FaultPlan([parse(text) for text in ("trigger-lost@3", "part-turned@2s:90", "belt-stop@4", "air-low@1s")])
    assert plan.of_part(1, 0.5) == {}
    assert plan.of_part(2, 1.0) == {}
    assert [fault.kind for fault in plan.due(2, 1.0)] == ["air-low"]
    assert plan.of_part(3, 2.5) == {"trigger-lost": 0.0, "part-turned": 90.0}
    assert plan.of_part(3, 2.5) == {}
    assert [fault.kind for fault in plan.due(4, 3.0)] == ["belt-stop"]
    assert not plan.due(5, 9.0)


def test_the_command_line_explains_every_fault() -> None:
    told = CliRunner().invoke(app, ["twin", "--list-faults"])
    assert told.exit_code == 0
    assert all(kind in told.output and one.meaning in told.output for kind, one in KINDS.items())
