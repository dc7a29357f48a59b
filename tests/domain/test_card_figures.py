"""Counts of a card become shares with intervals; what is no count is left alone."""

import pytest

from inspector.domain.card_figures import further, proven

METRICS = {
    "data": "scenes",
    "crack_found": 21,
    "crack_painted": 21,
    "crack_recall": 1.0,
    "escapes": 0,
    "bad_parts": 45,
    "false_rejects": 2.0,
    "good_parts": 55,
    "image_auroc": 0.99,
}


def test_none_of_45_proves_less_than_none() -> None:
    (escapes, rejects), (crack,) = proven(METRICS)
    assert (escapes.name, escapes.count, escapes.of, escapes.low) == ("escapes", 0, 45, 0.0)
    assert escapes.high == pytest.approx(1 - 0.025 ** (1 / 45))
    assert (rejects.count, rejects.of) == (2, 55)
    assert rejects.low < 2 / 55 < rejects.high
    assert (crack.name, crack.high) == ("crack", 1.0)
    assert crack.low == pytest.approx(0.025 ** (1 / 21))


def test_what_is_no_count_is_no_share() -> None:
    odd = {"a_found": 3, "b_found": 4, "b_painted": 3, "c_found": "3", "c_painted": "4", "d_found": 0, "d_painted": 0}
    assert proven(odd) == ((), ())
    assert proven({"escapes": 0.5, "bad_parts": 2}) == ((), ())


def test_the_other_figures_stay_as_the_card_has_them() -> None:
    assert further(METRICS) == {"data": "scenes", "image_auroc": 0.99}
