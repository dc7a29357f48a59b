"""What comes over a wire becomes what the line looks at."""

import numpy as np
import pytest

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat
from inspector.pipeline.preprocess import picture
from inspector.pipeline.wire import line_format, put_into
from inspector.ports.model import InputSpec
from inspector.ports.pixel_wire import Packing, wire_format
from tests.ports.test_pixel_wire import packed


def test_red_first_becomes_blue_first() -> None:
    red = np.zeros((2, 3, 3), np.uint8)
    red[..., 0] = 200
    into = np.zeros_like(red)
    put_into(into, red, wire_name="RGB8", window=None, device="camera x")
    assert into[0, 0].tolist() == [0, 0, 200]


def test_a_window_of_grey_levels_becomes_a_byte_and_what_lies_beyond_its_ends() -> None:
    deep = np.array([[0, 100, 2050, 4000, 65535]], np.uint16)
    into = np.zeros((1, 5), np.uint8)
    put_into(into, deep, wire_name="Mono12", window=(100, 4000), device="camera x")
    assert into.tolist() == [[0, 0, 128, 255, 255]]


def test_a_mosaic_and_grey_of_any_depth_stay_bit_for_bit() -> None:
    mosaic = np.arange(12, dtype=np.uint8).reshape(3, 4)
    into = np.zeros_like(mosaic)
    put_into(into, mosaic, wire_name="BayerRG8", window=None, device="camera x")
    assert (into == mosaic).all()
    deep = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    into16 = np.zeros_like(deep)
    put_into(into16, deep, wire_name="Mono16", window=None, device="camera x")
    assert (into16 == deep).all()


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (3, 4, 3)])
def test_another_size_than_the_camera_was_opened_with_is_no_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(FrameError, match="is another program setting the camera"):
        put_into(
            np.zeros((3, 4), np.uint8), np.zeros(shape, np.uint8), wire_name="Mono8", window=None, device="camera x"
        )


@pytest.mark.parametrize(
    ("wire", "window", "line"),
    [
        ("Mono8", None, PixelFormat.MONO8),
        ("Mono12", None, PixelFormat.MONO16),
        ("Mono12", (0, 4095), PixelFormat.MONO8),
        ("RGB8", None, PixelFormat.BGR8),
        ("BGR8Packed", None, PixelFormat.BGR8),
        ("BayerGB8", None, PixelFormat.BAYER_GB8),
        ("BayerGB12", (0, 4095), PixelFormat.BAYER_GB8),
        ("BayerRG12p", (0, 4095), PixelFormat.BAYER_RG8),
        ("Mono10Packed", None, PixelFormat.MONO16),
    ],
)
def test_what_the_line_gets_of_a_wire_format(wire: str, window: tuple[int, int] | None, line: PixelFormat) -> None:
    assert line_format(wire, window) is line


@pytest.mark.parametrize(("wire", "window"), [("Mono12", (0, 4095)), ("RGB8", None), ("BayerRG8", None)])
def test_a_buffer_whose_rows_lie_apart_is_filled_too(wire: str, window: tuple[int, int] | None) -> None:
    shape = (8, 20, 3) if wire == "RGB8" else (8, 20)
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(np.uint16 if window else np.uint8)
    together = np.zeros(shape, np.uint8)
    apart = np.zeros((8, 64, *shape[2:]), np.uint8)[:, :20]
    for buffer in (together, apart):
        put_into(buffer, pixels, wire_name=wire, window=window, device="camera x")
    assert together.any()
    assert (apart == together).all()


def test_a_deep_mosaic_without_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a window"):
        line_format("BayerRG12", None)


@pytest.mark.parametrize("name", ["BayerRG12", "BayerRG12p", "BayerRG12Packed"])
def test_red_stands_top_left_in_a_deep_mosaic_and_stays_red(name: str) -> None:
    """BayerRG is RGGB: a red scene lights every second pixel of every second row, from the first on."""
    levels = np.zeros((8, 16), np.uint16)
    levels[::2, ::2] = 4000
    wire = wire_format(name)
    pixels = levels if wire.packing is Packing.BYTES else packed(levels, wire)
    into = np.zeros((8, 16), np.uint8)
    put_into(into, pixels, wire_name=name, window=(0, 4000), device="camera x")
    assert (into[::2, ::2] == 255).all()
    assert not into[1::2].any()
    spec = InputSpec(name="image", dtype="float32", layout="NCHW", channels=3, multiple=1, colour="rgb")
    shown = picture(into, line_format(name, (0, 4000)), spec)
    blue, green, red = shown[4, 8].tolist()
    assert (red, blue) == (255, 0)
    assert green < 255


def test_what_a_library_has_unpacked_is_taken_as_it_is() -> None:
    levels = np.arange(32, dtype=np.uint16).reshape(4, 8) * 100
    into = np.zeros_like(levels)
    put_into(into, levels, wire_name="Mono12p", window=None, device="camera x")
    assert (into == levels).all()
