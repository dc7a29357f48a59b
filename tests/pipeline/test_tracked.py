"""The line as its own gate: counted at the module, cancelled by a PASS, told on lamps, safe when the module is not."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.pipeline.balance import CONFIRM_ALARM, Lane
from inspector.pipeline.beside import PlcAndField
from inspector.pipeline.field import MISSED_ALARM, Axis, Field, Way
from inspector.pipeline.tracked import TrackedGate
from inspector.pipeline.tracking import Rest
from inspector.ports.field_io import FieldInputs, Output
from inspector.ports.gate import Fetched, LineState, PassRefusedError
from tests.fakes import FakeFetchedGate, FakeGate, wait_until

WAY = Way(axis=Axis.ENCODER, distance_mm=100.0, before_mm=10.0, after_mm=10.0, confirm_mm=20.0, counts_per_mm=10.0)
READY = LineState.ONLINE | LineState.READY | LineState.RUN_PERMIT
FAR = 1e12


def verdict(outcome: Outcome) -> Verdict:
    return Verdict(outcome=outcome, reason="", decision=Decision(rule="r", measured=0, limit=0, unit=""))


class Belt:
    """A module that shows a belt: give it a position, it gives the outputs."""

    device = "module"

    def __init__(self, way: Way = WAY, **first: object) -> None:
        self.field = Field(way)
        self.inputs = FieldInputs(
            **{"at": 1.0, "trigger_seq": 0, "encoder": 0, "good_count": 0, "reject_count": 0, **first}
        )
        self.out: Mapping[Output, bool] = {}

    def at(self, mm: float, **changed: object) -> bool:
        """The belt is here now, 10 ms later; whether the ejector ejects."""
        now = {"at": self.inputs.at + 0.01, "encoder": int(mm * 10) % (1 << 32), **changed}
        self.inputs = replace(self.inputs, **now)
        self.out = self.field.take(self.inputs)
        return self.out[Output.EJECTOR]

    def trigger(self, mm: float, number: int = 1, **changed: object) -> bool:
        return self.at(mm, trigger_seq=number, trigger_encoder=int(mm * 10) % (1 << 32), **changed)


def started(way: Way = WAY) -> Belt:
    """The belt has run the whole way once."""
    belt = Belt(way)
    for mm in (0.0, 50.0, 100.0, 150.0, 200.0):
        belt.at(mm)
    return belt


def test_a_trigger_is_reported_and_its_part_ejected_unless_a_pass_came() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0)
    belt.trigger(250.0, 2)
    assert [(event.part_seq, event.encoder) for event in belt.field.events] == [(1, 2100), (2, 2500)]
    assert belt.field.settle(2, Outcome.PASS) is None
    assert [belt.at(mm) for mm in (290.0, 310.0, 330.0, 350.0, 370.0)] == [False, True, False, False, False]


def test_fail_and_undecided_lie_apart() -> None:
    belt = started()
    belt.trigger(210.0)
    belt.trigger(240.0, 2)
    belt.field.settle(1, Outcome.FAIL)
    belt.field.settle(2, Outcome.UNDECIDED)
    belt.at(310.0)
    assert not belt.out[Output.UNDECIDED_BIN]
    belt.at(340.0)
    assert belt.out[Output.UNDECIDED_BIN]


def test_after_the_start_everything_is_ejected_once_along_the_way() -> None:
    belt = Belt(replace(WAY, rest=Rest.PASS))
    assert [belt.at(mm) for mm in (0.0, 50.0, 109.0, 112.0)] == [True, True, True, False]


def test_a_number_that_was_jumped_over_ejects_where_its_part_may_lie() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0)
    belt.trigger(290.0, 3)
    belt.field.settle(1, Outcome.PASS)
    belt.field.settle(3, Outcome.PASS)
    assert [event.part_seq for event in belt.field.events] == [1, 3]
    assert [belt.at(mm) for mm in (310.0, 325.0, 375.0, 390.0)] == [False, True, True, False]


def test_a_counter_that_begins_anew_says_so_and_everything_in_flight_is_ejected() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0, 7)
    belt.field.settle(7, Outcome.PASS)
    belt.at(220.0, trigger_seq=0)
    belt.trigger(230.0, 1)
    assert [(event.part_seq, event.restarted) for event in belt.field.events] == [(7, False), (1, True)]
    assert belt.at(310.0)


def test_the_watchdog_of_the_module_condemns_what_is_in_flight() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0)
    belt.field.settle(1, Outcome.PASS)
    belt.at(220.0, tripped=True)
    belt.at(221.0, tripped=True)
    assert belt.at(310.0, tripped=False)
    assert belt.field.settle(1, Outcome.PASS) is not None
    (trouble,) = belt.field.troubles()
    assert (trouble.code, "1 parts in flight" in trouble.text) == ("io.watchdog", True)


def test_an_encoder_that_jumps_is_told_and_nothing_passes_until_the_way_was_run_again() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0)
    belt.field.settle(1, Outcome.PASS)
    assert belt.at(5000.0)
    assert {trouble.code for trouble in belt.field.troubles()} == {"belt.lost_places", "encoder.jump"}
    assert [belt.at(mm) for mm in (5050.0, 5109.0, 5111.0)] == [True, True, False]


@pytest.mark.parametrize("rest", list(Rest))
def test_under_time_a_belt_that_is_not_at_its_speed_loses_every_part(rest: Rest) -> None:
    way = replace(WAY, axis=Axis.TIME, speed_mm_s=1000.0, rest=rest)  # 0.1 s from light gate to ejector
    belt = Belt(way, belt_at_speed=True)
    belt.at(0.0)
    for _ in range(20):
        belt.at(0.0)
    belt.trigger(0.0)
    assert belt.field.settle(1, Outcome.PASS) is None
    belt.at(0.0, belt_at_speed=False)
    assert belt.field.settle(1, Outcome.PASS) is not None
    assert [belt.at(0.0) for _ in range(30)] == [True] * 30
    assert [belt.at(0.0, belt_at_speed=True) for _ in range(11)] == [True] * 11
    belt.at(0.0)
    assert belt.at(0.0) is (rest is Rest.EJECT)
    assert any(trouble.code == "belt.lost_places" for trouble in belt.field.troubles())


def test_while_the_belt_is_not_at_its_speed_no_sensor_is_waited_for() -> None:
    way = replace(WAY, axis=Axis.TIME, speed_mm_s=1000.0)
    belt = Belt(way, belt_at_speed=True)
    for _ in range(30):
        belt.at(0.0)
    belt.at(0.0, belt_at_speed=False)
    belt.at(0.0, trigger_seq=1)
    for _ in range(60):  # 0.6 s: the part has been past the ejector and past its sensor for long
        belt.at(0.0)
    belt.at(0.0, reject_count=1)
    assert [trouble.code for trouble in belt.field.troubles() if trouble.code == "ejector.confirm"] == []


def test_lamps_horn_and_permit_follow_the_state() -> None:
    belt = started()
    belt.field.announce(READY)
    belt.at(201.0)
    lit = {output for output, on in belt.out.items() if on}
    assert lit == {Output.EJECTOR, Output.RUN_PERMIT, Output.GREEN, Output.STROBE, Output.UNDECIDED_BIN}
    belt.field.announce(LineState.ONLINE | LineState.READY | LineState.DEGRADED)
    belt.at(202.0)
    lit = {output for output, on in belt.out.items() if on}
    assert lit >= {Output.STOP_REQUEST, Output.AMBER, Output.RED, Output.HORN}
    assert Output.RUN_PERMIT not in lit
    for _ in range(600):
        belt.at(203.0)
    assert not belt.out[Output.HORN]


class Module:
    """A module in this process, driven by the test."""

    device = "module"

    def __init__(self) -> None:
        self.inputs = FieldInputs(at=0.0, trigger_seq=5, encoder=0, trigger_encoder=0, good_count=0, reject_count=0)
        self.written: Mapping[Output, bool] = {}
        self.broken = False
        self.bug = False

    def read(self) -> FieldInputs:
        if self.bug:
            raise ZeroDivisionError
        if self.broken:
            raise DeviceError("module", "no answer")
        return replace(self.inputs, at=time.monotonic())

    def write(self, outputs: Mapping[Output, bool], *, re_arm: bool = False) -> None:
        self.written = outputs

    def move(self, mm: float, **changed: object) -> None:
        self.inputs = replace(self.inputs, encoder=int(mm * 10), **changed)


@contextmanager
def gate() -> Iterator[tuple[TrackedGate, Module]]:
    module = Module()
    with TrackedGate(module, WAY, station="left", period_s=0.001) as opened:
        assert wait_until(lambda: opened.link().alive)
        for mm in (50.0, 100.0, 150.0, 200.0):
            module.move(mm)
            assert wait_until(lambda at=mm: opened._field._position == at * 10)
        yield opened, module


def test_the_module_counts_and_a_pass_goes_through_to_the_disposal() -> None:
    with gate() as (opened, module):
        assert opened.position(5.0).part_seq == 5
        module.move(210.0, trigger_seq=6, trigger_encoder=2100)
        event = opened.wait(5.0)
        assert event is not None
        part = PartId(part_seq=event.part_seq, series=3, serial="A7")
        opened.expect(part, deadline=FAR)
        opened.signal(part, verdict(Outcome.PASS), deadline=FAR)
        assert [one.told for one in opened.confirmations(5.0)] == [GateTold.ACKNOWLEDGED]
        module.move(310.0)
        assert wait_until(lambda: module.written.get(Output.EJECTOR) is False)
        module.move(325.0)
        assert wait_until(lambda: opened.balance()["entries"] == 1)
        module.move(326.0, good_count=1)
        assert wait_until(lambda: opened.balance()["good"] == 1)
        (gone,) = opened.disposals()
        assert (gone.part, gone.station, gone.commanded) == (part, "left", "pass")
        assert (gone.confirmed, gone.bin) == (True, "good")
    assert module.written == {}  # all off at the end


def test_a_pass_that_is_late_or_condemned_is_refused_by_its_law() -> None:
    with gate() as (opened, module):
        opened.position(5.0)
        module.move(210.0, trigger_seq=6, trigger_encoder=2100)
        assert opened.wait(5.0) is not None
        with pytest.raises(PassRefusedError) as said:
            opened.signal(PartId(part_seq=6), verdict(Outcome.PASS), deadline=0.0)
        assert said.value.rule == "law.late"
        module.move(211.0, tripped=True)
        assert wait_until(lambda: opened._field._tracker is not None and opened._field._tracker.why(6) != "")
        with pytest.raises(PassRefusedError, match="watchdog") as said:
            opened.signal(PartId(part_seq=6), verdict(Outcome.PASS), deadline=FAR)
        assert said.value.rule == "law.belt"


def test_a_module_that_does_not_answer_is_told_and_takes_no_verdict() -> None:
    with gate() as (opened, module):
        module.broken = True
        assert wait_until(lambda: not opened.link().alive)
        assert opened.link().reason == "module: no answer"
        with pytest.raises(DeviceError, match="no answer"):
            opened.signal(PartId(part_seq=6), verdict(Outcome.PASS), deadline=FAR)
        with pytest.raises(DeviceError, match="no answer"):
            opened.wait(0.01)
        module.broken = False
        assert wait_until(lambda: opened.link().alive)


def test_a_thread_that_ended_by_a_bug_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with gate() as (opened, module):
        module.bug = True
        assert wait_until(lambda: not opened.link().thread_alive)


def test_the_acknowledge_button_is_given_once_for_each_press() -> None:
    with gate() as (opened, module):
        module.move(201.0, acknowledge=True)
        assert wait_until(lambda: opened.plc_word().clear_error)
        assert not opened.plc_word().clear_error
        module.move(202.0, acknowledge=False, bin_full=True, air_low=True)
        assert wait_until(lambda: opened.plc_word().bin_full)
        assert "air.low" in opened.conditions()


def test_beside_a_plc_results_are_fetched_where_the_plc_fetches_them() -> None:
    with TrackedGate(Module(), replace(WAY, fires=False), station="left", period_s=0.001) as field:
        for plc, fetches in ((FakeGate(), False), (FakeFetchedGate(), True)):
            both = PlcAndField(plc, field)
            assert isinstance(both, Fetched)
            assert both.fetched() is fetches


def test_beside_a_plc_the_module_shows_lamps_and_closes_the_balance_and_fires_nothing() -> None:
    plc, module = FakeGate(), Module()
    with TrackedGate(module, replace(WAY, fires=False), station="left", period_s=0.001) as field:
        both = PlcAndField(plc, field)
        both.announce(READY)
        assert wait_until(lambda: module.written.get(Output.GREEN) is True)
        assert plc.states == [READY]
        for mm in (50.0, 100.0, 150.0, 200.0):
            module.move(mm)
            assert wait_until(lambda at=mm: field._field._position == at * 10)
        for number, outcome in ((6, Outcome.PASS), (7, Outcome.FAIL)):
            part = PartId(part_seq=number, serial=f"P{number}")
            both.expect(part, deadline=FAR)
            both.signal(part, verdict(outcome), deadline=FAR)
            module.move(200.0 + 40.0 * (number - 5))
            assert wait_until(lambda at=number: field._field._position == (200.0 + 40.0 * (at - 5)) * 10)
        assert plc.told == [(6, Outcome.PASS), (7, Outcome.FAIL)]
        module.move(301.0, good_count=1)
        assert wait_until(lambda: both.balance()["good"] == 1)
        module.move(341.0, reject_count=1)
        assert wait_until(lambda: both.balance()["rejected"] == 1)
        gone = both.disposals()
        assert [(one.part.serial, one.commanded, one.confirmed, one.bin) for one in gone] == [
            ("P6", "pass", True, "good"),
            ("P7", "reject", True, "reject"),
        ]
        module.move(345.0, reject_count=2)  # what the PLC rejected by default
        assert wait_until(lambda: both.balance()["flushed"] == 1)
        assert both.occurrences() == ()
        assert module.written[Output.EJECTOR] is False
        module.broken = True
        assert wait_until(lambda: "io.lost" in both.conditions())
        assert both.link().alive


def test_a_part_that_should_have_been_ejected_and_was_not_is_told_and_not_confirmed() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0)
    belt.field.settle(1, Outcome.FAIL)
    belt.at(280.0)
    belt.field.troubles()
    belt.at(330.0)  # this PC slept from before the ejector to behind it
    (trouble,) = belt.field.troubles()
    assert (trouble.code, "part 1 (FAIL) may not have been ejected" in trouble.text) == (MISSED_ALARM, True)
    belt.at(335.0, good_count=1)
    (gone,) = belt.field.departures()
    assert (gone.left.ejected, gone.seen, gone.confirmed) == (False, Lane.GOOD, False)


@pytest.mark.parametrize(("jump", "first"), [(330.0, "io.watchdog"), (430.0, "encoder.jump")])
def test_what_went_by_while_the_outputs_were_dropped_is_named_by_what_was_said_of_it(jump: float, first: str) -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    for number, mm in ((1, 210.0), (2, 225.0), (3, 240.0), (4, 260.0)):
        belt.trigger(mm, number)
    belt.field.settle(1, Outcome.FAIL)
    assert belt.field.settle(2, Outcome.PASS) is None
    belt.field.settle(4, Outcome.FAIL)
    belt.at(280.0)
    belt.field.troubles()
    belt.at(jump, tripped=True)  # longer than the module's watchdog: its ejector stood still
    troubles = {one.code: one.text for one in belt.field.troubles()}
    assert first in troubles
    went_by = "part 1 (FAIL)" + ("" if jump < 340 else ", part 3 (not passed), part 4 (FAIL)")
    assert troubles[MISSED_ALARM].startswith(f"{went_by} may not have been ejected")
    if first == "io.watchdog":
        belt.at(332.0, tripped=False, good_count=2)
        gone = belt.field.departures()
        assert [(one.left.part_seq, one.seen, one.confirmed) for one in gone] == [
            (1, Lane.GOOD, False),
            (2, Lane.GOOD, True),
        ]
        assert belt.at(345.0), "what had not come there yet is ejected"


def test_a_part_that_was_pushed_off_before_the_outputs_dropped_is_confirmed_by_the_lane_it_is_seen_in() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0)
    belt.field.settle(1, Outcome.FAIL)
    assert belt.at(305.0)
    belt.at(330.0, tripped=True)
    belt.field.troubles()
    belt.at(332.0, tripped=False, reject_count=1)
    assert belt.field.troubles() == []
    (gone,) = belt.field.departures()
    assert (gone.seen, gone.confirmed) == (Lane.REJECT, True)


def test_under_time_what_was_on_the_belt_as_the_module_fell_silent_may_lie_in_the_good_lane() -> None:
    way = replace(WAY, axis=Axis.TIME, speed_mm_s=500.0, distance_mm=50.0, rest=Rest.PASS)
    for tripped in (True, False):
        belt = Belt(way)
        for _ in range(40):
            belt.at(0.0, at=belt.inputs.at + 0.05)
        belt.trigger(0.0, 1)
        belt.field.settle(1, Outcome.FAIL)
        belt.field.silent("no answer")
        belt.field.troubles()
        belt.at(0.0, at=belt.inputs.at + 0.3, tripped=tripped)
        told = [one.text for one in belt.field.troubles() if one.code == MISSED_ALARM]
        assert [text.startswith("1 parts were on the belt as the remote I/O fell silent") for text in told] == (
            [True] if tripped else []
        )


def test_under_time_a_part_that_was_triggered_while_the_module_was_silent_is_not_waited_for_at_a_moment() -> None:
    """It comes to the reject sensor before its trigger's latest moment would have it there."""
    way = replace(WAY, axis=Axis.TIME, speed_mm_s=500.0, distance_mm=50.0)
    belt = Belt(way)
    for _ in range(40):
        belt.at(0.0, at=belt.inputs.at + 0.05)
    silent_from = belt.inputs.at
    belt.field.silent("no answer")
    belt.trigger(0.0, 1, at=silent_from + 0.3, asked_at=silent_from + 0.3)
    refused = belt.field.settle(1, Outcome.PASS)
    assert refused is not None
    assert "not known to 0.30 s" in refused[1]
    now = silent_from + 0.35
    assert belt.at(0.0, at=now, asked_at=now, reject_count=1), "everything is ejected"
    belt.trigger(0.0, 2, at=silent_from + 0.36, asked_at=silent_from + 0.36)
    for _ in range(100):
        belt.at(0.0, at=belt.inputs.at + 0.01, asked_at=belt.inputs.at + 0.01)
    assert [one.code for one in belt.field.troubles() if one.code == CONFIRM_ALARM] == [CONFIRM_ALARM], "only part 2"
    gone = {one.left.part_seq: one.confirmed for one in belt.field.departures()}
    assert gone == {1: None, 2: False}


