"""A frame reaches the model as its card says: whole, stretched, letterboxed, cropped or in tiles."""

import hashlib
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain.frame import PixelFormat
from inspector.pipeline import preprocess, tiling
from inspector.pipeline.preprocess import Presenter
from inspector.ports.model import FrameSpec, InputSpec, ModelCard, OutputSpec
from tests.fakes import card

RGB = InputSpec(name="images", dtype="float32", layout="NCHW", channels=3, multiple=1, colour="rgb", scale=1 / 255)


def bound(frame: FrameSpec, spec: InputSpec = RGB, **changed: Any) -> ModelCard:
    return card(frame=frame, input=spec, output=OutputSpec(name="out", dtype="float32"), task="detection", **changed)


def shown(image: np.ndarray, model: ModelCard) -> list[np.ndarray]:
    presenter = Presenter(model.input, model.frame)
    tensors = []
    for tile in tiling.plan(image.shape[0], image.shape[1], model):
        tensor = presenter.tensor(tile)
        presenter.write(tensor, image, tile)
        tensors.append(tensor)
    return tensors


def noise(height: int, width: int, *channels: int) -> np.ndarray:
    return np.random.default_rng(height + width).integers(0, 256, (height, width, *channels), np.uint8)


def letterboxed(image: np.ndarray, side: int) -> np.ndarray:
    """What the trainers of letterboxed models do, written down once more."""
    height, width = image.shape[:2]
    ratio = min(side / height, side / width)
    wide, high = round(width * ratio), round(height * ratio)
    small = cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR)
    left, top = (side - wide) / 2, (side - high) / 2
    edges = (round(top - 0.1), round(top + 0.1), round(left - 0.1), round(left + 0.1))
    return cv2.copyMakeBorder(small, *edges, cv2.BORDER_CONSTANT, value=(114, 114, 114))


