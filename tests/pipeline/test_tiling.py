"""Strips cover every pixel of a frame exactly once, wherever they are cut."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.pipeline import preprocess, tiling
from inspector.ports.model import InputSpec, OutputSpec
from tests.fakes import card


@given(
    height=st.integers(1, 700),
    width=st.integers(1, 300),
    strip_px=st.integers(0, 800),
    stride=st.sampled_from([1, 2, 4, 8, 16, 32]),
    halo=st.integers(0, 5),
)
@settings(max_examples=150, deadline=None)
def test_every_pixel_is_kept_exactly_once_and_seen_with_its_surroundings(
    height: int, width: int, strip_px: int, stride: int, halo: int
) -> None:
    bound = card(
        halo_px=32 * halo,
        input=InputSpec(name="image", dtype="uint8", layout="NCHW", channels=1, multiple=32),
        output=OutputSpec(name="logits", dtype="uint8", stride=stride, scale=0.1, zero_point=128),
    )
    tiles = tiling.strips(height, width, bound, strip_px=strip_px)
    covered = np.zeros((height, width), int)
    for tile in tiles:
        keep = tile.keep
        covered[int(keep.y) : int(keep.bottom), int(keep.x) : int(keep.right)] += 1
        assert keep.y % stride == keep.x % stride == (keep.y - tile.y) % stride == 0
        assert (tile.y - tiles[0].y) % 32 == (tile.x - tiles[0].x) % 32 == 0  # on the whole frame's coarse grid
        assert tile.width % 32 == tile.height % 32 == 0
        assert tile.x <= keep.x - tiling.BORDER_PX
        assert keep.right + tiling.BORDER_PX <= tile.x + tile.width
        above = tiling.BORDER_PX if keep.y == 0 else max(32 * halo, tiling.BORDER_PX)
        below = tiling.BORDER_PX if keep.bottom == height else max(32 * halo, tiling.BORDER_PX)
        assert tile.y <= keep.y - above
        assert keep.bottom + below <= tile.y + tile.height
    assert (covered == 1).all()
    assert tiling.largest(tiles) == (max(t.height for t in tiles), max(t.width for t in tiles))


@given(st.integers(1, 300), st.integers(1, 90), st.sampled_from([0, 40, 64]))
@settings(max_examples=80, deadline=None)
def test_a_tile_shows_the_frame_and_beyond_it_the_nearest_edge(height: int, width: int, strip_px: int) -> None:
    image = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width), np.uint8)
    for tile in tiling.strips(height, width, card(), strip_px=strip_px):
        tensor = np.full((tile.height, tile.width), 77, np.uint8)
        preprocess.fill(tensor, image, tile)
        rows = np.clip(np.arange(tile.y, tile.y + tile.height), 0, height - 1)
        columns = np.clip(np.arange(tile.x, tile.x + tile.width), 0, width - 1)
        assert (tensor == image[np.ix_(rows, columns)]).all()
