"""Which frame shows which part: both counters and the clock must agree."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain.frame import CameraStamp, Capture, PixelFormat, seq_after
from inspector.pipeline.sync import FrameSync, Match

LAST = 2**32 - 1
PITCH = 1.0


def capture(frame_no: int | None, taken_at: float) -> Capture:
    return Capture(
        pixels=np.zeros((1, 1), np.uint8),
        pixel_format=PixelFormat.MONO8,
        frame_no=frame_no,
        taken_at=taken_at,
        taken_utc=datetime.now(UTC),
        camera=CameraStamp(serial="1"),
    )


def tied() -> FrameSync:
    sync = FrameSync(window_s=0.2)
    assert sync.match(10, 10.0, capture(100, 10.0)) is Match.MINE
    return sync


def test_a_camera_that_does_not_count_is_taken_as_it_comes() -> None:
    assert FrameSync(window_s=0.2).match(1, 10.0, capture(None, 99.0)) is Match.MINE


@pytest.mark.parametrize(("taken_at", "match"), [(9.0, Match.OLDER), (10.1, Match.MINE), (11.0, Match.NEWER)])
def test_the_first_pair_is_tied_by_time(taken_at: float, match: Match) -> None:
    sync = FrameSync(window_s=0.2)
    assert sync.match(10, 10.0, capture(100, taken_at)) is match
    assert sync.tied is (match is Match.MINE)


@pytest.mark.parametrize(
    ("frame_no", "taken_at", "match"),
    [
        (101, 11.0, Match.MINE),
        (100, 10.0, Match.OLDER),
        (102, 12.0, Match.NEWER),
        (102, 11.0, Match.DISAGREE),
        (100, 11.0, Match.DISAGREE),
        (101, 12.0, Match.DISAGREE),
        (1, 11.0, Match.DISAGREE),
        (100, 12.0, Match.DISAGREE),
        (102, 10.0, Match.DISAGREE),
    ],
)
def test_once_tied_number_and_time_must_both_agree(frame_no: int, taken_at: float, match: Match) -> None:
    assert tied().match(11, 11.0, capture(frame_no, taken_at)) is match


def test_loosened_it_ties_anew() -> None:
    sync = tied()
    sync.loosen()
    assert not sync.tied
    assert sync.match(11, 11.0, capture(7, 11.0)) is Match.MINE
    assert sync.match(12, 12.0, capture(8, 12.0)) is Match.MINE


@given(
    st.sampled_from([1, LAST - 5, LAST]) | st.integers(1, LAST),
    st.lists(st.tuples(st.sampled_from(["both", "trigger", "frame"]), st.floats(-0.1, 0.1)), max_size=25),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_lost_no_part_is_ever_given_another_parts_frame(
    first: int, events: list[tuple[str, float]]
) -> None:
    """``trigger``: the frame of that part is lost; ``frame``: the trigger of that frame is lost."""
    sync = FrameSync(window_s=0.4)
    frames: list[tuple[int, float]] = []
    part_seq, frame_no = first, 500
    for index, (what, jitter) in enumerate([("both", 0.0), *events]):
        at = index * PITCH
        if what != "trigger":
            frame_no += 1
            frames.append((frame_no, at + jitter))
        else:
            frame_no += 1
        if what == "frame":
            continue
        while frames:
            number, taken_at = frames[0]
            match = sync.match(part_seq, at, capture(number, taken_at))
            if match is Match.NEWER:
                break
            frames.pop(0)
            if match is Match.MINE:
                assert abs(taken_at - at) < 0.2
                break
            if match is Match.DISAGREE:
                sync.loosen()
                break
        part_seq = seq_after(part_seq)
