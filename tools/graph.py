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

from tools.plan import LABELS, ConvPlan, Folded, surface_plan

OPSET = 21
IR_VERSION = 10
BLOCK = 4
"""Side of the pixel blocks that the stem sees as channels (row-major in the block)."""


def blocks(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Turn images (n, 1, H, W) into what the stem wants: (n, 16, H/4, W/4)."""
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
    """Build the float model on normalised pixels: ``blocks`` [1,16,H/4,W/4] -> ``logits`` [1,5,H/8,W/8]."""
    plan, writer = surface_plan_of(folded), _Writer()
    at8 = "blocks"
    for name in ("stem", "down8", "body8"):
        at8 = writer.conv(plan[name], folded, at8)
    at16 = at8
    for name in ("down16", "body16a", "body16b"):
        at16 = writer.conv(plan[name], folded, at16)
    at32 = at16
    for name in ("down32", "context_a", "context_b", "context_c"):
        at32 = writer.conv(plan[name], folded, at32)
    at16 = writer.added(at16, writer.doubled(at32), "with_context")
    lateral = writer.conv(plan["lateral"], folded, at16)
    joined = writer.added(at8, writer.doubled(lateral), "joined")
    writer.conv(plan["head"], folded, writer.conv(plan["mix"], folded, joined))
    writer.nodes[-1].output[0] = "logits"
    taken = helper.make_tensor_value_info("blocks", TensorProto.FLOAT, [1, BLOCK * BLOCK, "rows4", "columns4"])
    given = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, len(LABELS), "rows", "columns"])
    graph = helper.make_graph(writer.nodes, "surface", [taken], [given], writer.weights)
    return checked(graph)


def surface_plan_of(folded: Folded) -> dict[str, ConvPlan]:
    """Return the plan that folded weights were made for, from their own shapes."""
    return surface_plan(
        fine=folded["stem"].weight.shape[0],
        middle=folded["body8"].weight.shape[0],
        coarse=folded["body16a"].weight.shape[0],
    )


def checked(graph: Any) -> Any:
    """Wrap a graph into a model of the opset the appliance's runtimes know; check it."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="inspector workshop")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model
