"""Training targets and crops are what the recipe says."""

import numpy as np
import pytest

from inspector.twin.scenes import DEFECT_LABELS
from tools.plan import LABELS
from tools.training.cells import BOXED, IGNORED, UNKNOWN_PIXEL, WEAK, cell_targets
from tools.training.painter import CrackStyle, paint_crack
from tools.training.paster import paste_defect
from tools.training.picture import Picture, picture
from tools.training.sampler import Look, Pool, draw_batch
from tools.training.scenebank import FIRST_TRAINING_SEED, SceneBank


def test_the_first_four_channels_are_the_painted_classes() -> None:
    assert LABELS[:4] == DEFECT_LABELS


@pytest.mark.parametrize(("pixels", "expected"), [(0, 0), (1, IGNORED), (3, IGNORED), (4, 1), (64, 1)])
def test_a_cell_is_defect_from_four_pixels_and_ignored_below(pixels: int, expected: int) -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[:8, :8].reshape(8, 8)[np.unravel_index(np.arange(pixels), (8, 8))] = 2
    targets = cell_targets(mask, 5)
    assert targets.shape == (5, 2, 2)
    assert targets[1, 0, 0] == expected
    assert targets[0, 0, 0] == 0
    assert targets[1, 1, 1] == 0


def test_a_box_without_pixels_is_weak_for_its_class_and_teaches_the_others_nothing() -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[:8, :8] = BOXED + 2
    mask[8:, 8:] = UNKNOWN_PIXEL
    targets = cell_targets(mask, 3)
    assert targets[:, 0, 0].tolist() == [IGNORED, WEAK, IGNORED]
    assert targets[:, 1, 1].tolist() == [IGNORED] * 3
    assert targets[:, 0, 1].tolist() == [0, 0, 0]


def _grounds(count: int) -> list[Picture]:
    rng = np.random.default_rng(5)
    return [
        picture(rng.integers(110, 140, (160, 200), np.uint8), np.zeros((160, 200), np.uint8), rng) for _ in range(count)
    ]


def test_what_lies_beyond_a_picture_teaches_nothing() -> None:
    pool = Pool(pictures=_grounds(2), share=1.0)
    pool.index()
    look = Look(scaled_share=0.0, turned=False)
    batch = draw_batch(np.random.default_rng(1), [pool], look, count=6, side=256, classes=2)
    for targets in batch.targets:
        known = (targets[0] == 0).sum()
        assert 0 < known <= 22 * 27  # the picture's own cells and the rim of one cell around them
        assert (targets == IGNORED).sum() == 2 * (32 * 32 - known)


def test_a_painted_crack_is_dark_where_its_mask_is_and_touches_nothing_else() -> None:
    ground = np.full((200, 200), 120, np.uint8)
    style = CrackStyle(widths_px=(3.0,), contrast=(40.0, 40.1), length_px=(80.0, 81.0))
    painted, mask = paint_crack(np.random.default_rng(2), ground, style)
    assert 120 < mask.sum() < 500
    assert painted[mask].max() < 120
    assert painted.min() == 80
    assert (painted[~mask] >= 120 - 0.31 * 41).all()


def test_a_pasted_defect_leaves_its_new_ground_as_far_as_it_left_its_own() -> None:
    light, mask = np.full((100, 100), 200, np.uint8), np.zeros((100, 100), np.uint8)
    light[40:60, 40:60], mask[40:60, 40:60] = 150, 3
    source = picture(light, mask, np.random.default_rng(1))
    ground = np.full((120, 120), 90, np.uint8)
    pasted, marked = paste_defect(np.random.default_rng(3), ground, np.zeros_like(ground), source, 3)
    assert (marked == 3).sum() == 400
    lift = pasted[marked == 3].astype(float) - 90
    assert -70 < np.median(lift) < -30
    assert pasted[marked == 0].max() <= 90


def test_painted_and_pasted_defects_reach_the_targets() -> None:
    light, mask = np.full((100, 100), 200, np.uint8), np.zeros((100, 100), np.uint8)
    light[40:60, 40:60], mask[40:60, 40:60] = 150, 2
    pictures = [*_grounds(3), picture(light, mask, np.random.default_rng(1))]
    pool = Pool(pictures=pictures, share=1.0, painted=0.5, pasted=1.0, crack=1)
    pool.index()
    look = Look(defect_share=0.0, hard_share=0.0)
    batch = draw_batch(np.random.default_rng(1), [pool], look, count=24, side=96, classes=2)
    assert (batch.targets[:, 0] == 1).any()
    assert (batch.targets[:, 1] == 1).any()


def test_crops_are_repeatable_and_normalised() -> None:
    bank = SceneBank(size=2, seed=3)

    def draw() -> tuple[bytes, bytes]:
        pool = Pool(pictures=bank.pictures, share=1.0)
        pool.index()
        batch = draw_batch(np.random.default_rng(4), [pool], Look(), count=3, side=128, classes=5)
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
