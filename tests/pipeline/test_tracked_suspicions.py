"""Ways by which a bad part could reach the good lane in silence, or a sound belt be stopped: none of them is open."""

import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.verdict import Outcome
from inspector.pipeline.balance import CONFIRM_ALARM, Balance, Lane
from inspector.pipeline.field import MISSED_ALARM, Axis
from inspector.pipeline.tracked import TrackedGate
from inspector.pipeline.tracking import Left, Rest
from inspector.ports.field_io import FieldInputs, Output
from inspector.ports.gate import PassRefusedError
from tests.pipeline.test_tracked import FAR, WAY, Belt, started, verdict

PUSHER = replace(WAY, rest=Rest.PASS)


def codes(belt: Belt) -> list[str]:
    return [trouble.code for trouble in belt.field.troubles()]


def test_under_time_a_part_may_come_as_early_as_its_trigger_may_have_been() -> None:
    """The module was looked at each 40 ms, and the ejector moves only 10 ms before a part is there."""
    way = replace(PUSHER, axis=Axis.TIME, speed_mm_s=1000.0, distance_mm=600.0)
    belt = Belt(way)
    for _ in range(40):
        belt.at(0.0, at=belt.inputs.at + 0.04)
    looked = belt.inputs.at
    belt.trigger(0.0, 1, at=looked + 0.04)  # it came right after the look before
    belt.field.settle(1, Outcome.FAIL)
    out = {after: belt.at(0.0, at=looked + after) for after in (0.585, 0.595, 0.60, 0.62, 0.64, 0.66)}
    assert out == {0.585: False, 0.595: True, 0.60: True, 0.62: True, 0.64: True, 0.66: False}


def test_under_time_a_pass_counts_until_the_earliest_moment_of_its_part() -> None:
    way = replace(WAY, axis=Axis.TIME, speed_mm_s=1000.0, distance_mm=600.0)
    belt = Belt(way)
    for _ in range(40):
        belt.at(0.0, at=belt.inputs.at + 0.04)
    looked = belt.inputs.at
    belt.trigger(0.0, 1, at=looked + 0.04)
    assert belt.field.settle(1, Outcome.PASS) is None
    assert [belt.at(0.0, at=looked + after) for after in (0.585, 0.595, 0.62, 0.64, 0.66)] == [
        True,
        False,
        False,
        False,
        True,
    ]


class Script:
    """A module that answers by the clock. ``fail``, ``slow_s``: of the next write."""

    device = "module"

    def __init__(self) -> None:
        self.mm = 0.0
        self.seq, self.latched = 0, 0
        self.fail = False
        self.slow_s = 0.0
        self.written: list[Mapping[Output, bool]] = []

    def read(self) -> FieldInputs:
        return FieldInputs(
            at=time.monotonic(), trigger_seq=self.seq, trigger_encoder=self.latched, encoder=int(self.mm * 10)
        )

    def write(self, outputs: Mapping[Output, bool], *, re_arm: bool = False) -> None:
        assert not re_arm
        if self.slow_s:
            time.sleep(self.slow_s)
            self.slow_s = 0.0
        if self.fail:
            self.fail = False
            raise DeviceError(self.device, "no answer")
        self.written.append(outputs)


class Cycles:
    """A gate whose cycles are made one by one, as its thread makes them."""

    def __init__(self) -> None:
        self.module = Script()
        self.gate = TrackedGate(self.module, PUSHER, station="left", period_s=0.005)
        for mm in (0.0, 50.0, 100.0, 150.0, 200.0):
            self.at(mm)

    def at(self, mm: float, seq: int | None = None) -> None:
        self.module.mm = mm
        if seq is not None:
            self.module.seq, self.module.latched = seq, int(mm * 10)
        try:
            self.gate._cycle()
        except DeviceError as error:
            self.gate._lost(error)

    def missed(self) -> list[str]:
        return [text for code, text in self.gate.occurrences() if code == MISSED_ALARM]


