"""The arithmetic of teaching: quantiles, exact leave-one-out, the limit, the odd one out, names."""

from pathlib import Path

import numpy as np
import pytest

from inspector.app.teach import naming, student
from inspector.app.teach.edge import gain as edge_gain
from inspector.app.teach.edge import softened
from inspector.app.teach.gaussian import Gaussian, Sums, total
from inspector.app.teach.lesson import Seen, distances, leave_one_out
from inspector.app.teach.limit import ODD, oddest, prediction_limit


@pytest.mark.parametrize(
    ("share", "degrees", "table"), [(0.05, 4, 2.1318), (0.01, 19, 2.5395), (0.025, 1, 12.7062), (0.05, 99, 1.6604)]
)
def test_quantiles_of_t_are_those_of_the_printed_tables(share: float, degrees: int, table: float) -> None:
    assert student.quantile(share, degrees) == pytest.approx(table, abs=1e-4)
    assert student.tail(table, degrees) == pytest.approx(share, abs=1e-5)


def test_tails_on_both_sides_make_one() -> None:
    assert student.tail(-1.3, 7) + student.tail(1.3, 7) == pytest.approx(1.0)
    assert student.tail(0.0, 3) == pytest.approx(0.5)


def pictures(n: int, seed: int = 1) -> list[Seen]:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(6, 6))
    seen = []
    for index in range(n):
        cells = (rng.normal(size=(5, 7, 6)) @ mix + 3.0).astype(np.float32)
        seen.append(Seen(path=Path(f"{index}"), shape=(5, 7), cells=cells, sums=Sums.of(cells.reshape(-1, 6))))
    return seen


def test_leaving_one_out_by_its_sums_is_the_same_as_fitting_without_it() -> None:
    seen = pictures(8)
    scores, gain = leave_one_out(seen)
    expected = [
        softened(
            distances(Gaussian.fit(total([other.sums for other in seen if other is not one])), one.cells), gain
        ).max()
        for one in seen
    ]
    assert scores == pytest.approx(expected, rel=1e-5)


def test_the_distance_of_an_average_patch_is_near_one() -> None:
    seen = pictures(20)
    model = Gaussian.fit(total([one.sums for one in seen]))
    mean_square = np.mean([np.square(model.distances(one.cells.reshape(-1, 6))).mean() for one in seen])
    assert 0.5 < mean_square <= 1.0  # below one by what the ridge takes


@pytest.mark.parametrize("n", [5, 20, 50])
@pytest.mark.parametrize("promise", [0.05, 0.01])
def test_the_limit_keeps_its_promise_where_scores_are_log_normal(n: int, promise: float) -> None:
    rng = np.random.default_rng(7)
    rounds = 4000
    kept = [
        np.exp(rng.normal(0.3, 0.2)) > prediction_limit(list(np.exp(rng.normal(0.3, 0.2, n))), promise).value
        for _ in range(rounds)
    ]
    assert np.mean(kept) == pytest.approx(promise, abs=4 * np.sqrt(promise / rounds))


def test_a_border_that_is_odd_on_every_part_is_brought_to_the_level_of_the_middle() -> None:
    rng = np.random.default_rng(2)
    maps = []
    for _ in range(6):
        values = rng.uniform(0.9, 1.1, (12, 14)).astype(np.float32)
        values[0], values[-1], values[:, 0], values[:, -1] = values[0] * 2, values[-1] * 2, values[:, 0], values[:, -1]
        maps.append(values)
    factors = edge_gain(maps)
    assert factors[0] < 0.85  # two of its four sides are twice as odd
    assert factors[1] == pytest.approx(1.0, abs=0.03)
    assert softened(maps[0], factors)[0, 5] < 1.9
    assert softened(maps[0], factors)[5, 5] == maps[0][5, 5]


def test_few_samples_are_told_to_be_nearly_blind() -> None:
    assert "nearly blind" in prediction_limit([1.0, 1.1, 0.9, 1.2, 1.05], 0.05).support
    assert "cannot show" in prediction_limit(list(np.linspace(0.9, 1.1, 25)), 0.01).support


def test_a_score_far_above_the_others_is_odd_and_the_highest_of_ordinary_ones_is_not() -> None:
    ordinary = list(np.exp(np.random.default_rng(3).normal(0, 0.1, 12)))
    assert oddest(ordinary)[1] > ODD
    index, chance = oddest([*ordinary, 3.0])
    assert index == 12
    assert chance < 1e-3


def test_names_are_learnt_from_regions_and_the_count_of_right_ones_is_of_regions_not_seen() -> None:
    rng = np.random.default_rng(5)
    middle = {"dent": np.eye(20)[0] * 6, "scratch": np.eye(20)[1] * 6}
    regions = {label: [(at + rng.normal(size=20)).astype(np.float32) for _ in range(6)] for label, at in middle.items()}
    names = naming.learn(regions)
    assert names.labels == ("dent", "scratch")
    assert names.right >= 11
    assert (names.weight @ middle["scratch"] + names.bias).argmax() == 1
    noise = {label: [rng.normal(size=20).astype(np.float32) for _ in range(6)] for label in middle}
    assert naming.learn(noise).right < 11