def test_a_part_without_a_known_place_that_comes_to_the_good_lane_is_a_surprise() -> None:
    way = replace(WAY, axis=Axis.TIME, speed_mm_s=500.0, distance_mm=50.0)
    for wired in ({"good_count": 0, "reject_count": 0}, {"good_count": 0, "reject_count": None}):
        belt = Belt(way, **wired)
        for _ in range(40):
            belt.at(0.0, at=belt.inputs.at + 0.05)
        now = belt.inputs.at + 0.3
        belt.field.silent("no answer")
        belt.trigger(0.0, 1, at=now, asked_at=now)
        belt.field.troubles()
        belt.at(0.0, at=now + 0.05, asked_at=now + 0.05, good_count=1)
        assert [one.code for one in belt.field.troubles()] == [CONFIRM_ALARM]


def test_an_output_that_was_never_written_is_not_what_a_part_went_by() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0)
    belt.field.settle(1, Outcome.FAIL)
    belt.at(299.0)
    assert belt.at(301.0)
    belt.field.unwritten()  # this PC stood still between deciding and writing
    belt.field.troubles()
    belt.at(325.0)
    assert [one.code for one in belt.field.troubles()] == [MISSED_ALARM]


def test_a_trigger_that_came_while_this_pc_slept_within_a_reading_has_no_sure_place_under_time() -> None:
    """The module answered at 2.38 and was heard at 2.50: what came between is in the next answer only."""
    way = replace(WAY, axis=Axis.TIME, speed_mm_s=500.0, distance_mm=50.0, rest=Rest.PASS)
    belt = Belt(way)
    for _ in range(40):
        belt.at(0.0, at=belt.inputs.at + 0.05)
    asked = belt.inputs.at
    belt.at(0.0, at=asked + 0.12, asked_at=asked)
    heard = belt.inputs.at
    belt.trigger(0.0, 1, at=heard, asked_at=heard)
    (event,) = belt.field.events
    assert event.since == pytest.approx(asked)
    assert [belt.at(0.0, at=heard + after) for after in (0.02, 0.05, 0.07)] == [True, True, True], (
        "it may be anywhere here"
    )


