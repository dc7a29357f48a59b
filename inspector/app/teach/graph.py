"""Writes the ONNX graphs of teaching: the eyes (pixels to features), and the taught model (pixels to anomaly map)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inspector.app.teach.gaussian import Floats, Gaussian

COARSE, FINE = "s32", "s16"
"""The backbone's outputs that are looked at, at stride 32 and 16."""
CELL_PX = 16
"""Side of a cell, px at working scale."""
MULTIPLE_PX = 32
FEATURES = "features"
MAP = "map"
NAMES = "names"


class _Graph:
    """A copy of the backbone that nodes are added to."""

    def __init__(self, backbone: Any) -> None:
        self.model = onnx.ModelProto()
        self.model.CopyFrom(backbone)
        self.graph = self.model.graph

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.graph.node.append(helper.make_node(kind, inputs, [output], name=f"teach.{output}", **attributes))
        return output

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype), f"teach.{name}"))
        return f"teach.{name}"


def eyes(backbone: Any, *, shrink: int) -> Any:
    """Bytes (1, 1, H, W) to features (1, channels, h, w), a cell each ``CELL_PX * shrink`` frame pixels."""
    made = _Graph(backbone)
    kept = list(made.graph.node)
    del made.graph.node[:]
    _shrunk(made, shrink)
    made.graph.node.extend(kept)
    made.add(
        "Resize",
        [COARSE, "", made.constant("twice", [1.0, 1.0, 2.0, 2.0])],
        "coarse",
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    made.add("Concat", [FINE, "coarse"], "stacked", axis=1)
    made.add(
        "AveragePool",
        ["stacked"],
        FEATURES,
        kernel_shape=[3, 3],
        strides=[1, 1],
        pads=[1, 1, 1, 1],
        count_include_pad=0,
    )
    _sides(made, {FEATURES: None})
    return made.model


def taught(eye: Any, gaussian: Gaussian, *, limit: float, names: tuple[Floats, Floats] | None = None) -> Any:
    """Bytes to a map (1, 1, h, w) of distance / limit; with ``names`` also (1, labels, h, w) of their evidence.

    ``names``: weight (labels, channels) and bias (labels,) on whitened features.
    """
    made = _Graph(eye)
    weight = made.constant("whiten", gaussian.weight[:, :, None, None])
    made.add("Conv", [FEATURES, weight, made.constant("centre", gaussian.bias)], "whitened", kernel_shape=[1, 1])
    made.add("ReduceL2", ["whitened"], "distance", axes=[1], keepdims=1)
    made.add("Mul", ["distance", made.constant("per_limit", 1.0 / limit)], MAP)
    outputs: dict[str, int | None] = {MAP: 1}
    if names is not None:
        weight = made.constant("names_weight", names[0][:, :, None, None])
        made.add("Conv", ["whitened", weight, made.constant("names_bias", names[1])], NAMES, kernel_shape=[1, 1])
        outputs[NAMES] = len(names[1])
    _sides(made, outputs)
    onnx.checker.check_model(made.model)
    return made.model


def save(model: Any, path: Path) -> None:
    """Write a graph."""
    onnx.save(model, path)


def _shrunk(made: _Graph, shrink: int) -> None:
    """The mean of ``shrink`` x ``shrink`` pixels, rounded to bytes: what the backbone looks at."""
    if shrink == 1:
        made.add("Identity", ["image"], "pixels")
        return
    made.add("Cast", ["image"], "light", to=TensorProto.FLOAT)
    sides = [shrink, shrink]
    made.add("AveragePool", ["light"], "small", kernel_shape=sides, strides=sides)
    one, zero = made.constant("one", 1.0), made.constant("zero", 0, np.uint8)
    made.add("QuantizeLinear", ["small", one, zero], "pixels")


def _sides(made: _Graph, outputs: Mapping[str, int | None]) -> None:
    del made.graph.input[:]
    made.graph.input.append(helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, "height", "width"]))
    del made.graph.output[:]
    for name, channels in outputs.items():
        made.graph.output.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, f"{name}_rows", f"{name}_columns"])
        )