@pytest.mark.parametrize(("written_s", "told"), [(0.001, []), (0.008, [MISSED_ALARM])])
def test_an_output_counts_from_the_moment_at_which_it_was_written(written_s: float, told: list[str]) -> None:
    """The belt passes the ejector between two looks, 10 ms apart, and the order was given at the first of them."""
    belt = started(PUSHER)
    belt.trigger(210.0)
    belt.field.settle(1, Outcome.FAIL)
    belt.at(301.0)
    belt.field.written(belt.inputs.at + written_s)
    belt.field.troubles()
    belt.at(316.0)
    assert codes(belt) == told


@pytest.mark.parametrize("trouble", ["fail", "slow"])
def test_an_output_whose_write_was_not_answered_or_too_late_is_not_what_a_part_went_by(trouble: str) -> None:
    """The ejector was to move for a bad part, and perhaps did not: its watchdog has not tripped either."""
    cycles = Cycles()
    cycles.at(210.0, seq=1)
    cycles.gate.expect(PartId(part_seq=1), deadline=FAR)
    cycles.gate.signal(PartId(part_seq=1), verdict(Outcome.FAIL), deadline=FAR)
    cycles.module.fail = trouble == "fail"
    cycles.module.slow_s = 0.06 if trouble == "slow" else 0.0
    cycles.at(302.0)
    cycles.at(325.0)
    assert [text.partition(" may not")[0] for text in cycles.missed()] == ["part 1 (FAIL)"]


def test_an_encoder_that_began_anew_while_the_module_was_silent_is_no_belt_that_ran_back() -> None:
    belt = started(PUSHER)
    belt.trigger(210.0)
    belt.field.settle(1, Outcome.FAIL)
    belt.field.silent("no answer")
    assert belt.at(0.0)
    assert {"encoder.jump", "belt.lost_places"} <= set(codes(belt))
    assert [belt.at(mm) for mm in (50.0, 100.0, 109.0, 112.0)] == [True, True, True, False]


@pytest.mark.parametrize("mm", [330.0, 0.0])
def test_a_module_that_was_switched_off_has_moved_no_ejector_meanwhile(mm: float) -> None:
    """It comes back with its counters at 0 (its encoder's too, perhaps), and its watchdog has not tripped."""
    belt = started(PUSHER)
    belt.trigger(210.0, 7)
    belt.field.settle(7, Outcome.FAIL)
    belt.field.silent("no answer")
    belt.field.troubles()
    belt.at(mm, trigger_seq=0, trigger_encoder=0)
    told = [one.text for one in belt.field.troubles() if one.code == MISSED_ALARM]
    assert len(told) == 1
    assert ("part 7 (FAIL)" in told[0]) or ("1 parts were on the belt" in told[0])


def test_a_module_that_was_switched_off_and_whose_flap_rests_in_eject_has_let_nothing_pass() -> None:
    belt = started()
    belt.trigger(210.0, 7)
    belt.field.settle(7, Outcome.FAIL)
    belt.field.silent("no answer")
    belt.at(330.0, trigger_seq=0, trigger_encoder=0)
    assert MISSED_ALARM not in codes(belt)


@pytest.mark.parametrize("seen", ["good", "reject"])
def test_a_flap_that_the_watchdog_dropped_may_have_ejected_what_had_passed_and_the_belt_runs_on(seen: str) -> None:
    """Part 1 went by before or after the outputs were dropped; part 2 behind it was ejected, as it had to be."""
    belt = started()
    belt.trigger(210.0)
    belt.trigger(235.0, 2)
    assert belt.field.settle(1, Outcome.PASS) is None
    belt.field.settle(2, Outcome.FAIL)
    assert belt.at(295.0)
    assert not belt.at(305.0)
    belt.field.troubles()
    good = int(seen == "good")
    belt.at(
        346.0, tripped=True, good_count=good, reject_count=1 - good
    )  # this PC stood still: the watchdog has tripped
    assert codes(belt) == ["io.watchdog"]
    belt.at(348.0, tripped=False, reject_count=2 - good)
    assert codes(belt) == []
    gone = {one.left.part_seq: (one.seen, one.confirmed) for one in belt.field.departures()}
    assert gone == {1: (Lane(seen), seen == "good"), 2: (Lane.REJECT, True)}