def test_after_the_module_began_to_count_anew_a_part_that_nobody_counted_is_a_surprise_again() -> None:
    belt = started()
    belt.trigger(210.0, 7)
    belt.trigger(215.0, 1)  # the module was switched off and on
    belt.at(300.0)
    belt.at(320.0, reject_count=2)  # both
    belt.at(400.0)
    belt.at(500.0)
    belt.field.troubles()
    belt.at(510.0, reject_count=3)
    assert not belt.field.flushing
    assert [trouble.code for trouble in belt.field.troubles()] == [CONFIRM_ALARM]


def test_under_time_a_sensor_is_not_missed_because_this_pc_slept_within_a_reading() -> None:
    """Asked while the part was before the sensor, heard when it was long behind it: the counter could not show it."""
    way = replace(WAY, axis=Axis.TIME, speed_mm_s=500.0, distance_mm=50.0, rest=Rest.PASS)
    belt = Belt(way)
    for _ in range(40):
        belt.at(0.0, at=belt.inputs.at + 0.05)
    triggered = belt.inputs.at + 0.01
    belt.trigger(0.0, 1)
    assert belt.field.settle(1, Outcome.PASS) is None
    belt.at(0.0, at=triggered + 0.105, asked_at=triggered + 0.103)
    belt.field.troubles()
    belt.at(0.0, at=triggered + 0.25, asked_at=triggered + 0.11)
    assert belt.field.troubles() == []
    belt.at(0.0, at=triggered + 0.252, asked_at=triggered + 0.251, good_count=1)
    assert [one.confirmed for one in belt.field.departures()] == [True]


def test_a_pass_that_was_condemned_as_it_went_by_is_no_part_that_was_missed() -> None:
    belt = started()
    belt.trigger(210.0)
    assert belt.field.settle(1, Outcome.PASS) is None
    belt.at(305.0)
    belt.field.troubles()
    belt.at(312.0, tripped=True)  # the watchdog is seen to have dropped the outputs after the part went by
    assert [trouble.code for trouble in belt.field.troubles()] == ["io.watchdog"]


def test_where_the_ejector_rests_on_pass_a_part_that_went_by_while_the_watchdog_had_dropped_it_was_missed() -> None:
    belt = started(replace(WAY, rest=Rest.PASS))
    belt.trigger(210.0)
    belt.field.settle(1, Outcome.FAIL)
    assert belt.at(305.0)
    belt.field.troubles()
    belt.at(312.0, tripped=True)
    assert [trouble.code for trouble in belt.field.troubles()] == ["io.watchdog", MISSED_ALARM]
    belt.at(325.0, tripped=False, good_count=1)
    (gone,) = belt.field.departures()
    assert (gone.left.ejected, gone.seen, gone.confirmed) == (False, Lane.GOOD, False)
