"""A frame that shows nothing must never pass a part."""

import numpy as np
import pytest

from inspector.domain.errors import FrameError
from inspector.pipeline import optics
from inspector.twin.scenes import SceneSettings, render


@pytest.mark.parametrize(
    ("level", "word"), [(0, "dark"), (8, "dark"), (128, "flat"), (255, "burnt out"), (252, "burnt out")]
)
def test_a_frame_of_one_level_is_refused_and_says_why(level: int, word: str) -> None:
    noise = np.random.default_rng(1).integers(0, 2, (480, 640))
    with pytest.raises(FrameError, match=f"optics: the picture is {word}"):
        optics.check(np.clip(level + noise, 0, 255).astype(np.uint8))


def test_a_part_on_a_dark_belt_is_seen() -> None:
    frame = np.zeros((480, 640), np.uint8)
    frame[100:200, 100:300] = 90
    optics.check(frame)


@pytest.mark.parametrize("seed", range(6))
def test_ordinary_parts_are_seen(seed: int) -> None:
    optics.check(render(seed, SceneSettings(width=1024, height=768)).pixels)


def test_colour_frames_are_looked_at_in_all_their_channels() -> None:
    with pytest.raises(FrameError, match="dark"):
        optics.check(np.zeros((320, 320, 3), np.uint8))
