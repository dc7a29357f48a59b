"""Shifts on the days on which clocks change, and around midnight."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain.shifts import ShiftPlan, Span, hours

THREE = {"early": time(6), "late": time(14), "night": time(22)}
BERLIN = ShiftPlan.of("Europe/Berlin", THREE)


def long(span: Span) -> float:
    return (span.end_utc - span.start_utc) / timedelta(hours=1)


def test_a_day_of_a_clock_change_has_23_or_25_hours() -> None:
    assert long(BERLIN.day(date(2026, 3, 29))) == 23
    assert long(BERLIN.day(date(2026, 10, 25))) == 25
    assert long(BERLIN.day(date(2026, 11, 24))) == 24


@pytest.mark.parametrize(("day", "night_h"), [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 11, 24), 8)])
def test_the_shift_that_holds_the_change_is_an_hour_shorter_or_longer(day: date, night_h: int) -> None:
    early, late, night = BERLIN.of_day(day)
    assert [long(one.span) for one in (early, late, night)] == [8, 8, night_h]
    assert night.span.end_utc == BERLIN.of_day(day + timedelta(days=1))[0].span.start_utc


@pytest.mark.parametrize("start", [time(2), time(2, 30), time(2, 59, 59, 5), time(3)])
def test_a_shift_whose_hour_the_clocks_jump_over_begins_as_they_jump(start: time) -> None:
    plan = ShiftPlan.of("Europe/Berlin", {"early": start, "late": time(14)})
    early, _ = plan.of_day(date(2026, 3, 29))
    assert early.span.start_utc == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert plan.at(early.span.start_utc) == early
    assert plan.of_day(date(2026, 3, 28))[-1].span.end_utc == early.span.start_utc


def test_shifts_that_begin_within_the_jump_stay_in_order() -> None:
    plan = ShiftPlan.of("Europe/Berlin", {"one": time(2, 30), "two": time(3), "three": time(14)})
    one, two, _ = plan.of_day(date(2026, 3, 29))
    assert (long(one.span), long(two.span)) == (0, 11)
    assert plan.at(datetime(2026, 3, 29, 1, 15, tzinfo=UTC)) == two


def test_a_part_after_midnight_belongs_to_the_shift_of_the_evening() -> None:
    shift = BERLIN.at(datetime(2026, 11, 24, 1, 30, tzinfo=UTC))
    assert (shift.name, shift.day) == ("night", date(2026, 11, 23))


def test_without_shifts_a_day_is_one() -> None:
    shift = ShiftPlan.of("Asia/Shanghai", {}).at(datetime(2026, 11, 24, 16, 0, tzinfo=UTC))
    assert (shift.name, shift.day, long(shift.span)) == ("", date(2026, 11, 25), 24)
    assert len(hours(shift.span)) == 24


@given(
    st.integers(min_value=1_577_836_800, max_value=1_893_456_000).map(
        lambda second: datetime.fromtimestamp(second, UTC)
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_every_moment_has_one_shift_and_shifts_leave_no_gap(moment: datetime, zone: str) -> None:
    plan = ShiftPlan.of(zone, THREE)
    shift = plan.at(moment)
    assert moment in shift.span
    latest = plan.latest(moment, 4)
    assert latest[-1] == shift
    assert all(before.span.end_utc == after.span.start_utc for before, after in pairwise(latest))
