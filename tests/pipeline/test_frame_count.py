"""A camera's frames are numbered by its own ids, over wraps, torn frames and reopenings."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.domain.frame import MOST_LOST, SHORT_IDS, ids_ahead
from inspector.pipeline.frame_count import FrameCount

LONG_IDS = 2**64 - 1
STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(1, MOST_LOST - 200), st.just(value=True)),
        st.tuples(st.integers(1, 3), st.just(value=False)),
    ),
    max_size=40,
)
"""Each frame: how many exposures after the one before, and whether it keeps its id."""


def numbers(*ids: int | None, session: int = 1) -> tuple[list[int], FrameCount]:
    count = FrameCount()
    return [count.move_on(one, session=session) for one in ids], count


def short(exposure: int) -> int:
    """The 16-bit id of an exposure, which leaves 0 out."""
    return (exposure - 1) % SHORT_IDS + 1


def counted(first: int, steps: list[tuple[int, bool]], *, wraps: bool) -> tuple[int, int]:
    """The number after these frames, and what it has to be at the last one, which keeps its id."""
    count = FrameCount()
    exposure = first
    for step, keeps in [(0, True), *steps, (1, True)]:
        exposure += step
        name = short(exposure) if wraps else exposure
        count.move_on(name if keeps else None, session=1)
    return count.number, exposure - first + 1


@given(st.integers(1, 3 * SHORT_IDS), STEPS)
@example(SHORT_IDS - 1, [(1, True), (1, False), (1, True)])
@example(SHORT_IDS, [(1, False), (1, True)])
def test_ids_of_16_bits_are_counted_over_every_wrap_loss_and_torn_frame(
    first: int, steps: list[tuple[int, bool]]
) -> None:
    number, right = counted(first, steps, wraps=True)
    assert number == right


@given(st.one_of(st.integers(SHORT_IDS - 50, SHORT_IDS + 50), st.integers(1, LONG_IDS - 10**6)), STEPS)
@example(SHORT_IDS - 1, [(1, True), (1, False), (1, True)])
@example(SHORT_IDS, [(1, False), (1, True)])
@example(SHORT_IDS, [(1, False), (1, False), (1000, True)])
def test_ids_of_64_bits_do_not_wrap_where_those_of_16_do(first: int, steps: list[tuple[int, bool]]) -> None:
    number, right = counted(first, steps, wraps=False)
    assert number == right


@given(st.integers(1, LONG_IDS), st.integers(1, LONG_IDS))
def test_a_distance_of_ids_is_none_or_leads_from_the_one_to_the_other(newer: int, older: int) -> None:
    ahead = ids_ahead(newer, older)
    if newer >= older:
        assert ahead == newer - older
    elif ahead is not None:
        assert 0 < ahead <= MOST_LOST
        assert older <= SHORT_IDS
        assert short(older + ahead) == newer


@given(st.integers(2, SHORT_IDS - MOST_LOST), st.data())
def test_long_ids_that_begin_anew_are_not_taken_for_a_wrap(older: int, data: st.DataObject) -> None:
    newer = data.draw(st.integers(1, older - 1))
    assert ids_ahead(newer, older) is None
    assert numbers(older, newer)[0] == [1, 0]


@given(st.integers(SHORT_IDS - MOST_LOST, SHORT_IDS), st.integers(1, MOST_LOST))
def test_a_camera_that_has_shown_a_long_id_never_wraps_at_16_bits(older: int, newer: int) -> None:
    assert numbers(SHORT_IDS + 1, newer, older, newer)[0][-1] == 0


@pytest.mark.parametrize("lost", [0, 1, 7, MOST_LOST - 1])
def test_what_the_camera_skipped_is_counted_also_over_the_wrap(lost: int) -> None:
    ahead, count = numbers(SHORT_IDS - 1, SHORT_IDS, 1 + lost)
    assert (ahead, count.number, count.last_id) == ([1, 1, 1 + lost], 3 + lost, 1 + lost)


def test_a_torn_frame_without_its_id_takes_the_place_after_the_one_before() -> None:
    ahead, count = numbers(SHORT_IDS, None, 2)
    assert (ahead, count.number) == ([1, 1, 1], 3)
    ahead, count = numbers(SHORT_IDS, None, SHORT_IDS + 2)
    assert (ahead, count.number) == ([1, 1, 1], 3)
    assert numbers(None, None, 9, 10)[0] == [1, 1, 1, 1]


def test_ids_that_go_back_began_anew_and_a_new_opening_may_begin_anywhere() -> None:
    ahead, count = numbers(40_000, 39_990)
    assert (ahead, count.number) == ([1, 0], 1)
    assert count.move_on(7, session=2) == 1
    assert count.number == 2
