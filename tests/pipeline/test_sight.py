"""Lamp, lens, sensor and glass, told from parts that change."""

import re
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from inspector.domain.frame import PixelFormat, Pixels
from inspector.pipeline.sight import Finding, Glance, Health, Limits, glance, reference_of, stale_rows

HEIGHT, WIDTH = 480, 640


def part(seed: int, *, light: float = 1.0) -> Pixels:
    """A textured part on a plain belt: another place and another texture each time, and the sensor's own noise."""
    random = np.random.default_rng(seed)
    frame = np.full((HEIGHT, WIDTH), 110.0)
    top, left = random.integers(20, 160), random.integers(20, 240)
    frame[top : top + 280, left : left + 360] = 140 + random.normal(0, 12, (280, 360))
    return np.clip(frame * light + random.normal(0, 2, frame.shape), 0, 255).astype(np.uint8)


def glances(
    change: Callable[[Pixels], Pixels] = lambda frame: frame, *, begin: int = 100, count: int = 40
) -> list[Glance]:
    return [glance(change(part(begin + n)), PixelFormat.MONO8) for n in range(count)]


def health(**changed: object) -> Health:
    return Health(reference=reference_of(glances(begin=0, count=20)), **changed)  # type: ignore[arg-type]


def said(seen: list[Glance], judge: Health) -> tuple[Finding, ...]:
    found: tuple[Finding, ...] = ()
    for one in seen:
        found = judge.look(one)
    return found


def kinds(found: tuple[Finding, ...]) -> dict[str, bool]:
    return {one.kind: one.grave for one in found}


def test_parts_that_change_are_no_finding() -> None:
    judge = health()
    for one in glances():
        assert judge.look(one) == ()


@pytest.mark.parametrize(("light", "grave"), [(0.8, False), (0.5, True), (1.25, False)])
def test_a_lamp_that_ages_is_a_warning_and_then_grave(light: float, grave: bool) -> None:
    dimmed = [glance(part(100 + n, light=light), PixelFormat.MONO8) for n in range(20)]
    assert kinds(said(dimmed, health()))["light"] is grave


@pytest.mark.parametrize(("blur_px", "grave"), [(0.4, False), (3.0, True)])
def test_a_lens_that_loosens_is_a_warning_and_then_grave(blur_px: float, grave: bool) -> None:
    blurred = glances(lambda frame: cv2.GaussianBlur(frame, (0, 0), blur_px))  # type: ignore[arg-type,return-value]
    assert kinds(said(blurred, health())) == {"sharpness": grave}


def test_a_speck_that_stays_while_parts_change_is_found_where_it_is() -> None:
    def soiled(frame: Pixels) -> Pixels:
        return cv2.circle(frame, (400, 96), 20, 60, -1)  # type: ignore[return-value]

    found = said(glances(soiled), health())
    assert kinds(found) == {"speck": True}
    place = re.search(r"at (\d+), (\d+) px", found[0].text)
    assert place is not None
    assert np.hypot(int(place[1]) - 400, int(place[2]) - 96) <= 20


def test_a_defect_of_one_part_is_no_speck() -> None:
    judge = health()
    frames = glances()
    frames[35] = glance(cv2.circle(part(135), (400, 96), 20, 30, -1), PixelFormat.MONO8)  # type: ignore[arg-type]
    assert said(frames[:36], judge) == ()


def test_every_bit_counts_for_two_pictures_to_be_the_same() -> None:
    first = part(5)
    other = first.copy()
    other[333, 77] ^= 1
    again, changed, moved = (
        glance(frame, PixelFormat.MONO8) for frame in (first.copy(), other, np.roll(first, 1, axis=0))
    )
    before = glance(first, PixelFormat.MONO8)
    whole = stale_rows(again, before)
    assert whole is not None
    assert whole[0] <= 64
    assert whole[1] >= HEIGHT - 64
    assert stale_rows(moved, before) is None
    assert [mine == theirs for mine, theirs in zip(changed.marks, before.marks, strict=True)].count(False) == 1
    assert stale_rows(glance(part(6), PixelFormat.MONO8), before) is None


