"""Bounds on rates against published tables, and against simulation where nothing is published."""

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain.confidence import (
    Trial,
    binomial_at_most,
    doubt,
    effective_count,
    estimated_rate,
    highest_rate,
    lower_bound,
    lowest_rate,
    parts_needed,
    upper_bound,
)
from inspector.domain.tuning import ReviewedPart, tune


def test_escapes_of_eight_in_a_thousand_at_95_percent_need_373_bad_parts_and_none_missed() -> None:
    assert parts_needed(0.008, 0.95) == 373
    assert upper_bound(0, 373, 0.95) <= 0.008 < upper_bound(0, 372, 0.95)


@pytest.mark.parametrize(
    ("rate", "confidence", "missed", "parts"),
    [(0.05, 0.95, 0, 59), (0.01, 0.95, 0, 299), (0.05, 0.95, 1, 93), (0.1, 0.9, 0, 22), (0.1, 0.95, 2, 61)],
)
def test_the_sample_sizes_are_those_of_the_tolerance_tables(
    rate: float, confidence: float, missed: int, parts: int
) -> None:
    """Wilks' numbers: 59 for 95/95, 93 for its second order, 299 for 99/95, 22 for 90/90, 61 for 90/95 third order."""
    assert parts_needed(rate, confidence, missed) == parts


@pytest.mark.parametrize(
    ("count", "trials", "low", "high"),
    [(0, 10, 0.0, 0.3085), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (10, 100, 0.0490, 0.1762)],
)
def test_two_sided_bounds_are_those_of_the_clopper_pearson_tables(
    count: int, trials: int, low: float, high: float
) -> None:
    assert lower_bound(count, trials, 0.975) == pytest.approx(low, abs=5e-5)
    assert upper_bound(count, trials, 0.975) == pytest.approx(high, abs=5e-5)


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.001, 0.999))
def test_the_binomial_tail_is_the_sum_of_its_terms(count: int, trials: int, rate: float) -> None:
    expected = sum(comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(min(count, trials) + 1))
    assert binomial_at_most(count, trials, rate) == pytest.approx(min(expected, 1.0), abs=1e-9)


def test_the_tail_of_a_million_parts_is_summed_too() -> None:
    assert binomial_at_most(1000, 1_000_000, 0.001) == pytest.approx(0.508, abs=0.001)
    assert binomial_at_most(999_999, 1_000_000, 0.5) == 1.0
    assert 0.0 < upper_bound(0, 1_000_000, 0.95) < 3.0e-6


@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from([0.8, 0.95, 0.99]))
def test_bounds_hold_the_observed_share_between_them(count: int, trials: int, confidence: float) -> None:
    seen = min(count, trials)
    assert lower_bound(seen, trials, confidence) <= seen / trials <= upper_bound(seen, trials, confidence)


def alike(missed: int, parts: int, probability: float = 1.0) -> list[Trial]:
    return [Trial(happened=i < missed, probability=probability) for i in range(parts)]


def test_parts_sampled_alike_are_judged_by_the_binomial_however_rare_the_sampling() -> None:
    assert doubt(alike(0, 373), 0.008) == doubt(alike(0, 373, 0.05), 0.008) <= 0.05
    assert highest_rate(alike(2, 100, 0.1), 0.95) == pytest.approx(upper_bound(2, 100, 0.95))


def test_rejects_reviewed_twenty_times_as_often_as_passes_count_a_twentieth_of_a_part() -> None:
    rejects = alike(0, 1000)
    passes = alike(0, 1, 0.05)
    assert effective_count(rejects + passes) == pytest.approx(51)
    assert doubt(rejects + passes, 0.008) > 0.05
    assert doubt(alike(0, 9500) + passes, 0.008) < 0.05


def test_no_escape_found_among_passes_proves_only_as_much_as_was_looked_at() -> None:
    rejects = [part(0.9, bad=True) for _ in range(400)]
    looked_at_all = tune([*rejects, *GOODS], alpha=0.008, confidence=0.95)
    one_in_twenty = [part(0.1, bad=False, probability=0.05, let_pass=True) for _ in range(200)]
    looked_at_few = tune([*rejects, *one_in_twenty], alpha=0.008, confidence=0.95)
    assert looked_at_all.chosen is not None
    assert looked_at_few.chosen is None
    assert looked_at_few.counted == pytest.approx(20)
    assert looked_at_few.needed == 460
    assert "reviewed are 400, which count as 20" in looked_at_few.refusal
    many = tune([*rejects * 23, *one_in_twenty], alpha=0.008, confidence=0.95)
    assert many.chosen is not None


