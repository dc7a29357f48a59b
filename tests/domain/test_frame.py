"""Part numbers are 32 bit, go round, and never are 0."""

from hypothesis import given
from hypothesis import strategies as st

from inspector.domain.frame import SEQ_MODULUS, seq_after, seq_distance

LAST = SEQ_MODULUS - 1
numbers = st.integers(1, LAST) | st.sampled_from([1, 2, LAST - 1, LAST])
steps = st.integers(-(2**31 - 2), 2**31 - 2) | st.integers(-3, 3)


@given(numbers, steps)
def test_going_and_measuring_agree_across_the_wrap(number: int, step: int) -> None:
    there = seq_after(number, step)
    assert 1 <= there <= LAST
    assert seq_distance(there, number) == step
    assert seq_distance(number, there) == -step


@given(numbers, st.integers(0, 2**32), st.integers(0, 2**32))
def test_two_walks_are_one_long_walk(number: int, first: int, second: int) -> None:
    assert seq_after(seq_after(number, first), second) == seq_after(number, first + second)


def test_the_number_after_the_last_is_1() -> None:
    assert seq_after(LAST) == 1
    assert seq_after(1, -1) == LAST
    assert seq_distance(1, LAST) == 1
    assert seq_distance(LAST, 1) == -1
