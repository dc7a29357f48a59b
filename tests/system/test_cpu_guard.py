"""What a part costs, as a ratio within one run: no clock, so a busy machine is no excuse and no alarm."""

from tests.cpu_guard import measure

MOST_LINE = 8.0
"""Pixels to verdict of 0.8 MP with a defect on it, in reference graphs. A dearer model is a decision that moves it."""
MOST_PATH = 3.4
"""The same in bare runs of the model's own graph: what tiling, copies, decoding and judging may add."""


def test_a_part_costs_no_more_cpu_than_it_did() -> None:
    ratios = measure()
    assert ratios.line < MOST_LINE
    assert ratios.path < MOST_PATH
