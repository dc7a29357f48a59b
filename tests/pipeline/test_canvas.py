"""A frame is read where it lies: the canvas shows what a copied tensor shows, and nothing is copied."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.domain.frame import PixelFormat
from inspector.pipeline import preprocess, tiling
from inspector.pipeline.canvas import Canvas, Margins, margins_for
from inspector.pipeline.detect import Detector
from inspector.ports.model import FrameSpec, InputSpec
from tests import fakes

U8 = np.dtype(np.uint8)
PLAIN = InputSpec(name="image", dtype="uint8", layout="NCHW", channels=1, multiple=32)


def bound(**changes: Any) -> Any:
    return fakes.card(**{"input": PLAIN, **changes})


@given(
    st.integers(1, 300),
    st.integers(1, 200),
    st.sampled_from([0, 40, 64, 128]),
    st.sampled_from(["replicate", "none"]),
    st.sampled_from([0, 64, 128]),
)
@settings(max_examples=60, deadline=None)
def test_a_canvas_shows_each_tile_as_a_copied_tensor_does(
    height: int, width: int, strip_px: int, border: str, halo_px: int
) -> None:
    card = bound(border=border, halo_px=halo_px)
    canvas = Canvas((height, width), U8, margins_for(card, height, width, strip_px=strip_px))
    canvas.frame[:] = np.random.default_rng(height * 999 + width).integers(0, 256, (height, width), np.uint8)
    tiles = tiling.plan(height, width, card, strip_px=strip_px)
    assert canvas.holds(canvas.frame, tiles)
    canvas.continue_edges()
    for tile in tiles:
        copied = np.full((tile.height, tile.width), 77, np.uint8)
        preprocess.fill(copied, np.asarray(canvas.frame, np.uint8), tile)
        shown = canvas.tensor(tile)
        assert (shown[0, 0] == copied).all()
        assert np.shares_memory(shown, canvas.whole)
        assert shown.flags.c_contiguous


def test_another_frame_or_another_layout_does_not_lie_on_a_canvas() -> None:
    card = bound()
    canvas = Canvas((100, 90), U8, margins_for(card, 100, 90))
    whole = tiling.plan(100, 90, card)
    assert not canvas.holds(canvas.frame.copy(), whole)
    assert not canvas.holds(canvas.frame[:50], whole)
    assert not canvas.holds(
        canvas.frame,
        tiling.strips(
            100, 90, bound(input=InputSpec(name="image", dtype="uint8", layout="NCHW", channels=1, multiple=128))
        ),
    )
    bare = Canvas((100, 90), U8, Margins())
    assert not bare.holds(bare.frame, whole)


@pytest.mark.parametrize(
    "changes",
    [
        {"input": InputSpec(name="image", dtype="float32", layout="NCHW", channels=1, multiple=32)},
        {"input": InputSpec(name="image", dtype="uint8", layout="NHWC", channels=1, multiple=32)},
        {"frame": FrameSpec(fit="letterbox", width=64, height=64)},
        {"frame": FrameSpec(pad=114)},
    ],
)
def test_a_model_that_wants_other_numbers_than_the_cameras_wants_no_room(changes: dict[str, Any]) -> None:
    assert margins_for(bound(**changes), 100, 90) == Margins()


class Looking(fakes.FakeRuntime):
    """Remembers what it was given."""

    def run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        self.given = tensor
        return super().run(tensor)


@pytest.mark.parametrize("strip_px", [0, 64])
def test_a_detector_reads_a_frame_on_a_canvas_without_a_copy_and_sees_the_same(strip_px: int) -> None:
    runtime = Looking()
    eye = Detector(card=bound(), runtime=runtime, decoder=fakes.FakeDecoder(), strip_px=strip_px)
    canvas = Canvas((100, 90), U8, eye.margins(100, 90))
    canvas.frame[:] = np.random.default_rng(1).integers(0, 256, (100, 90), np.uint8)
    frame = canvas.frame.view()
    frame.flags.writeable = False
    inferred = eye.infer(frame, PixelFormat.MONO8, canvas)
    assert np.shares_memory(runtime.given, canvas.whole)
    copied = eye.infer(frame, PixelFormat.MONO8)
    assert not np.shares_memory(runtime.given, canvas.whole)
    assert [output.tile for output in inferred.outputs] == [output.tile for output in copied.outputs]
    for one, other in zip(inferred.outputs, copied.outputs, strict=True):
        assert all((a == b).all() for a, b in zip(one.arrays, other.arrays, strict=True))


@pytest.mark.parametrize("pixel_format", [PixelFormat.BGR8, PixelFormat.BAYER_RG8, PixelFormat.BAYER_GB8])
def test_a_colour_frame_is_made_grey_in_one_pass_onto_a_canvas_of_the_detectors_own(pixel_format: PixelFormat) -> None:
    runtime = Looking()
    eye = Detector(card=bound(), runtime=runtime, decoder=fakes.FakeDecoder())
    frame = np.random.default_rng(2).integers(0, 256, (100, 90, 3)[: 2 + (pixel_format.channels > 1)], np.uint8)
    frame.flags.writeable = False
    inferred = eye.infer(frame, pixel_format)
    assert (inferred.image == preprocess.grey(frame, pixel_format)).all()
    assert np.shares_memory(runtime.given, inferred.image)
    first = runtime.given
    eye.infer(frame, pixel_format)
    assert np.shares_memory(runtime.given, first)


def test_a_colour_frame_is_no_canvas_and_is_looked_at_all_the_same() -> None:
    runtime = Looking()
    eye = Detector(card=bound(), runtime=runtime, decoder=fakes.FakeDecoder())
    canvas = Canvas((100, 90, 3), U8, Margins())
    eye.infer(canvas.frame, PixelFormat.BGR8, canvas)
    assert not np.shares_memory(runtime.given, canvas.whole)
