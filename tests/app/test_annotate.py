"""A picture with its verdict drawn on it keeps its pixels and shows its defects."""

import numpy as np
import pytest

from inspector.app.annotate import annotate
from inspector.domain.detection import Detection
from inspector.domain.geometry import Box
from inspector.domain.verdict import Decision, Defect, Outcome, Severity, Verdict


def verdict(outcome: Outcome, box: Box | None = None, reason: str = "why") -> Verdict:
    defects = ()
    if box is not None:
        seen = Detection(label="crack", score=0.9, box=box, length_px=30, width_px=3, area_px=90)
        defects = (
            Defect(
                detection=seen,
                severity=Severity.CRITICAL,
                weight=3,
                sure=True,
                rule="class.crack",
                length_mm=1.5,
                width_mm=0.1,
                area_mm2=0.2,
            ),
        )
    decision = Decision(rule="r", measured=1, limit=1, unit="mm")
    return Verdict(outcome=outcome, reason=reason, decision=decision, defects=defects)


@pytest.mark.parametrize("shape", [(300, 400), (300, 400, 3), (16, 16), (3000, 4096)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_banner_stands_above_the_unchanged_picture(shape: tuple[int, ...], dtype: type) -> None:
    pixels = np.full(shape, 100, dtype)
    drawn = annotate(pixels, verdict(Outcome.PASS))
    assert drawn.dtype == np.uint8
    assert drawn.shape[0] > shape[0]
    assert drawn.shape[1:] == (shape[1], 3)
    assert (pixels == 100).all()
    if dtype is np.uint8:
        assert (drawn[-shape[0] :] == 100).all()


@pytest.mark.parametrize(
    "box",
    [
        Box(x=100, y=100, width=60, height=40),
        Box(x=0, y=0, width=5, height=5),
        Box(x=395, y=295, width=5, height=5),
        Box(x=0, y=0, width=400, height=300),
    ],
)
def test_a_defect_is_drawn_wherever_it_lies(box: Box) -> None:
    pixels = np.full((300, 400), 100, np.uint8)
    drawn = annotate(pixels, verdict(Outcome.FAIL, box))
    assert (drawn[-300:] != 100).any()


def test_each_outcome_has_its_own_banner_and_a_long_reason_fits() -> None:
    pixels = np.zeros((300, 400), np.uint8)
    banners = [annotate(pixels, verdict(outcome, reason="x" * 300))[2, -3].tolist() for outcome in Outcome]
    assert len({tuple(colour) for colour in banners}) == 3


def test_a_note_stands_under_the_verdict() -> None:
    pixels = np.zeros((300, 400), np.uint8)
    plain, noted = (annotate(pixels, verdict(Outcome.PASS), note=note) for note in ("", "20 px/mm"))
    assert noted.shape[0] > plain.shape[0]
    assert (noted[-300:] == 0).all()