def test_an_escape_found_in_a_sample_of_one_in_twenty_weighs_twenty() -> None:
    found = [*alike(0, 100), Trial(happened=True, probability=0.05)]
    assert estimated_rate(found) == pytest.approx(20 / 120)
    assert highest_rate(found, 0.95) > 20 / 120 > lowest_rate(found, 0.95)


def test_a_line_that_breaks_the_promise_is_approved_no_more_often_than_allowed() -> None:
    """Two kinds of bad parts: rejects, all reviewed; escapes, one in five found. True rate = the limit."""
    rng = random.Random(7)
    rate, runs, approved = 0.1, 400, 0
    for _ in range(runs):
        trials = []
        for _ in range(400):
            missed = rng.random() < rate
            probability = 0.2 if missed else 1.0
            if rng.random() < probability:
                trials.append(Trial(happened=missed, probability=probability))
        approved += doubt(trials, rate) <= 0.05
    assert approved / runs <= 0.05 + 0.03


def part(score: float, *, bad: bool, probability: float = 1.0, let_pass: bool = False) -> ReviewedPart:
    return ReviewedPart(score=score, bad=bad, probability=probability, let_pass=let_pass)


GOODS = [part(0.3 * i / 200, bad=False, let_pass=True) for i in range(200)]


def test_the_loosest_threshold_that_keeps_the_promise_is_chosen_and_priced() -> None:
    parts = [part(0.6 + 0.3 * i / 400, bad=True) for i in range(400)] + GOODS
    found = tune(parts, alpha=0.008, confidence=0.95, current=0.2)
    assert found.chosen is not None
    assert found.chosen.threshold == pytest.approx(0.6)
    assert found.chosen.escapes_high <= 0.008
    assert found.chosen.false_rejects == 0.0
    assert 0.0 < found.chosen.false_rejects_high < 0.02
    assert found.current is not None
    assert found.current.false_rejects == pytest.approx(66 / 200)
    assert [price.threshold for price in found.prices] == sorted(price.threshold for price in found.prices)


def test_too_few_bad_parts_are_refused_with_the_number_that_would_be_needed() -> None:
    found = tune([part(0.9, bad=True) for _ in range(372)] + GOODS, alpha=0.008, confidence=0.95)
    assert found.chosen is None
    assert found.needed == 373
    assert "needs 373 known-bad parts with none let through; reviewed are 372" in found.refusal
    enough = tune([part(0.9, bad=True) for _ in range(373)] + GOODS, alpha=0.008, confidence=0.95)
    assert enough.chosen is not None


def test_rejects_alone_cannot_show_escapes() -> None:
    parts = [part(0.9, bad=True) for _ in range(5000)] + [part(0.7, bad=False) for _ in range(50)]
    found = tune(parts, alpha=0.008, confidence=0.95)
    assert found.chosen is None
    assert "rejects alone cannot show escapes" in found.refusal


def test_a_model_that_does_not_see_some_defects_is_named_as_the_reason() -> None:
    parts = [part(0.9, bad=True) for _ in range(500)] + [part(0.0, bad=True) for _ in range(4)] + GOODS
    found = tune(parts, alpha=0.008, confidence=0.95)
    assert found.needed == parts_needed(0.008, 0.95, 4) > 504
    assert "Even the strictest threshold lets 4 of the 504 through" in found.refusal


def test_good_parts_seen_rarely_are_counted_up_in_the_price() -> None:
    parts = [part(0.9, bad=True, probability=0.05) for _ in range(400)]
    parts += [part(0.1, bad=False, probability=0.05, let_pass=True) for _ in range(95)]
    parts += [part(0.95, bad=False) for _ in range(100)]
    found = tune(parts, alpha=0.008, confidence=0.95)
    assert found.chosen is not None
    assert found.chosen.false_rejects == pytest.approx(100 / (100 + 1900))
    assert found.chosen.false_rejects_low < 0.05 < found.chosen.false_rejects_high


def test_a_promise_at_its_limit_is_broken_no_more_often_than_the_confidence_allows() -> None:
    """Scores uniform: escapes at threshold t are t. The chosen one must lie above alpha in at most 5 % of runs."""
    rng = random.Random(11)
    broken = 0
    for _ in range(120):
        parts = [part(rng.random(), bad=True) for _ in range(100)] + GOODS[:5]
        found = tune(parts, alpha=0.1, confidence=0.95)
        broken += found.chosen is not None and found.chosen.threshold > 0.1
    assert broken / 120 <= 0.05 + 0.03
