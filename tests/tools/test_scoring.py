"""Figures are counted, not flattered."""

import numpy as np
import pytest

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box
from inspector.twin.scenes import Scene, TrueDefect
from tools.matching import match
from tools.scoring import auroc, best_thresholds, figures


def _truth(x: float = 100.0, label: str = "crack") -> TrueDefect:
    return TrueDefect(
        label=label, x=x, y=100.0, width=80.0, height=40.0, length_px=90.0, width_px=2.0, area_px=180.0, contrast=-20.0
    )


def _scene(*defects: TrueDefect, seed: int = 1) -> Scene:
    return Scene(seed=seed, pixels=np.zeros((1000, 1000), np.uint8), defects=defects, texture="cast")


def _seen(x: float, score: float = 0.9, label: str = "crack", side: float = 40.0) -> Detection:
    box = Box(x=x, y=100.0, width=side, height=side)
    return Detection(label=label, score=score, box=box, length_px=95.0, width_px=2.5, area_px=180.0)


def test_a_detection_on_the_defect_finds_it_and_one_beside_it_is_a_false_alarm() -> None:
    part = match(_scene(_truth()), [_seen(110.0), _seen(600.0)])
    assert part.found[0].best is not None
    assert len(part.false_alarms) == 1


def test_a_detection_that_covers_the_whole_frame_finds_nothing() -> None:
    part = match(_scene(_truth()), [_seen(0.0, side=900.0)])
    assert part.found[0].best is None
    assert len(part.false_alarms) == 1


def test_a_good_part_with_a_detection_is_a_false_reject_and_a_bad_one_without_is_an_escape() -> None:
    parts = [match(_scene(), [_seen(10.0, 0.7)]), match(_scene(), []), match(_scene(_truth()), [])]
    result = figures(parts, 0.5)
    assert (result["false_rejects"], result["good_parts"]) == (1, 2)
    assert (result["escapes"], result["bad_parts"]) == (1, 1)
    assert result["false_alarms_per_mp"] == 0.5
    assert result["crack_recall"] == 0.0


def test_a_score_below_the_threshold_does_not_count() -> None:
    parts = [match(_scene(_truth()), [_seen(110.0, 0.4)])]
    assert figures(parts, 0.5)["crack_found"] == 0
    assert figures(parts, 0.3)["crack_found"] == 1


def test_another_class_at_the_right_place_is_found_but_not_as_the_same_class() -> None:
    result = figures([match(_scene(_truth()), [_seen(110.0, label="scratch")])], 0.5)
    assert (result["crack_found"], result["crack_same_class"]) == (1, 0)


def test_size_errors_are_measured_minus_painted() -> None:
    result = figures([match(_scene(_truth()), [_seen(110.0)])], 0.5)
    assert (result["thin_length_error_px"], result["thin_width_error_px"]) == (5.0, 0.5)


def test_auroc_counts_ties_one_half() -> None:
    assert auroc([0.0, 0.2], [0.5, 0.9]) == 1.0
    assert auroc([0.5], [0.5]) == 0.5


def test_a_threshold_is_raised_until_a_class_keeps_to_its_allowance() -> None:
    good = [match(_scene(seed=seed), [_seen(10.0, 0.4 + seed / 100)]) for seed in range(30)]
    thresholds = best_thresholds(good)
    assert thresholds["crack"] == pytest.approx(0.661)
    assert thresholds["dent"] == 0.3
