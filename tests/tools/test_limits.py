"""0.5 lies between sound and defective parts, and says so where it does not."""

import numpy as np

from tools.limits import limits


def _logits(good: list[float], bad: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.array([*good, *bad])[:, None]
    is_good = np.array([True] * len(good) + [False] * len(bad))
    return values, is_good, ~is_good[:, None]


def test_the_limit_lies_midway_where_sound_and_defective_parts_are_apart() -> None:
    logits, good, holds = _logits([-4.0] * 10, [4.0] * 10)
    (limit,) = limits(logits, good, holds, ("crack",))
    assert (limit.goods, limit.bads) == (10, 10)
    assert limit.logit == 0.0
    assert (limit.sound, limit.defect) == (-4.0, 4.0)


def test_where_they_overlap_the_limit_is_what_sound_parts_reach() -> None:
    logits, good, holds = _logits([-3.0, -1.0, 1.0], [-2.0, 0.0, 2.0])
    (limit,) = limits(logits, good, holds, ("crack",))
    assert limit.logit == limit.sound > 1.0


def test_a_class_that_no_part_shows_is_limited_by_the_sound_ones() -> None:
    logits, good, holds = _logits([-3.0, -3.0, -3.0], [])
    (limit,) = limits(logits, good, holds, ("crack",))
    assert limit.logit == -3.0
    assert np.isnan(limit.defect)


def test_without_sound_parts_nothing_is_moved() -> None:
    logits, good, holds = _logits([], [4.0, 5.0, 6.0])
    (limit,) = limits(logits, good, holds, ("crack",))
    assert limit.logit == 0.0
