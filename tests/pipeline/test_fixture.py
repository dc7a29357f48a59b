"""A part is found wherever it lies within its limits, within two pixels; anything else is no part, or a wrong one."""

import cv2
import numpy as np
import pytest

from inspector.domain.errors import ConfigError
from inspector.domain.frame import PixelFormat
from inspector.domain.geometry import Box
from inspector.domain.recipe import FixtureRule, Recipe
from inspector.domain.verdict import Outcome, Verdict
from inspector.pipeline.fixture import PartFinder, light_of
from inspector.pipeline.place import place
from tests.fakes import RECIPE
from tests.pipeline.scenes import FULL, SMALL, Belt

WITHIN_PX = 2.0


def errors(belt: Belt, seed: int, poses: int) -> list[float]:
    random = np.random.default_rng(seed)
    finder = belt.finder(belt.scene(seed))
    bad = belt.scene(seed, defects=True)
    off = []
    for number in range(poses):
        pose = belt.pose(random.uniform(-20, 20), random.uniform(-20, 20), random.uniform(-5, 5))
        found = finder.find(belt.frame(bad, pose, seed=number, light=random.uniform(0.8, 1.2)), PixelFormat.MONO8)
        assert finder.why_not(found) == ""
        off.append(belt.error_px(found.pose, pose))
    return off


def tell(off: list[float]) -> None:
    p50, p90, p99 = np.percentile(off, [50, 90, 99])
    print(f"\ncorner error, {len(off)} poses: p50 {p50:.2f}  p90 {p90:.2f}  p99 {p99:.2f}  max {max(off):.2f} px")


def test_within_20_px_and_5_degrees_every_corner_is_found_within_2_px() -> None:
    off = [error for seed in range(5, 13) for error in errors(SMALL, seed, 15)]
    tell(off)
    assert max(off) <= WITHIN_PX


@pytest.mark.long
def test_so_it_is_at_12_megapixels() -> None:
    off = [error for seed in (5, 6) for error in errors(FULL, seed, 10)]
    tell(off)
    assert max(off) <= WITHIN_PX


@pytest.mark.parametrize("pixel_format", [PixelFormat.BGR8, PixelFormat.BAYER_RG8])
def test_colour_and_mosaics_are_found_as_well(pixel_format: PixelFormat) -> None:
    belt, scene, pose = SMALL, SMALL.scene(5), SMALL.pose(13.0, -8.5, 3.2)
    grey = belt.frame(scene, pose)
    if pixel_format is PixelFormat.BGR8:
        frame = np.ascontiguousarray(np.stack([grey // 2, grey, grey // 3], axis=-1))
    else:
        frame = grey.copy()
        frame[::2, ::2] = frame[::2, ::2] // 2
        frame[1::2, 1::2] = frame[1::2, 1::2] // 3
    region = belt.region
    taught = belt.frame(scene, seed=99)
    if pixel_format.is_bayer:
        taught[::2, ::2] //= 2
        taught[1::2, 1::2] //= 3
        taught = light_of(taught, pixel_format)
    rows = slice(int(region.y), int(region.bottom))
    finder = PartFinder(
        taught[rows, int(region.x) : int(region.right)], FixtureRule(template="part.png", region=region)
    )
    found = finder.find(frame, pixel_format)
    assert finder.why_not(found) == ""
    assert belt.error_px(found.pose, pose) <= WITHIN_PX


def test_an_empty_belt_is_no_part_and_another_type_is_a_wrong_one() -> None:
    finder = SMALL.finder(SMALL.scene(5))
    empty = finder.find(SMALL.frame(None), PixelFormat.MONO8)
    assert finder.why_not(empty).startswith("no part: ")
    for seed in range(6, 14):
        other = finder.find(SMALL.frame(SMALL.scene(seed)), PixelFormat.MONO8)
        assert finder.why_not(other).startswith(("wrong part: ", "no part: "))


@pytest.mark.parametrize(("dx", "turn_deg", "word"), [(38.0, 0.0, "px from its place"), (0.0, 4.5, "it is turned by")])
def test_a_part_beyond_its_limits_is_none(dx: float, turn_deg: float, word: str) -> None:
    finder = SMALL.finder(SMALL.scene(5), shift_px=30.0, angle_deg=4.0)
    found = finder.find(SMALL.frame(SMALL.scene(5), SMALL.pose(dx, 0.0, turn_deg)), PixelFormat.MONO8)
    assert finder.why_not(found).startswith("no part: ")
    assert word in finder.why_not(found)


def test_a_part_that_is_turned_by_half_is_not_found() -> None:
    finder = SMALL.finder(SMALL.scene(10))
    turned = np.ascontiguousarray(SMALL.scene(10)[::-1, ::-1])
    assert finder.why_not(finder.find(SMALL.frame(turned), PixelFormat.MONO8)) != ""


def test_noise_is_no_part_that_passes() -> None:
    finder = SMALL.finder(SMALL.scene(5))
    for seed in range(5):
        noise = np.random.default_rng(seed).integers(0, 256, (SMALL.height, SMALL.width), np.uint8)
        assert finder.why_not(finder.find(noise, PixelFormat.MONO8)) != ""


def test_what_does_not_fix_a_place_cannot_be_taught() -> None:
    region = Box(x=100, y=100, width=800, height=500)
    rule = FixtureRule(template="part.png", region=region)
    with pytest.raises(ConfigError, match="0 edges stand out"):
        PartFinder(np.full((500, 800), 90, np.uint8), rule)
    stripes = np.zeros((500, 800), np.uint8)
    stripes[:, 200:400] = 200
    with pytest.raises(ConfigError, match="nearly all run one way"):
        PartFinder(stripes, rule)
    disc = np.full((500, 800), 30, np.uint8)
    cv2.circle(disc, (400, 250), 200, 200, -1)
    with pytest.raises(ConfigError, match="round one point"):
        PartFinder(disc, rule)


def test_a_recipe_is_carried_to_where_the_part_lies_or_there_is_no_pass() -> None:
    finder = SMALL.finder(SMALL.scene(5))
    other = SMALL.finder(SMALL.scene(6))
    lies = place(RECIPE, finder, SMALL.frame(SMALL.scene(5), SMALL.pose(10, 0, 0)), PixelFormat.MONO8)
    assert isinstance(lies, Recipe)
    wrong = place(RECIPE, finder, SMALL.frame(SMALL.scene(6)), PixelFormat.MONO8, [("six", other)])
    assert isinstance(wrong, Verdict)
    assert (wrong.outcome, wrong.decision.rule) == (Outcome.UNDECIDED, "law.wrong_part")
    assert wrong.reason.endswith("; it is the part of recipe six")
    none = place(RECIPE, finder, SMALL.frame(None), PixelFormat.MONO8, [("six", other)])
    assert isinstance(none, Verdict)
    assert (none.outcome, none.decision.rule) == (Outcome.UNDECIDED, "law.no_part")
    assert place(RECIPE, None, SMALL.frame(None), PixelFormat.MONO8) is RECIPE
