"""Light is one 8-bit number a pixel, whatever the camera calls it."""

import numpy as np
import pytest

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat
from inspector.pipeline.preprocess import grey

RED, GREEN, BLUE = 200, 100, 40
LUMA = 0.299 * RED + 0.587 * GREEN + 0.114 * BLUE


def mosaic(pattern: str) -> np.ndarray:
    light = {"R": RED, "G": GREEN, "B": BLUE}
    cell = np.array([[light[pattern[0]], light[pattern[1]]], [light[pattern[2]], light[pattern[3]]]], np.uint8)
    return np.tile(cell, (16, 16))


def test_grey_pixels_are_passed_through_without_a_copy() -> None:
    pixels = np.zeros((8, 8), np.uint8)
    assert grey(pixels, PixelFormat.MONO8) is pixels


def test_colour_becomes_its_luma() -> None:
    pixels = np.full((8, 8, 3), (BLUE, GREEN, RED), np.uint8)
    assert np.abs(grey(pixels, PixelFormat.BGR8) - LUMA).max() <= 1


@pytest.mark.parametrize(
    ("pixel_format", "pattern"),
    [
        (PixelFormat.BAYER_RG8, "RGGB"),
        (PixelFormat.BAYER_GR8, "GRBG"),
        (PixelFormat.BAYER_GB8, "GBRG"),
        (PixelFormat.BAYER_BG8, "BGGR"),
    ],
)
def test_every_mosaic_gives_the_luma_of_its_colours(pixel_format: PixelFormat, pattern: str) -> None:
    light = grey(mosaic(pattern), pixel_format)
    assert light.shape == (32, 32)
    assert np.abs(light[4:-4, 4:-4] - LUMA).max() <= 2


def test_16_bit_pixels_are_refused_by_name() -> None:
    with pytest.raises(FrameError, match=r"Mono16 pixels.*Mono8"):
        grey(np.zeros((8, 8), np.uint16), PixelFormat.MONO16)
