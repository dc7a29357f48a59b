"""Training targets and crops are what the recipe says."""

import numpy as np
import pytest

from inspector.twin.scenes import DEFECT_LABELS
from tools.cells import IGNORED, cell_targets
from tools.plan import LABELS
from tools.sampler import draw_batch
from tools.scenebank import FIRST_TRAINING_SEED, SceneBank


def test_the_first_four_channels_are_the_painted_classes() -> None:
    assert LABELS[:4] == DEFECT_LABELS


@pytest.mark.parametrize(("pixels", "expected"), [(0, 0), (1, IGNORED), (3, IGNORED), (4, 1), (64, 1)])
def test_a_cell_is_defect_from_four_pixels_and_ignored_below(pixels: int, expected: int) -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[:8, :8].reshape(8, 8)[np.unravel_index(np.arange(pixels), (8, 8))] = 2
    targets = cell_targets(mask)
    assert targets.shape == (5, 2, 2)
    assert targets[1, 0, 0] == expected
    assert targets[0, 0, 0] == 0
    assert targets[1, 1, 1] == 0


def test_crops_are_repeatable_and_normalised() -> None:
    bank = SceneBank(size=2, seed=3)

    def draw() -> tuple[bytes, bytes]:
        batch = draw_batch(np.random.default_rng(4), bank.pictures, [], count=3, side=128, real_share=0.0)
        assert batch.images.shape == (3, 1, 128, 128)
        assert batch.targets.shape == (3, 5, 16, 16)
        assert -1.0 <= batch.images.min() <= batch.images.max() <= 127 / 128
        return batch.images.tobytes(), batch.targets.tobytes()

    assert draw() == draw()


def test_a_resumed_bank_holds_the_same_scenes() -> None:
    first = SceneBank(size=2, seed=3)
    first.renew()
    again = SceneBank(size=2, seed=3, made=first.made)
    assert {p.pixels.tobytes() for p in again.pictures} == {p.pixels.tobytes() for p in first.pictures}
    assert again.made == first.made


def test_training_seeds_are_far_from_evaluation_seeds() -> None:
    assert FIRST_TRAINING_SEED > 1_000_000