@pytest.mark.parametrize(("height", "width"), [(100, 333), (333, 100), (64, 64), (21, 40), (90, 131)])
def test_a_letterbox_is_the_peers_letterbox(height: int, width: int) -> None:
    image = noise(height, width, 3)
    (tensor,) = shown(image, bound(FrameSpec(fit="letterbox", width=64, height=64, pad=114)))
    wanted = letterboxed(image, 64)[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255
    assert tensor.dtype == np.float32
    assert np.abs(tensor - wanted).max() < 1e-6


@given(height=st.integers(5, 900), width=st.integers(5, 900))
@settings(max_examples=60, deadline=None)
def test_a_letterboxed_point_finds_its_way_back(height: int, width: int) -> None:
    tile = tiling.letterbox(height, width, FrameSpec(fit="letterbox", width=320, height=256), multiple=32)
    corners = np.array([tile.pad_x, tile.pad_y, tile.pad_x + width * tile.scale_x, tile.pad_y + height * tile.scale_y])
    assert tile.to_frame(corners) == pytest.approx([0, 0, width, height], abs=1e-6)


def test_a_rect_letterbox_is_padded_to_the_multiple_only() -> None:
    tile = tiling.letterbox(
        1080, 1920, FrameSpec(fit="letterbox", width=640, height=640, rect=True, anchor="corner"), multiple=32
    )
    assert (tile.width, tile.height, tile.pad_x, tile.pad_y) == (640, 384, 0, 0)


def test_a_stretched_frame_fills_the_input() -> None:
    image = noise(50, 120)
    (tensor,) = shown(image, bound(FrameSpec(width=32, height=48)))
    wanted = cv2.resize(image, (32, 48)).astype(np.float32) / 255
    assert all(np.abs(tensor[0, channel] - wanted).max() < 1e-6 for channel in range(3))


def test_normalisation_is_scale_then_mean_then_deviation_in_the_cards_colour_order() -> None:
    image = np.empty((4, 4, 3), np.uint8)
    image[:] = (10, 20, 30)
    spec = InputSpec(
        name="x",
        dtype="float32",
        layout="NHWC",
        channels=3,
        multiple=1,
        colour="rgb",
        scale=1 / 255,
        mean=(0.1, 0.2, 0.3),
        std=(0.5, 0.25, 0.125),
    )
    (tensor,) = shown(image, bound(FrameSpec(width=4, height=4), spec))
    wanted = [(30 / 255 - 0.1) / 0.5, (20 / 255 - 0.2) / 0.25, (10 / 255 - 0.3) / 0.125]
    assert tensor.shape == (1, 4, 4, 3)
    assert tensor[0, 2, 3] == pytest.approx(wanted, abs=1e-6)


def test_a_grey_camera_shows_a_colour_model_three_equal_planes() -> None:
    image = preprocess.picture(noise(8, 8), PixelFormat.MONO8, RGB)
    (tensor,) = shown(image, bound(FrameSpec(width=8, height=8)))
    assert (tensor[0, 0] == tensor[0, 1]).all()
    assert (tensor[0, 0] == tensor[0, 2]).all()


def test_a_mosaic_keeps_its_colour_for_a_colour_model() -> None:
    cells = np.tile(np.array([[200, 100], [100, 40]], np.uint8), (8, 8))
    colour = preprocess.picture(cells, PixelFormat.BAYER_RG8, RGB)
    assert colour[5, 5].tolist() == [40, 100, 200]


def test_the_frame_in_its_own_pixels_gets_no_border_where_the_card_wants_none() -> None:
    image = noise(30, 50, 3)
    (tensor,) = shown(image, bound(FrameSpec(), border="none"))
    assert np.abs(tensor[0] * 255 - image[..., ::-1].transpose(2, 0, 1)).max() < 1e-4


@given(
    height=st.integers(1, 700),
    width=st.integers(1, 700),
    side=st.sampled_from([64, 96, 160]),
    overlap=st.integers(0, 48),
    stride=st.sampled_from([1, 8, 32]),
)
@settings(max_examples=120, deadline=None)
def test_tiles_see_every_pixel_answer_for_it_once_and_share_what_the_card_asks(
    height: int, width: int, side: int, overlap: int, stride: int
) -> None:
    spec = FrameSpec(fit="tiles", width=side, height=side, overlap_px=overlap)
    tiles = tiling.grid(height, width, spec, stride=stride)
    covered = np.zeros((height, width), int)
    for tile in tiles:
        keep = tile.keep
        assert tile.x % stride == tile.y % stride == keep.x % stride == keep.y % stride == 0
        assert tile.x <= keep.x
        assert keep.right <= tile.x + side
        assert tile.y <= keep.y
        assert keep.bottom <= tile.y + side
        covered[int(keep.y) : int(keep.bottom), int(keep.x) : int(keep.right)] += 1
    assert (covered == 1).all()
    for starts in ({tile.x for tile in tiles}, {tile.y for tile in tiles}):
        ordered = sorted(starts)
        assert all(a + side - b >= min(overlap, side - stride) for a, b in pairwise(ordered))


def test_a_tile_larger_than_the_frame_is_padded_with_the_cards_value() -> None:
    image = np.full((10, 20), 200, np.uint8)
    (tensor,) = shown(image, bound(FrameSpec(fit="tiles", width=32, height=32, pad=114)))
    assert tensor[0, 0, 9, 19] == pytest.approx(200 / 255)
    assert tensor[0, 0, 10, 0] == tensor[0, 0, 0, 20] == pytest.approx(114 / 255)


def test_antialiasing_shrinks_without_moire_and_keeps_light() -> None:
    stripes = np.tile(np.array([0, 200], np.uint8), (64, 64))
    small = preprocess.resize(stripes, 16, 8, "antialias")
    assert small.shape == (8, 16)
    assert np.abs(small.astype(int) - 100).max() <= 12
    assert preprocess.resize(np.full((9, 9, 3), (1, 2, 3), np.uint8), 4, 5, "antialias")[0, 0].tolist() == [1, 2, 3]


def test_antialiasing_gives_torchs_own_bits() -> None:
    picture = (np.outer(np.arange(6) * 7 + 3, np.arange(24) ** 2 + 5) % 251).astype(np.uint8)
    # torch 2.14.1: interpolate(size=(3, 7), mode="bilinear", antialias=True)
    assert preprocess.resize(picture, 7, 3, "antialias").tolist() == [
        [68, 107, 121, 109, 110, 128, 121],
        [130, 128, 126, 94, 146, 135, 104],
        [139, 105, 111, 116, 134, 113, 103],
    ]


@pytest.mark.parametrize(
    ("width", "height", "digest"),
    [(24, 16, "24fa1a576faf"), (60, 50, "644060a33585"), (11, 37, "1602f2ccc31f")],
)
def test_antialiasing_of_noise_in_colour_gives_torchs_own_bits(width: int, height: int, digest: str) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    scaled = preprocess.resize(noise, width, height, "antialias")
    assert hashlib.sha256(np.ascontiguousarray(scaled).tobytes()).hexdigest()[:12] == digest


def test_antialiasing_without_rounding_gives_numbers_between_two_grey_levels() -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8), (8, 1))
    exact = preprocess.resize(ramp, 16, 8, "antialias_float")
    assert exact.dtype == np.float32
    # A triangle four times as wide as a pixel keeps a ramp a ramp: the middle of pixels 8 to 11 is 9.5.
    assert exact[0, 2:14] == pytest.approx(np.arange(2, 14) * 4 + 1.5, abs=1e-4)
    assert preprocess.resize(ramp, 16, 8, "antialias")[0, 2] == 10
    grey = InputSpec(
        name="i",
        dtype="float32",
        layout="NCHW",
        channels=1,
        multiple=1,
        colour="grey",
        scale=1 / 255,
        mean=(0.5,),
        std=(0.2,),
    )
    (tensor,) = shown(ramp, bound(FrameSpec(width=16, height=8, interpolation="antialias_float"), grey))
    assert tensor[0, 0, 0, 2] == pytest.approx((9.5 / 255 - 0.5) / 0.2, abs=1e-5)


def test_a_crop_takes_the_middle_of_the_scaled_frame() -> None:
    image = noise(40, 80)
    tile = tiling.crop(40, 80, FrameSpec(fit="crop", width=16, height=16, resize_px=20))
    assert (tile.scale_x, tile.scale_y, tile.pad_x, tile.pad_y) == (0.5, 0.5, -12, -2)
    (tensor,) = shown(image, bound(FrameSpec(fit="crop", width=16, height=16, resize_px=20)))
    wanted = cv2.resize(image, (40, 20))[2:18, 12:28].astype(np.float32) / 255
    assert np.abs(tensor[0, 0] - wanted).max() < 1e-6
