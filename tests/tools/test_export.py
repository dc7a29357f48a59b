"""The exported graph takes bytes, gives bytes, and says what the float graph says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="the workshop's export needs onnx: make workshop")
import onnxruntime as ort  # noqa: E402 - after the skip

from inspector.adapters.runtime_onnx.graph import plain  # noqa: E402 - after the skip
from inspector.app.model_package import load_card  # noqa: E402 - after the skip
from inspector.app.runtime_choice.trial import picture  # noqa: E402 - after the skip
from inspector.domain.frame import PixelFormat  # noqa: E402 - after the skip
from tools.graph import blocks, build, with_pixels  # noqa: E402 - after the skip
from tools.plan import NORM_MIDDLE, NORM_SCALE, TIERS, Folded  # noqa: E402 - after the skip
from tools.quantise import LOGIT_LIMIT, Quantised, quantise  # noqa: E402 - after the skip


def _crops(count: int, side: int = 128) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (side, side), dtype=np.uint8) for _ in range(count)]


def _session(model: Any) -> ort.InferenceSession:
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def float_model(random_folded: Folded) -> Any:
    return build(random_folded)


@pytest.fixture(scope="module")
def int8(float_model: Any) -> Quantised:
    return quantise(float_model, _crops(6))


def test_blocks_are_row_major_four_by_four_pixels() -> None:
    image = np.arange(8 * 12).reshape(1, 1, 8, 12)
    made = blocks(image)
    assert made.shape == (1, 16, 2, 3)
    assert made[0, :, 1, 2].tolist() == image[0, 0, 4:8, 8:12].ravel().tolist()


def test_the_int8_graph_takes_uint8_pixels_and_gives_uint8_logits_at_stride_8(int8: Quantised) -> None:
    session = _session(int8.model)
    (entry,), (result,) = session.get_inputs(), session.get_outputs()
    assert (entry.name, entry.type) == ("image", "tensor(uint8)")
    assert (result.name, result.type) == ("logits", "tensor(uint8)")


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 160), (256, 320)])
def test_height_and_width_are_free_multiples_of_32(int8: Quantised, height: int, width: int) -> None:
    logits = _session(int8.model).run(None, {"image": np.full((1, 1, height, width), 90, np.uint8)})[0]
    assert logits.shape == (1, 5, height // 8, width // 8)
    assert logits.dtype == np.uint8


def test_int8_logits_follow_the_float_logits(float_model: Any, int8: Quantised) -> None:
    crop = _crops(8)[-1]
    image = ((crop.astype(np.float32) - NORM_MIDDLE) / NORM_SCALE)[None, None]
    expected = _session(float_model).run(None, {"blocks": np.ascontiguousarray(blocks(image))})[0]
    codes = _session(int8.model).run(None, {"image": crop[None, None]})[0]
    logits = (codes.astype(np.float32) - int8.zero_point) * int8.scale
    assert np.abs(logits - expected).mean() < 0.1 * expected.std() + int8.scale


def test_no_quantiser_stands_between_the_camera_and_the_stem(int8: Quantised) -> None:
    kinds = [node.op_type for node in int8.model.graph.node]
    assert kinds.index("DequantizeLinear") < kinds.index("QuantizeLinear")
    assert "Resize" not in kinds
    assert "Sigmoid" not in kinds


def test_pixels_enter_exactly_even_where_no_calibration_crop_is_black_or_white(float_model: Any) -> None:
    grey = [np.full((128, 128), 128, np.uint8)]
    assert quantise(float_model, grey).scale > 0  # an inexact input range would have raised


def test_folding_keeps_what_the_trained_net_says() -> None:
    torch = pytest.importorskip("torch", reason="folding needs the workshop's torch")
    from tools.net import SurfaceNet

    torch.manual_seed(1)
    net = SurfaceNet(TIERS["small"], 5)
    net.train()
    for _ in range(3):
        net(torch.randn(2, 1, 64, 64))  # moves the batch norms away from their start
    net.eval()
    image = np.random.default_rng(2).normal(0, 0.5, (1, 1, 96, 64)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(image)).numpy()
    found = _session(build(net.fold())).run(None, {"blocks": np.ascontiguousarray(blocks(image))})[0]
    assert np.abs(found - expected).max() < 1e-4


def test_the_float_form_takes_bytes_too_and_says_the_same(float_model: Any) -> None:
    crop = _crops(1)[0]
    image = ((crop.astype(np.float32) - NORM_MIDDLE) / NORM_SCALE)[None, None]
    expected = _session(float_model).run(None, {"blocks": np.ascontiguousarray(blocks(image))})[0]
    given = _session(with_pixels(float_model)).run(None, {"image": crop[None, None]})[0]
    assert np.abs(given - expected).max() < 1e-4


def test_a_package_gives_its_float_graph_back(repo: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="folding needs the workshop's torch")
    from tools.float_graph import write_float

    write_float(repo / "models" / "surface-nano", tmp_path / "float.onnx")
    crop = picture(1, 256, 256, PixelFormat.MONO8)[None, None]
    wanted = ort.InferenceSession(tmp_path / "float.onnx", providers=["CPUExecutionProvider"]).run(
        None, {"image": crop}
    )
    codes = plain(repo / "models" / "surface-nano" / "model.onnx").run(None, {"image": crop})[0]
    card = load_card(repo / "models" / "surface-nano")
    logits = (codes.astype(np.float32) - card.output.zero_point) * card.output.scale
    assert np.abs(np.clip(wanted[0], -LOGIT_LIMIT, LOGIT_LIMIT) - logits).mean() < 0.15
