"""Where the parts are, without a clock."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from inspector.twin.belt import COUNTER, Encoder, Motion, counts_between, parts


def first(count: int, *, seed: int = 3, jitter_mm: float = 20.0, pool: int = 7) -> list[object]:
    return list(islice(parts(seed=seed, spacing_mm=100.0, jitter_mm=jitter_mm, pool=pool), count))


def test_the_same_seed_gives_the_same_parts() -> None:
    assert first(50) == first(50)
    assert first(50) != first(50, seed=4)


def test_every_scene_comes_once_a_lap() -> None:
    scenes = [part.scene for part in islice(parts(seed=1, spacing_mm=100.0, jitter_mm=0.0, pool=7), 21)]
    assert [sorted(scenes[lap : lap + 7]) for lap in (0, 7, 14)] == [list(range(7))] * 3


@given(st.integers(0, 2**32), st.floats(0, 49.9))
def test_parts_keep_their_order_and_their_place(seed: int, jitter: float) -> None:
    positions = [part.position_mm for part in islice(parts(seed=seed, spacing_mm=100.0, jitter_mm=jitter, pool=3), 30)]
    assert positions == sorted(positions)
    assert all(abs(position - 100.0 * (n + 1)) <= jitter + 1e-6 for n, position in enumerate(positions))


def test_a_belt_that_stood_still_goes_on_from_its_place() -> None:
    belt = Motion(speed_mm_s=500.0, anchor_at=10.0)
    assert belt.position(99.0) == 0.0
    assert belt.when(1.0) is None
    belt = belt.started(20.0)
    assert belt.position(21.0) == 500.0
    assert belt.when(750.0) == 21.5
    belt = belt.stopped(21.0).started(31.0)
    assert belt.position(30.0) == 500.0
    assert belt.when(750.0) == 31.5


def test_the_encoder_wraps_and_distances_do_not() -> None:
    encoder = Encoder(counts_per_mm=10.0, start=COUNTER - 100)
    assert encoder.counts(0.0) == COUNTER - 100
    assert encoder.counts(15.0) == 50
    assert counts_between(encoder.counts(15.0), encoder.counts(5.0)) == 100
    assert counts_between(encoder.counts(5.0), encoder.counts(15.0)) == -100


def test_speed_may_change_and_the_belt_may_run_back() -> None:
    belt = Motion(speed_mm_s=500.0, anchor_at=10.0).started(10.0).at_speed(250.0, 11.0)
    assert belt.position(13.0) == 1000.0
    assert belt.when(1250.0) == 14.0
    back = belt.at_speed(-100.0, 13.0)
    assert back.position(14.0) == 900.0
    assert back.when(950.0) is None
    assert back.at_speed(500.0, 14.0).when(1400.0) == 15.0