def test_sensors_of_two_lanes_may_stand_at_different_distances() -> None:
    """The reject bin's is nearer: the second part is seen there before the first one is seen on the good lane."""
    balance = Balance(reach=100.0, lanes=frozenset(Lane))
    balance.counted(Lane.GOOD, 0, blind=False)
    balance.counted(Lane.REJECT, 0, blind=False)
    balance.left(Left(part_seq=1, ejected=False, outcome=Outcome.PASS, due=0.0))
    balance.left(Left(part_seq=2, ejected=True, outcome=Outcome.FAIL, due=50.0))
    balance.counted(Lane.REJECT, 1, blind=False)
    balance.counted(Lane.GOOD, 1, blind=False)
    assert balance.troubles() == []
    assert {one.left.part_seq: (one.seen, one.confirmed) for one in balance.departures()} == {
        1: (Lane.GOOD, True),
        2: (Lane.REJECT, True),
    }


def test_a_stuck_ejector_is_told_also_where_good_parts_are_close_behind() -> None:
    balance = Balance(reach=100.0, lanes=frozenset(Lane))
    for lane in Lane:
        balance.counted(lane, 0, blind=False)
    balance.left(Left(part_seq=1, ejected=True, outcome=Outcome.FAIL, due=0.0))
    balance.left(Left(part_seq=2, ejected=False, outcome=Outcome.PASS, due=50.0))
    balance.counted(Lane.GOOD, 1, blind=False)  # part 1
    balance.counted(Lane.GOOD, 2, blind=False)  # part 2
    assert [one.code for one in balance.troubles()] == [CONFIRM_ALARM]


def test_the_pass_of_a_part_of_the_old_count_is_not_the_new_ones_of_the_same_number() -> None:
    cycles = Cycles()
    cycles.at(210.0, seq=1)
    assert cycles.gate.wait(0.0) is not None
    old = PartId(part_seq=1, series=1)
    cycles.gate.expect(old, deadline=FAR)
    cycles.at(220.0, seq=0)  # the module was switched off and on
    cycles.at(250.0, seq=1)
    with pytest.raises(PassRefusedError) as refused:
        cycles.gate.signal(old, verdict(Outcome.PASS), deadline=FAR)
    assert refused.value.rule == "law.belt"
    event = cycles.gate.wait(0.0)
    assert event is not None
    assert event.restarted
    with pytest.raises(PassRefusedError):
        cycles.gate.signal(old, verdict(Outcome.PASS), deadline=FAR)
    cycles.gate.expect(PartId(part_seq=1, series=2), deadline=FAR)
    with pytest.raises(PassRefusedError):
        cycles.gate.signal(old, verdict(Outcome.PASS), deadline=FAR)
    cycles.gate.signal(PartId(part_seq=1, series=2), verdict(Outcome.PASS), deadline=FAR)


def test_an_encoder_that_stands_while_the_drive_runs_is_dead_and_nothing_passes() -> None:
    belt = started(PUSHER)
    belt.trigger(210.0, belt_at_speed=True)
    assert belt.field.settle(1, Outcome.PASS) is None
    belt.field.troubles()
    out = [belt.at(211.0, at=belt.inputs.at + 0.1, belt_at_speed=True) for _ in range(5)]
    assert out[-1], "no pulse while the belt stands; but it does not stand"
    assert "encoder.dead" in codes(belt)
    belt.at(211.0, belt_at_speed=False)
    assert belt.at(212.0, belt_at_speed=True), "what came meanwhile is still ejected"
    assert [belt.at(mm, belt_at_speed=True) for mm in (280.0, 325.0)] == [True, False]


def test_an_encoder_that_stands_with_the_drive_is_a_belt_that_stands() -> None:
    belt = started(PUSHER)
    belt.trigger(210.0, belt_at_speed=True)
    assert [belt.at(211.0, at=belt.inputs.at + 0.1, belt_at_speed=False) for _ in range(5)] == [False] * 5
    belt.at(211.0, belt_at_speed=True)  # it starts: the contact is read before the encoder has moved
    belt.at(211.0, belt_at_speed=True)
    belt.at(212.0, belt_at_speed=True)
    assert codes(belt) == []