def test_of_a_large_frame_a_new_row_of_each_band_makes_it_new_and_the_same_picture_is_found() -> None:
    random = np.random.default_rng(3)
    first, second = (random.integers(0, 256, (1024, 2048, 3), np.uint8) for _ in range(2))
    torn = second.copy()
    torn[512:] = first[512:]
    before = glance(first, PixelFormat.BGR8)
    assert stale_rows(glance(second, PixelFormat.BGR8), before) is None
    assert stale_rows(glance(first.copy(), PixelFormat.BGR8), before) == (0, 1023)
    assert stale_rows(glance(torn, PixelFormat.BGR8), before) == (512, 1023)


@pytest.mark.parametrize("begin", [100, 240, 400])
def test_what_a_torn_frame_kept_of_the_one_before_is_found(begin: int) -> None:
    before, torn = part(5), part(6)
    torn[begin:] = before[begin:]
    stale = stale_rows(glance(torn, PixelFormat.MONO8), glance(before, PixelFormat.MONO8))
    assert stale is not None
    assert begin <= stale[0] < begin + 64
    assert stale[1] >= HEIGHT - 64


def test_where_there_is_nothing_to_see_two_pictures_may_be_the_same() -> None:
    first, second = part(5), part(6)
    first[:96] = second[:96] = 0
    assert stale_rows(glance(second, PixelFormat.MONO8), glance(first, PixelFormat.MONO8)) is None


@pytest.mark.parametrize("width", [640, 637])
def test_a_frame_whose_rows_lie_apart_is_looked_at_as_any_other(width: int) -> None:
    wide = np.zeros((HEIGHT, 800), np.uint8)
    frame = wide[:, 64 : 64 + width]
    frame[:] = part(3)[:, :width]
    apart, together = (glance(one, PixelFormat.MONO8) for one in (frame, frame.copy()))
    assert apart.marks == together.marks
    assert apart.light == together.light


def test_noise_and_dense_strokes_are_grave_in_the_first_frame() -> None:
    random = np.random.default_rng(9)
    noise = random.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    places = random.integers(0, [WIDTH, HEIGHT], (1500, 2))
    strokes = part(100)
    for x, y in places.tolist():
        cv2.line(strokes, (x - 6, y - 3), (x + 6, y + 3), 40, 2)
    for frame in (noise, strokes):
        assert kinds(health().look(glance(frame, PixelFormat.MONO8)))["busy"] is True


def test_a_cover_over_a_third_of_the_picture_is_grave_in_the_first_frame() -> None:
    frame = part(100)
    frame[:, : WIDTH // 3] = 20
    assert kinds(health().look(glance(frame, PixelFormat.MONO8)))["strange"] is True


def test_one_defect_is_neither_busy_nor_strange() -> None:
    judge = health()
    for n in range(40):
        frame = part(100 + n)
        x, y = n * 7, (n * 61) % 200
        cv2.line(frame, (x, y), (x + 300, y + 180), 30, 5)
        assert judge.look(glance(frame, PixelFormat.MONO8)) == ()


def test_a_picture_that_burns_out_is_found() -> None:
    def bright(frame: Pixels) -> Pixels:
        frame[:60] = 255
        return frame

    found = kinds(said(glances(bright, count=5), health(limits=Limits(light=(1.0, 2.0)))))
    assert found["burnt"] is True


def test_a_mosaic_is_looked_at_one_colour_at_a_time() -> None:
    mosaic = np.full((HEIGHT, WIDTH), 90, np.uint8)
    mosaic[::2, ::2] = 30
    assert glance(mosaic, PixelFormat.BAYER_RG8).sharpness == 0.0
    assert glance(mosaic, PixelFormat.MONO8).sharpness > 0


def test_colour_is_looked_at_by_its_green() -> None:
    colour = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    colour[..., 1] = 80
    assert glance(colour, PixelFormat.BGR8).light == 80.0


def test_health_without_frames_of_the_set_up_is_refused() -> None:
    with pytest.raises(ValueError, match="no frames of the set-up"):
        reference_of([])
