"""Between the threads: bounded, in order, nothing lost, nothing allocated."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.pipeline.handoff import Handoff
from inspector.pipeline.pool import FramePool


@given(st.integers(1, 4), st.lists(st.booleans(), max_size=40))
def test_a_handoff_keeps_order_and_says_when_it_is_full(depth: int, puts: list[bool]) -> None:
    handoff: Handoff[int] = Handoff(depth)
    inside: list[int] = []
    for number, put in enumerate(puts):
        if put:
            assert handoff.put(number) is (len(inside) < depth)
            inside = [*inside, number][:depth]
        else:
            assert handoff.get(0.0) == (inside.pop(0) if inside else None)
        assert len(handoff) == len(inside)


def test_a_full_handoff_has_room_once_one_was_taken() -> None:
    handoff: Handoff[int] = Handoff(1)
    handoff.put(1)
    assert not handoff.wait_for_room(0.0)
    taker = threading.Thread(target=handoff.get, args=(5.0,))
    taker.start()
    assert handoff.wait_for_room(5.0)
    taker.join()
    assert handoff.put(2)


def test_a_handoff_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Handoff(0)


def test_a_pool_lends_what_it_has_and_then_none() -> None:
    pool = FramePool(count=2, shape=(4, 6), dtype=np.dtype(np.uint8))
    one, other = pool.lend(), pool.lend()
    assert one is not None
    assert other is not None
    assert one.buffer is not other.buffer
    assert pool.lend() is None
    one.release()
    one.release()
    assert pool.free == 1
    again = pool.lend()
    assert again is not None
    assert again.buffer is one.buffer
    assert pool.lend() is None
