r"""Write the folded surface net as an ONNX graph.

```
image [1,1,H,W] -> 4x4 pixel blocks [1,16,H/4,W/4]
   -> stem 3x3 (overlapping blocks: a thin line is seen whole)
   -> down8 -> body8 ----------------------------------------------- + -> mix -> head -> logits [1,5,H/8,W/8]
                 \-> down16 -> body16a -> body16b ------------- + -> lateral -> x2 /
                                             \-> down32 -> context -> x2 /
```
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tools.plan import (
    BLOCK,
    NORM_MIDDLE,
    NORM_SCALE,
    PATH_AT_8,
    PATH_AT_16,
    PATH_AT_32,
    ConvPlan,
    Folded,
    Shape,
    surface_plan,
)

OPSET = 21
IR_VERSION = 10


def blocks(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Turn images (n, 1, H, W) into what the stem wants: (n, 16, H/4, W/4), row-major in a block."""
    n, _, h, w = image.shape
    split = image.reshape(n, h // BLOCK, BLOCK, w // BLOCK, BLOCK)
    return split.transpose(0, 2, 4, 1, 3).reshape(n, BLOCK * BLOCK, h // BLOCK, w // BLOCK)


class _Writer:
    """Collects nodes and weights under readable names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def conv(self, plan: ConvPlan, folded: Folded, source: str) -> str:
        """Add a convolution and its ReLU; return the name of the result."""
        weight, bias = folded[plan.name].weight, folded[plan.name].bias
        self.weights.append(numpy_helper.from_array(weight, f"{plan.name}.weight"))
        self.weights.append(numpy_helper.from_array(bias, f"{plan.name}.bias"))
        target = f"{plan.name}.sum" if plan.relu else plan.name
        self.nodes.append(
            helper.make_node(
                "Conv",
                [source, f"{plan.name}.weight", f"{plan.name}.bias"],
                [target],
                name=plan.name,
                kernel_shape=[plan.kernel] * 2,
                strides=[plan.stride] * 2,
                pads=[plan.padding] * 4,
                dilations=[plan.dilation] * 2,
            )
        )
        if plan.relu:
            self.nodes.append(helper.make_node("Relu", [target], [plan.name], name=f"{plan.name}.relu"))
        return plan.name

    def doubled(self, source: str) -> str:
        """Add a nearest-neighbour upsampling by two."""
        target = f"{source}.x2"
        if not any(weight.name == "twice" for weight in self.weights):
            self.weights.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))
        self.nodes.append(
            helper.make_node(
                "Resize",
                [source, "", "twice"],
                [target],
                name=target,
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        )
        return target

    def added(self, first: str, second: str, target: str) -> str:
        """Add a sum of two tensors of one shape."""
        self.nodes.append(helper.make_node("Add", [first, second], [target], name=target))
        return target


def build(folded: Folded) -> Any:
    """Build the float model on normalised pixels: ``blocks`` [1,16,H/4,W/4] -> ``logits`` [1,classes,H/8,W/8]."""
    shape, classes = shape_of(folded), classes_of(folded)
    plan, writer = surface_plan(shape, classes), _Writer()

    def through(names: tuple[str, ...], source: str) -> str:
        for name in names:
            source = writer.conv(plan[name], folded, source)
        return source

    at8 = through(PATH_AT_8, "blocks")
    at16 = through(PATH_AT_16, at8)
    at32 = through(PATH_AT_32, at16)
    at16 = writer.added(at16, writer.doubled(at32), "with_context")
    lateral = writer.conv(plan["lateral"], folded, at16)
    joined = writer.added(at8, writer.doubled(lateral), "joined")
    writer.conv(plan["head"], folded, writer.conv(plan["mix"], folded, joined))
    writer.nodes[-1].output[0] = "logits"
    taken = helper.make_tensor_value_info("blocks", TensorProto.FLOAT, [1, BLOCK**2, "rows4", "columns4"])
    given = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classes, "rows", "columns"])
    graph = helper.make_graph(writer.nodes, "surface", [taken], [given], writer.weights)
    return checked(graph)


def pixel_blocks(target: str) -> tuple[list[Any], list[Any]]:
    """Nodes and constants that make ``target`` [1,16,H/4,W/4] from ``image`` [1,1,H,W], bytes all the way."""
    shapes = {
        "in_groups": (0, 0, 0, -1, BLOCK),
        "in_blocks": (1, -1, BLOCK, 0, BLOCK),
        "in_rows": (0, 0, 0, BLOCK * BLOCK),
    }
    constants = [numpy_helper.from_array(np.array(shape, np.int64), name) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("Reshape", ["image", "in_groups"], ["image.groups"], name="image.groups"),
        helper.make_node("Reshape", ["image.groups", "in_blocks"], ["image.split"], name="image.split"),
        helper.make_node("Transpose", ["image.split"], ["image.moved"], name="image.moved", perm=[0, 1, 3, 2, 4]),
        helper.make_node("Reshape", ["image.moved", "in_rows"], ["image.rows"], name="image.rows"),
        helper.make_node("Transpose", ["image.rows"], [target], name=target, perm=[0, 3, 1, 2]),
    ]
    return nodes, constants


def with_pixels(model: Any) -> Any:
    """Return a float model that takes the camera's bytes: ``image`` uint8 [1,1,H,W] -> ``logits`` float."""
    graph = model.graph
    nodes, constants = pixel_blocks("bytes")
    constants += [
        numpy_helper.from_array(np.array(NORM_MIDDLE, np.float32), "middle"),
        numpy_helper.from_array(np.array(NORM_SCALE, np.float32), "scale"),
    ]
    nodes += [
        helper.make_node("Cast", ["bytes"], ["bytes.float"], name="bytes.float", to=TensorProto.FLOAT),
        helper.make_node("Sub", ["bytes.float", "middle"], ["bytes.centred"], name="bytes.centred"),
        helper.make_node("Div", ["bytes.centred", "scale"], ["blocks"], name="blocks"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, "height", "width"])
    whole = helper.make_graph(
        [*nodes, *graph.node], graph.name, [image], list(graph.output), [*constants, *graph.initializer]
    )
    return checked(whole)


def shape_of(folded: Folded) -> Shape:
    """Return the shape that folded weights were made for, from their own sizes."""
    return Shape(
        fine=folded["stem"].weight.shape[0],
        middle=folded["body8"].weight.shape[0],
        coarse=folded["body16a"].weight.shape[0],
    )


def classes_of(folded: Folded) -> int:
    """Return how many classes the head answers for."""
    return int(folded["head"].weight.shape[0])


def checked(graph: Any) -> Any:
    """Wrap a graph into a model of the opset the appliance's runtimes know; check it."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="inspector workshop")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model
