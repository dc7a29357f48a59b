"""Ranking, calibration and intervals against published examples and plain counting."""

import numpy as np
import pytest

from tools.metrics import bootstrap, confidence, ranking

FAWCETT = "ppnpppnnpnpnpnnnpnpn"
FAWCETT_SCORES = (90, 80, 70, 60, 55, 54, 53, 52, 51, 50.5, 40, 39, 38, 37, 36, 35, 34, 33, 30, 10)


def test_auroc_and_ap_give_the_examples_of_scikit_learns_documentation() -> None:
    scores, bad = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert ranking.auroc(scores, bad) == 0.75
    assert ranking.average_precision(scores, bad) == pytest.approx(0.8333333)


def test_auroc_of_fawcetts_twenty_instances_is_the_share_of_pairs_in_order() -> None:
    scores, bad = np.array(FAWCETT_SCORES), np.array([letter == "p" for letter in FAWCETT])
    pairs = [(s > t) for s in scores[bad] for t in scores[~bad]]
    assert ranking.auroc(scores, bad) == pytest.approx(np.mean(pairs))
    assert ranking.auroc(scores, bad) == pytest.approx(0.68)


def test_ties_count_one_half_and_weights_count_as_copies() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, 40).astype(float)
    bad = rng.random(40) < 0.4
    weights = rng.integers(0, 4, 40).astype(float)
    copies = np.repeat(np.arange(40), weights.astype(int))
    pairs = [(s > t) + 0.5 * (s == t) for s in scores[bad] for t in scores[~bad]]
    assert ranking.auroc(scores, bad) == pytest.approx(np.mean(pairs))
    assert ranking.auroc(scores, bad, weights) == pytest.approx(ranking.auroc(scores[copies], bad[copies]))
    assert ranking.average_precision(scores, bad, weights) == pytest.approx(
        ranking.average_precision(scores[copies], bad[copies])
    )
    assert ranking.escapes_at(scores, bad, 0.05, weights) == pytest.approx(
        ranking.escapes_at(scores[copies], bad[copies], 0.05)
    )


def test_the_threshold_lets_as_many_goods_over_it_as_allowed_and_no_more() -> None:
    goods = np.arange(100) / 100.0
    for share, allowed in ((0.0, 0), (0.01, 1), (0.02, 2), (0.05, 5)):
        limit = ranking.threshold_for(goods, share)
        assert (goods >= limit).sum() == allowed
    tied = np.array([0.1, 0.9, 0.9, 0.9])
    assert (tied >= ranking.threshold_for(tied, 0.5)).sum() == 0


def test_escapes_are_the_bad_below_that_threshold() -> None:
    scores = np.concatenate((np.arange(100) / 100.0, [0.5, 0.985, 0.995, 0.999]))
    bad = np.arange(104) >= 100
    assert ranking.escapes_at(scores, bad, 0.0) == 0.5
    assert ranking.escapes_at(scores, bad, 0.01) == 0.25
    assert ranking.escapes_at(scores, bad, 0.05) == 0.25


def test_one_kind_alone_gives_no_figure_instead_of_a_fine_one() -> None:
    scores = np.array([0.2, 0.9])
    for bad in (np.array([True, True]), np.array([False, False])):
        assert np.isnan(ranking.auroc(scores, bad))
        assert np.isnan(ranking.escapes_at(scores, bad, 0.05))
    assert np.isnan(ranking.average_precision(scores, np.array([False, False])))


def test_calibration_error_by_hand() -> None:
    confidences = np.array([0.95, 0.95, 0.95, 0.95, 0.15, 0.15])
    right = np.array([True, True, True, False, False, False])
    expected = 4 / 6 * abs(0.75 - 0.95) + 2 / 6 * 0.15
    assert confidence.calibration_error(confidences, right, bins=10) == pytest.approx(expected)


def test_a_confidence_that_is_a_probability_has_no_calibration_error() -> None:
    rng = np.random.default_rng(2)
    given = rng.uniform(0.01, 0.99, 200_000)
    right = rng.random(200_000) < given
    assert confidence.calibration_error(given, right) < 0.01


def test_platt_scaling_finds_the_slope_and_shift_that_spoiled_the_confidences() -> None:
    rng = np.random.default_rng(3)
    honest = rng.uniform(0.02, 0.98, 100_000)
    right = rng.random(100_000) < honest
    spoiled = 1 / (1 + np.exp(-(confidence.logit(honest) - 0.7) / 0.5))
    fitted = confidence.fit_platt(spoiled, right)
    assert fitted.slope == pytest.approx(0.5, abs=0.02)
    assert fitted.shift == pytest.approx(0.7, abs=0.03)
    assert confidence.calibration_error(fitted(spoiled), right) < 0.01 < confidence.calibration_error(spoiled, right)


def test_platt_scaling_refuses_what_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="3 of 3 detections are right"):
        confidence.fit_platt(np.array([0.5, 0.6, 0.7]), np.array([True] * 3))


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for trial in range(120):
        values = rng.normal(0.0, 1.0, 60)
        found = bootstrap.intervals(
            lambda w, v=values: {"mean": float(w @ v / w.sum())},
            [str(i) for i in range(60)],
            np.ones(60, np.bool_),
            resamples=200,
            seed=trial,
        )
        covered += found["mean"].low <= 0.0 <= found["mean"].high
    assert 105 <= covered <= 120


def test_copies_of_one_part_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(5)
    values = np.repeat(rng.normal(0, 1, 30), 10)
    groups = [str(i // 10) for i in range(300)]

    def width(names: list[str]) -> float:
        got = bootstrap.intervals(
            lambda w: {"mean": float(w @ values / w.sum())}, names, np.ones(300, np.bool_), resamples=400, seed=1
        )["mean"]
        return got.high - got.low

    assert width(groups) > 2 * width([str(i) for i in range(300)])


def test_a_figure_that_no_resample_moves_says_so() -> None:
    got = bootstrap.intervals(lambda _: {"x": 1.0}, ["a", "b"], np.array([True, False]), resamples=10, seed=1)
    assert got["x"].flat
