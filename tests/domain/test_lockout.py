"""Wrong secrets lock out a name at one place, a place that guesses through names, and a name guessed at from many."""

from datetime import UTC, datetime, timedelta

import pytest

from inspector.domain.lockout import (
    FAILURES_WITHIN,
    MOST_FAILURES,
    MOST_OF_ADDRESS,
    MOST_OF_NAME,
    Lock,
    Scope,
    Try,
    locked_until,
    locks,
    place_of,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PANEL, ELSEWHERE = "127.0.0.1", "192.0.2.7"


def tries(*who: tuple[str, str]) -> list[Try]:
    """One a second, the last one now."""
    return [
        Try(name=name, place=place, at=NOW - timedelta(seconds=len(who) - number))
        for number, (name, place) in enumerate(who, start=1)
    ]


def test_five_lock_the_name_where_they_were_made_and_nowhere_else() -> None:
    made = tries(*[("mara", ELSEWHERE)] * MOST_FAILURES)
    assert locks(made, name="mara", place=ELSEWHERE, now=NOW) == (Lock(scope=Scope.PAIR, until=NOW + FAILURES_WITHIN),)
    assert locks(made, name="mara", place=PANEL, now=NOW) == ()
    assert locks(made, name="otto", place=ELSEWHERE, now=NOW) == ()


def test_who_guesses_through_the_names_is_locked_out_for_every_name() -> None:
    made = tries(*[(f"name-{number}", ELSEWHERE) for number in range(MOST_OF_ADDRESS)])
    (lock,) = locks(made, name="mara", place=ELSEWHERE, now=NOW)
    assert lock.scope is Scope.ADDRESS
    assert locks(made[1:], name="mara", place=ELSEWHERE, now=NOW) == ()
    assert locks(made, name="mara", place=PANEL, now=NOW) == ()


def test_guesses_from_many_places_lock_the_name_at_last() -> None:
    made = tries(*[("mara", f"192.0.2.{number}") for number in range(MOST_OF_NAME)])
    (lock,) = locks(made, name="mara", place=PANEL, now=NOW)
    assert lock.scope is Scope.NAME
    assert locks(made[1:], name="mara", place=PANEL, now=NOW) == ()


def test_one_place_alone_never_comes_so_far() -> None:
    assert MOST_FAILURES < MOST_OF_ADDRESS < MOST_OF_NAME


def test_a_lock_out_ends_a_quarter_of_an_hour_after_its_last_try_and_all_are_forgiven() -> None:
    moments = [NOW - timedelta(minutes=14 - number) for number in range(MOST_FAILURES)]
    until = moments[-1] + FAILURES_WITHIN
    assert locked_until(moments, MOST_FAILURES, NOW) == until
    assert locked_until(moments, MOST_FAILURES, until - timedelta(microseconds=1)) == until
    assert locked_until(moments, MOST_FAILURES, until) is None
    assert locked_until([*moments, until], MOST_FAILURES, until) is None, "the next try does not lock again"


def test_tries_that_lie_too_far_apart_lock_nothing() -> None:
    spread = [NOW - timedelta(minutes=4 * number) for number in range(MOST_FAILURES)][::-1]
    assert locked_until(spread, MOST_FAILURES, NOW) is None


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.8.9.1", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_what_a_host_may_choose_among_is_one_place(address: str, place: str) -> None:
    assert place_of(address) == place
