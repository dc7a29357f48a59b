"""entries = good + rejected + removed: a part that is missing, or that nobody sent, is told."""

from hypothesis import given
from hypothesis import strategies as st

from inspector.domain.verdict import Outcome
from inspector.pipeline.balance import CONFIRM_ALARM, Balance, Lane
from inspector.pipeline.tracking import COUNTER, Left

BOTH = frozenset(Lane)
REACH = 100.0


def part(number: int, *, ejected: bool, due: float = 0.0) -> Left:
    return Left(part_seq=number, ejected=ejected, outcome=Outcome.FAIL if ejected else Outcome.PASS, due=due)


def counting(lanes: frozenset[Lane] = BOTH) -> Balance:
    balance = Balance(reach=REACH, lanes=lanes)
    for lane in lanes:
        balance.counted(lane, COUNTER - 1, blind=False)
    return balance


def test_parts_that_are_seen_where_they_were_sent_are_confirmed() -> None:
    balance = counting()
    balance.left(part(1, ejected=True))
    balance.counted(Lane.REJECT, 0, blind=False)  # 2**32 - 1 is followed by 0
    balance.left(part(2, ejected=False))
    balance.counted(Lane.GOOD, 0, blind=False)
    assert [(one.left.part_seq, one.confirmed, one.seen) for one in balance.departures()] == [
        (1, True, Lane.REJECT),
        (2, True, Lane.GOOD),
    ]
    assert (balance.entries, balance.good, balance.rejected, balance.removed) == (2, 1, 1, 0)
    assert not balance.troubles()


def test_a_part_that_nobody_sees_in_time_was_removed() -> None:
    balance = counting()
    balance.left(part(7, ejected=False, due=1000.0))
    balance.look(1100.0)
    assert not balance.departures()
    balance.look(1100.5)
    (gone,) = balance.departures()
    assert (gone.confirmed, gone.seen) == (False, None)
    assert [trouble.text for trouble in balance.troubles()] == ["part 7 was sent to the good lane and did not arrive"]
    assert balance.removed == 1


def test_a_reject_on_the_good_lane_is_told() -> None:
    balance = counting()
    balance.left(part(7, ejected=True))
    balance.counted(Lane.GOOD, 0, blind=False)
    (gone,) = balance.departures()
    assert (gone.confirmed, gone.seen) == (False, Lane.GOOD)
    (trouble,) = balance.troubles()
    assert (trouble.code, trouble.text) == (
        CONFIRM_ALARM,
        "part 7 was sent to the reject lane, seen on the good lane",
    )


def test_a_part_that_nobody_counted_is_told_unless_the_belt_is_being_emptied() -> None:
    balance = counting()
    balance.counted(Lane.REJECT, 0, blind=True)
    assert (balance.flushed, balance.unexpected, list(balance.troubles())) == (1, 0, [])
    balance.counted(Lane.GOOD, 0, blind=True)
    balance.counted(Lane.REJECT, 1, blind=False)
    assert balance.unexpected == 2
    assert len(balance.troubles()) == 2


def test_without_a_sensor_nothing_is_confirmed_and_nothing_is_missed() -> None:
    balance = counting(frozenset({Lane.REJECT}))
    balance.left(part(1, ejected=False))
    (gone,) = balance.departures()
    assert gone.confirmed is None
    balance.look(1e9)
    assert (balance.good, balance.removed) == (1, 0)


def test_a_counter_that_began_anew_is_no_flood_of_parts() -> None:
    balance = Balance(reach=REACH, lanes=BOTH)
    balance.counted(Lane.GOOD, 5000, blind=False)
    balance.counted(Lane.GOOD, 0, blind=False)
    assert balance.unexpected == 0


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["seen", "taken"])), max_size=40))
def test_the_balance_always_closes(parts: list[tuple[bool, str]]) -> None:
    balance = counting()
    counts = dict.fromkeys(Lane, 0)
    for number, (ejected, fate) in enumerate(parts, start=1):
        balance.left(part(number, ejected=ejected, due=number * 1000.0))
        if fate == "seen":
            lane = Lane.REJECT if ejected else Lane.GOOD
            balance.counted(lane, counts[lane], blind=False)
            counts[lane] += 1
        balance.look(number * 1000.0 + 500.0)
    assert balance.entries == balance.good + balance.rejected + balance.removed == len(parts)
    assert balance.removed == sum(fate == "taken" for _, fate in parts)
    assert [one.left.part_seq for one in balance.departures()] == list(range(1, len(parts) + 1))


def test_a_counter_that_jumps_by_millions_is_told_at_once_and_is_no_parts() -> None:
    balance = counting()
    balance.counted(Lane.GOOD, COUNTER // 4, blind=False)
    (trouble,) = balance.troubles()
    assert trouble.code == CONFIRM_ALARM
    assert "jumped" in trouble.text
    assert balance.unexpected == 0
