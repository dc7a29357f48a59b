"""0.5 lies between sound and defective parts, and stays where it was where too few parts tell."""

import numpy as np
from numpy.typing import NDArray

from tools.limits import Limit, limits


def _limit(good: list[float], bad: list[float]) -> Limit:
    values: NDArray[np.float64] = np.array([*good, *bad])[:, None]
    is_good = np.array([True] * len(good) + [False] * len(bad))
    (limit,) = limits(values, is_good, ~is_good[:, None], ("crack",))
    return limit


def test_the_limit_lies_midway_where_many_defective_parts_stand_far_above() -> None:
    limit = _limit([-4.0] * 20, [6.0] * 20)
    assert (limit.goods, limit.bads) == (20, 20)
    assert -4.0 < limit.sound < -1.0
    assert limit.defect == 6.0
    assert limit.logit == (limit.sound + 6.0) / 2


def test_where_they_are_near_or_few_the_limit_is_what_sound_parts_reach() -> None:
    for bad in ([0.0] * 20, [6.0] * 5):
        limit = _limit([-4.0] * 20, bad)
        assert limit.logit == limit.sound


def test_a_class_that_no_part_shows_is_limited_by_the_sound_ones() -> None:
    limit = _limit([-3.0] * 12, [])
    assert limit.logit == limit.sound
    assert np.isnan(limit.defect)


def test_with_a_handful_of_sound_parts_nothing_is_moved() -> None:
    assert _limit([-3.0] * 9, [4.0] * 30).logit == 0.0
    assert _limit([], [4.0, 5.0]).logit == 0.0


def test_a_wider_spread_of_sound_parts_lifts_the_limit() -> None:
    rng = np.random.default_rng(1)
    narrow, wide = (_limit((rng.normal(-5.0, sd, 40)).tolist(), []) for sd in (0.5, 3.0))
    assert narrow.logit < wide.logit
