"""The ejector moves for the part it was told of, wherever the belt goes; a fault never lets a part pass."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain.verdict import Outcome
from inspector.pipeline.tracking import COUNTER, Motion, Odometer, Passage, Refusal, Rest, Tracker

DISTANCE, HALF = 1000.0, 40.0


def passage(rest: Rest = Rest.EJECT) -> Passage:
    return Passage(distance=DISTANCE, before=HALF, after=HALF, rest=rest, remember=500.0)


def running(rest: Rest = Rest.EJECT) -> Tracker:
    """A tracker that was started long ago."""
    return Tracker(passage(rest), start=-10_000.0)


@pytest.mark.parametrize("rest", list(Rest))
def test_the_reject_of_every_part_is_scheduled_at_its_trigger_and_a_pass_cancels_it(rest: Rest) -> None:
    tracker = running(rest)
    tracker.expect(1, 0.0)
    tracker.expect(2, 200.0)
    assert tracker.settle(1, Outcome.PASS, 500.0) is None
    assert tracker.look(900.0) is Motion(rest.value)
    assert [tracker.look(at) for at in (961.0, 1000.0, 1039.0)] == [Motion.PASS] * 3
    assert tracker.look(1100.0) is Motion(rest.value)
    assert [tracker.look(at) for at in (1161.0, 1200.0, 1239.0)] == [Motion.EJECT] * 3
    assert tracker.look(1300.0) is Motion(rest.value)
    assert [(left.part_seq, left.ejected, left.outcome) for left in tracker.left()] == [
        (1, False, Outcome.PASS),
        (2, True, None),
    ]


def test_a_pass_that_comes_once_the_window_has_begun_is_late() -> None:
    tracker = running()
    tracker.expect(1, 0.0)
    assert tracker.settle(1, Outcome.PASS, 960.0) is Refusal.LATE
    assert tracker.look(1000.0) is Motion.EJECT
    assert tracker.settle(7, Outcome.PASS, 0.0) is Refusal.LATE


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNDECIDED])
def test_only_a_pass_passes_and_the_other_verdicts_are_known_at_the_ejector(outcome: Outcome) -> None:
    tracker = running(Rest.PASS)
    tracker.expect(1, 0.0)
    assert tracker.settle(1, outcome, 10.0) is None
    assert tracker.look(1000.0) is Motion.EJECT
    tracker.look(1100.0)
    (left,) = tracker.left()
    assert (left.outcome, left.ejected, left.as_told) == (outcome, True, True)


@pytest.mark.parametrize("rest", list(Rest))
def test_after_a_start_everything_between_trigger_and_ejector_is_ejected(rest: Rest) -> None:
    tracker = Tracker(passage(rest), start=5000.0)
    tracker.expect(9, 4990.0)  # triggered as we began to look
    assert tracker.settle(9, Outcome.PASS, 5001.0) is Refusal.CONDEMNED
    assert "started" in tracker.why(9)
    assert {tracker.look(at) for at in (5000.0, 5400.0, 5999.0, 6039.0)} == {Motion.EJECT}
    assert tracker.look(6100.0) is Motion(rest.value)


@pytest.mark.parametrize("rest", list(Rest))
def test_no_pulse_while_the_belt_stands_and_it_comes_once_the_belt_goes_on(rest: Rest) -> None:
    tracker = running(rest)
    tracker.expect(1, 0.0)
    if rest is Rest.EJECT:
        tracker.settle(1, Outcome.PASS, 1.0)
    moved = Motion.PASS if rest is Rest.EJECT else Motion.EJECT
    assert tracker.look(990.0) is moved
    assert tracker.look(990.0, standing=True) is Motion(rest.value)
    assert tracker.look(991.0) is moved


def test_a_belt_that_runs_back_takes_the_pulse_with_it() -> None:
    tracker = running(Rest.PASS)
    tracker.expect(1, 0.0)
    tracker.expect(2, 300.0)
    tracker.settle(2, Outcome.PASS, 10.0)
    assert tracker.look(1000.0) is Motion.EJECT
    assert tracker.look(1100.0) is Motion.PASS
    assert tracker.look(1000.0) is Motion.EJECT  # back under the ejector
    assert tracker.look(900.0) is Motion.PASS
    assert tracker.look(1000.0) is Motion.EJECT
    assert tracker.look(1300.0) is Motion.PASS
    tracker.look(1400.0)
    assert [left.part_seq for left in tracker.left()] == [1, 2]


def test_a_reject_beside_a_pass_in_one_window_ejects_both() -> None:
    tracker = running()
    tracker.expect(1, 0.0)
    tracker.expect(2, 50.0)
    tracker.settle(1, Outcome.PASS, 1.0)
    assert tracker.look(1005.0) is Motion.PASS
    assert tracker.look(1020.0) is Motion.EJECT


@pytest.mark.parametrize("rest", list(Rest))
def test_what_is_condemned_is_ejected_whatever_was_said_of_it(rest: Rest) -> None:
    tracker = running(rest)
    tracker.expect(1, 0.0)
    tracker.expect(2, 200.0)
    tracker.settle(1, Outcome.PASS, 1.0)
    assert tracker.condemn("the module dropped its outputs") == 2
    assert tracker.settle(2, Outcome.PASS, 2.0) is Refusal.CONDEMNED
    assert tracker.look(1000.0) is Motion.EJECT
    assert tracker.look(1200.0) is Motion.EJECT
    tracker.look(1300.0)
    assert [left.why for left in tracker.left()] == ["the module dropped its outputs"] * 2


def test_where_places_are_lost_everything_is_ejected_until_the_way_was_run_once_more() -> None:
    tracker = running(Rest.PASS)
    tracker.expect(1, 0.0)
    tracker.settle(1, Outcome.PASS, 1.0)
    tracker.expect(9, 200.0)
    assert tracker.lose_places(500.0, "the belt stopped") == 2
    assert [tracker.settle(9, outcome, 501.0) for outcome in (Outcome.PASS, Outcome.FAIL)] == [Refusal.CONDEMNED] * 2
    assert tracker.why(9) == "the belt stopped"
    assert [(left.part_seq, left.ejected, left.outcome) for left in tracker.left()] == [
        (1, True, None),
        (9, True, None),
    ]
    assert tracker.look(2000.0) is Motion.EJECT
    tracker.found_again(3000.0)
    tracker.expect(2, 2999.0)
    assert tracker.settle(2, Outcome.PASS, 3000.0) is Refusal.CONDEMNED
    tracker.expect(3, 3090.0)
    assert tracker.settle(3, Outcome.PASS, 3100.0) is None
    assert tracker.look(4030.0) is Motion.EJECT
    assert tracker.look(4090.0) is Motion.PASS


def test_what_was_triggered_unseen_is_ejected_where_it_may_lie() -> None:
    tracker = running(Rest.PASS)
    tracker.unseen(100.0, 500.0, "missed")
    assert [tracker.look(at) for at in (1100.0, 1200.0, 1400.0, 1500.0)] == [
        Motion.PASS,
        Motion.EJECT,
        Motion.EJECT,
        Motion.PASS,
    ]


def test_a_window_that_nobody_looked_into_is_told_as_it_was() -> None:
    """The thread stood still while the part went by: what the output was before is what the ejector did."""
    tracker = running(Rest.EJECT)
    tracker.expect(1, 0.0)
    tracker.settle(1, Outcome.PASS, 1.0)
    tracker.look(900.0)
    tracker.look(1200.0)
    (left,) = tracker.left()
    assert (left.ejected, left.as_told) == (True, False)


@given(st.integers(0, COUNTER - 1), st.lists(st.integers(-5000, 5000), max_size=60))
def test_the_odometer_never_wraps(first: int, steps: list[int]) -> None:
    odometer, position = Odometer(), first
    assert odometer.read(first % COUNTER) == first
    for step in steps:
        position += step
        assert odometer.read(position % COUNTER) == position
        assert odometer.place((position - 700) % COUNTER) == position - 700


@dataclass
class Belt:
    """Parts at their places, a belt that goes as it likes, a line that answers when it likes."""

    rest: Rest
    first: int
    places: list[int]
    answers: list[tuple[Outcome | None, int]]
    passed: dict[int, bool] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    condemned: set[int] = field(default_factory=set)

    def run(self, strides: list[int], restart_at: int | None, condemn_at: int | None) -> None:
        odometer = Odometer()
        tracker = Tracker(passage(self.rest), start=odometer.read(self.first % COUNTER))
        known, at = 0, self.first
        strides = [*strides, *[9] * (int(self.places[-1] + 2 * DISTANCE - self.first) // 9 + 300)]
        for turn, stride in enumerate(strides, start=1):
            before, at = at, at + stride
            odometer.read(at % COUNTER)
            if turn == restart_at:
                tracker = Tracker(passage(self.rest), start=odometer.position)
                self.condemned |= set(range(known)) - set(self.passed)
            while known < len(self.places) and self.places[known] <= at:
                tracker.expect(known, odometer.place(self.places[known] % COUNTER))
                known += 1
            if turn == condemn_at:
                tracker.condemn("a test")
                self.condemned |= set(range(known)) - set(self.passed)
            for number in range(known):
                outcome, after = self.answers[number]
                if outcome is not None and number not in self.accepted and at >= self.places[number] + after:
                    asked = tracker.settle(number, outcome, odometer.position)
                    if asked is None and outcome is Outcome.PASS:
                        self.accepted.add(number)
            motion = tracker.look(odometer.position, standing=stride == 0)
            for number in range(known):
                due = self.places[number] + DISTANCE
                if number not in self.passed and before < due <= at:
                    self.passed[number] = motion is Motion.PASS


strides = st.lists(
    st.integers(1, 12) | st.sampled_from([0, 0, 0]) | st.integers(-8, -1),
    max_size=250,
)
gaps = st.lists(st.integers(100, 900), min_size=1, max_size=12)
answers = st.tuples(
    st.sampled_from([Outcome.PASS, Outcome.PASS, Outcome.PASS, Outcome.FAIL, Outcome.UNDECIDED, None]),
    st.integers(0, 1300),
)


@given(
    st.sampled_from(list(Rest)),
    st.sampled_from([0, COUNTER - 1500, COUNTER // 2 - 700]),
    gaps,
    st.lists(answers, min_size=12, max_size=12),
    strides,
    st.none() | st.integers(1, 400),
    st.none() | st.integers(1, 400),
)
@settings(max_examples=200, deadline=None)
def test_a_part_passes_if_and_only_if_its_own_pass_came_in_time(
    rest: Rest,
    first: int,
    gaps: list[int],
    answers: list[tuple[Outcome | None, int]],
    strides: list[int],
    restart_at: int | None,
    condemn_at: int | None,
) -> None:
    """Any speed, stops, running back, the counter's wrap, a restart, a condemnation: at every part's own moment."""
    place, places = first + 60, []
    for gap in gaps:
        places.append(place)
        place += gap
    assert all(later - earlier > 2 * HALF for earlier, later in pairwise(places))
    belt = Belt(rest=rest, first=first, places=places, answers=answers)
    belt.run(strides, restart_at, condemn_at)
    assert set(belt.passed) == set(range(len(places)))
    for number, passed in belt.passed.items():
        if number in belt.condemned:
            assert not passed
        else:
            assert passed == (number in belt.accepted)
            assert not passed or belt.answers[number][0] is Outcome.PASS
