"""The simulated line's scenes are repeatable, and their truth is what was painted."""

import numpy as np
import pytest

from inspector.twin.scenes import DEFECT_LABELS, Scene, SceneSettings, render, render_cracks, render_mask

SMALL = SceneSettings(width=1024, height=768)
GOOD = SceneSettings(width=1024, height=768, defect_rate=0.0)
BAD = SceneSettings(width=1024, height=768, defect_rate=1.0)
SEEDS = range(40, 64)


def test_the_same_seed_gives_the_same_bytes_and_truth() -> None:
    first, second = render(7, BAD), render(7, BAD)
    assert first.pixels.tobytes() == second.pixels.tobytes()
    assert first.defects == second.defects


def test_different_seeds_give_different_parts() -> None:
    assert len({render(seed, SMALL).pixels.tobytes() for seed in range(6)}) == 6


def test_pixels_are_contiguous_mono_of_the_asked_size() -> None:
    scene = render(3, SceneSettings(width=640, height=480))
    assert scene.pixels.shape == (480, 640)
    assert scene.pixels.dtype == np.uint8
    assert scene.pixels.flags.c_contiguous


def test_a_full_size_frame_renders() -> None:
    scene = render(1, SceneSettings())
    assert scene.pixels.shape == (3000, 4096)


@pytest.mark.parametrize("seed", SEEDS)
def test_truth_boxes_hold_every_changed_pixel_and_touch_them_on_all_sides(seed: int) -> None:
    bad, good = render(seed, BAD), render(seed, GOOD)
    changed = bad.pixels != good.pixels
    boxed = np.zeros_like(changed)
    for defect in bad.defects:
        x, y, w, h = (int(v) for v in (defect.x, defect.y, defect.width, defect.height))
        boxed[y : y + h, x : x + w] = True
        inside = changed[y : y + h, x : x + w]
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()
    assert bad.defects
    assert not (changed & ~boxed).any()


def test_a_good_part_has_no_defects_although_it_has_dust() -> None:
    assert all(render(seed, GOOD).defects == () for seed in SEEDS)


def test_the_defect_rate_is_the_share_of_bad_parts() -> None:
    settings = SceneSettings(width=320, height=256, defect_rate=0.4)
    bad = sum(bool(render(seed, settings).defects) for seed in range(200))
    assert 55 <= bad <= 105


@pytest.mark.parametrize("seed", SEEDS)
def test_defects_stand_out_of_the_noise_and_have_the_sizes_of_their_kind(seed: int) -> None:
    lengths = {"crack": (60, 640), "scratch": (100, 940), "dent": (24, 161), "stain": (30, 700)}
    for defect in render(seed, BAD).defects:
        assert defect.label in DEFECT_LABELS
        low, high = lengths[defect.label]
        assert low <= defect.length_px <= high
        assert 0 < defect.width_px <= defect.length_px
        assert abs(defect.contrast) >= 8.0
        assert defect.area_px > 0
        assert defect.x >= 0
        assert defect.x + defect.width <= BAD.width
        assert defect.y + defect.height <= BAD.height


def test_more_sigma_asked_for_gives_more_contrast() -> None:
    def faintest(sigma: float) -> float:
        settings = SceneSettings(width=1024, height=768, defect_rate=1.0, min_contrast_sigma=sigma)
        return min(abs(d.contrast) for seed in range(12) for d in render(seed, settings).defects)

    assert faintest(12.0) > faintest(5.0)


def test_the_mask_names_the_painted_classes_and_asking_for_it_changes_no_pixel() -> None:
    for seed in range(40, 50):
        scene, mask = render_mask(seed, BAD)
        assert scene.pixels.tobytes() == render(seed, BAD).pixels.tobytes()
        painted = {DEFECT_LABELS.index(d.label) + 1 for d in scene.defects}
        assert set(np.unique(mask)) == painted | {0}


def test_every_texture_and_every_defect_is_met() -> None:
    scenes: list[Scene] = [render(seed, BAD) for seed in range(40)]
    assert {scene.texture for scene in scenes} == {"brushed", "cast", "painted"}
    assert {d.label for scene in scenes for d in scene.defects} == set(DEFECT_LABELS)


def test_the_smallest_frame_still_carries_its_defects() -> None:
    settings = SceneSettings(width=256, height=256, defect_rate=1.0)
    assert all(render(seed, settings).defects for seed in range(30))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"width": 100}, "too small"), ({"defect_rate": 1.5}, "probability"), ({"px_per_mm": 0.0}, "positive")],
)
def test_settings_that_cannot_be_rendered_are_refused_by_name(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SceneSettings(**wrong)  # type: ignore[arg-type]


def test_cracks_of_known_width_lie_on_the_ground_of_the_same_seed() -> None:
    good, cracked = render(11, GOOD), render_cracks(11, GOOD, (1.0, 2.0, 3.0))
    assert sorted(defect.width_px for defect in cracked.defects) == [1.0, 2.0, 3.0]
    assert {defect.label for defect in cracked.defects} == {"crack"}
    differs = np.argwhere(good.pixels != cracked.pixels)
    for y, x in differs.tolist():
        assert any(d.x <= x < d.x + d.width and d.y <= y < d.y + d.height for d in cracked.defects)
    assert render_cracks(11, GOOD, (1.0, 2.0, 3.0)).pixels.tobytes() == cracked.pixels.tobytes()


def test_a_wider_crack_darkens_more() -> None:
    fine, wide = render_cracks(12, GOOD, (1.0,)).defects[0], render_cracks(12, GOOD, (3.0,)).defects[0]
    assert wide.area_px > 2 * fine.area_px
    assert wide.length_px == fine.length_px
