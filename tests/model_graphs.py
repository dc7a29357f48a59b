"""Tiny ONNX models whose answers are known: one that finds the brightest rectangle, one that always says the same."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inspector.adapters.runtime_onnx import OnnxRuntime, OnnxSettings
from inspector.domain.detection import Detection
from inspector.domain.frame import PixelFormat
from inspector.pipeline.detect import Detector
from inspector.ports.model import FrameSpec, InputSpec, ModelCard, OutputSpec
from inspector.ports.plugin import Context, Plugin
from tests.fakes import card

CONTEXT = Context(station="s", data_dir="", run_dir="")
KINDS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}


def _save(path: Path, graph: onnx.GraphProto, metadata: Mapping[str, str] | None = None) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def says(
    path: Path,
    answers: Mapping[str, NDArray[Any]],
    *,
    shape: Sequence[int | str] = (1, 3, 64, 64),
    input_name: str = "images",
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A model that gives ``answers`` whatever it is shown."""
    nodes = [
        helper.make_node("ReduceMean", [input_name], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["nothing"]),
    ]
    weights = [numpy_helper.from_array(np.array(0, np.float32), "nought")]
    for name, answer in answers.items():
        kind = KINDS[str(answer.dtype)]
        weights.append(numpy_helper.from_array(answer, f"{name}_known"))
        nodes += [
            helper.make_node("Cast", ["nothing"], [f"{name}_nothing"], to=kind),
            helper.make_node("Add", [f"{name}_known", f"{name}_nothing"], [name]),
        ]
    outputs = [helper.make_tensor_value_info(n, KINDS[str(a.dtype)], a.shape) for n, a in answers.items()]
    entry = helper.make_tensor_value_info(input_name, TensorProto.FLOAT, shape)
    return _save(path, helper.make_graph(nodes, "says", [entry], outputs, weights), metadata)


def spotter(
    path: Path, *, side: int = 64, free: bool = False, classes: int = 2, metadata: Mapping[str, str] | None = None
) -> Path:
    """A v8 head (1, 4 + classes, 1): a box around the brightest red pixels, their light the score of class 0."""
    pick = numpy_helper.from_array(np.array([0], np.int64), "pick")
    one, half = (numpy_helper.from_array(np.array(v, np.float32), n) for v, n in ((1, "one"), (0.5, "half")))
    rest = numpy_helper.from_array(np.zeros((1, classes - 1), np.float32), "rest")
    nodes = [
        helper.make_node("Gather", ["images", "pick"], ["red"], axis=1),
        helper.make_node("ReduceMax", ["red"], ["columns"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMax", ["red"], ["rows"], axes=[1, 3], keepdims=0),
        helper.make_node("ReduceMax", ["columns"], ["score"], axes=[1], keepdims=1),
    ]
    for axis, low, high in (("columns", "left", "right"), ("rows", "top", "bottom")):
        nodes += [
            helper.make_node("ArgMax", [axis], [f"{low}_i"], axis=1),
            helper.make_node("ArgMax", [axis], [f"{high}_i"], axis=1, select_last_index=1),
            helper.make_node("Cast", [f"{low}_i"], [low], to=TensorProto.FLOAT),
            helper.make_node("Cast", [f"{high}_i"], [f"{high}_last"], to=TensorProto.FLOAT),
            helper.make_node("Add", [f"{high}_last", "one"], [high]),
            helper.make_node("Sub", [high, low], [f"{axis}_side"]),
            helper.make_node("Add", [high, low], [f"{axis}_sum"]),
            helper.make_node("Mul", [f"{axis}_sum", "half"], [f"{axis}_centre"]),
        ]
    nodes += [
        helper.make_node(
            "Concat",
            ["columns_centre", "rows_centre", "columns_side", "rows_side", "score", "rest"],
            ["row"],
            axis=1,
        ),
        helper.make_node("Unsqueeze", ["row", "last"], ["output0"]),
    ]
    weights = [pick, one, half, rest, numpy_helper.from_array(np.array([2], np.int64), "last")]
    sides = ("height", "width") if free else (side, side)
    graph = helper.make_graph(
        nodes,
        "spotter",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *sides])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 4 + classes, 1])],
        weights,
    )
    return _save(path, graph, metadata)


def heat(path: Path, *, side: int = 64, free: bool = False) -> Path:
    """As anomalib exports: a map that is the mean of the colours, the score of the picture its largest number.

    ``free``: it takes any size and scales to ``side`` itself.
    """
    sizes = numpy_helper.from_array(np.array([1, 3, side, side], np.int64), "sizes")
    last = numpy_helper.from_array(np.array([1], np.int64), "last")
    nodes = [
        helper.make_node("Resize", ["input", "", "", "sizes"], ["scaled"], mode="linear"),
        helper.make_node("ReduceMean", ["scaled"], ["anomaly_map"], axes=[1], keepdims=1),
        helper.make_node("ReduceMax", ["anomaly_map"], ["largest"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["largest", "last"], ["pred_score"]),
        helper.make_node("Greater", ["anomaly_map", "half"], ["pred_mask"]),
    ]
    sides = ("height", "width") if free else (side, side)
    outputs = [
        helper.make_tensor_value_info("pred_score", TensorProto.FLOAT, ["batch_size", 1]),
        helper.make_tensor_value_info("anomaly_map", TensorProto.FLOAT, ["batch_size", 1, side, side]),
        helper.make_tensor_value_info("pred_mask", TensorProto.BOOL, ["batch_size", 1, side, side]),
    ]
    entry = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch_size", 3, *sides])
    half = numpy_helper.from_array(np.array(0.5, np.float32), "half")
    return _save(path, helper.make_graph(nodes, "heat", [entry], outputs, [sizes, last, half]))


def model_card(path: Path, *, frame: FrameSpec, outputs: Sequence[OutputSpec] = (), **changed: Any) -> ModelCard:
    """A card for such a model."""
    first, *further = outputs or (OutputSpec(name="output0", dtype="float32"),)
    values: dict[str, Any] = {
        "task": "detection",
        "labels": ("line", "spot"),
        "input": InputSpec(
            name="images", dtype="float32", layout="NCHW", channels=3, multiple=1, colour="rgb", scale=1 / 255
        ),
        "output": first,
        "further_outputs": tuple(further),
        "frame": frame,
        "candidate_score": 0.25,
    }
    return card(path, **{**values, **changed})


def detector(stack: ExitStack, plugin: Plugin, bound: ModelCard, **settings: Any) -> Detector:
    """The line's own way from pixels to detections around this card."""
    decoder = stack.enter_context(plugin.open(plugin.settings_model(**settings), CONTEXT, bound))
    return Detector(card=bound, runtime=OnnxRuntime(OnnxSettings(threads=1), bound), decoder=decoder)


def seen(plugin: Plugin, bound: ModelCard, image: NDArray[np.uint8], **settings: Any) -> tuple[Detection, ...]:
    """What it detects in one picture."""
    pixel_format = PixelFormat.MONO8 if image.ndim == 2 else PixelFormat.BGR8
    with ExitStack() as stack:
        return detector(stack, plugin, bound, **settings).detect(image, pixel_format).detections


def corners(detection: Detection) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    box = detection.box
    return (box.x, box.y, box.right, box.bottom)
