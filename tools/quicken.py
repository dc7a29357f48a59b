"""Rewrite the quantised graph so that onnxruntime moves fewer bytes. Exact: no output bit changes.

Measured per 12 MP frame by ``python -m tools.evaluate --time``: a space-to-depth written as one Transpose of
bytes, and a nearest upsampling written as Expand, cost half of what SpaceToDepth (or a 12x12 stem kernel) and
Resize cost there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tools.graph import checked, pixel_blocks


class _Rewriter:
    """Holds the nodes and constants of a graph while they are replaced."""

    def __init__(self, graph: Any) -> None:
        self.nodes: list[Any] = list(graph.node)
        self.weights: dict[str, Any] = {weight.name: weight for weight in graph.initializer}
        self._count = 0

    def constant(self, *values: int) -> str:
        """Return the name of an int64 constant, made once."""
        name = "shape_" + "_".join(str(v).replace("-", "m") for v in values)
        self.weights[name] = numpy_helper.from_array(np.array(values, np.int64), name)
        return name

    def step(self, kind: str, *sources: str, target: str | None = None, **attributes: Any) -> str:
        """Add a node; return the name of its result."""
        self._count += 1
        name = target or f"step{self._count}"
        self.nodes.append(helper.make_node(kind, list(sources), [name], name=f"{kind}_{name}", **attributes))
        return name

    def channels_of(self, tensor: str) -> int:
        """Return the channels of the convolution that a quantised tensor came from."""
        made = {out: node for node in self.nodes for out in node.output}
        node = made[tensor]
        while node.op_type != "Conv":
            node = made[node.input[0]]
        weight = made[node.input[1]].input[0]
        array: NDArray[Any] = numpy_helper.to_array(self.weights[weight])
        return int(array.shape[0])

    def in_order(self) -> list[Any]:
        """Return the nodes sorted so that each follows what it reads."""
        known = set(self.weights) | {"image", ""}
        left, ordered = list(self.nodes), []
        while left:
            ready = [node for node in left if all(source in known for source in node.input)]
            if not ready:
                raise ValueError(f"the graph has a gap before {left[0].name!r}")
            for node in ready:
                known.update(node.output)
                left.remove(node)
            ordered.extend(ready)
        return ordered


def _put_image_in_front(work: _Rewriter) -> None:
    """Make ``blocks`` from ``image`` [1,1,H,W]."""
    nodes, constants = pixel_blocks("blocks")
    work.nodes += nodes
    work.weights |= {constant.name: constant for constant in constants}


def _double_by_expand(work: _Rewriter, resize: Any) -> None:
    """Replace dequantise -> Resize -> quantise by copying bytes, rows of channels at a time."""
    before = next(n for n in work.nodes if resize.input[0] in n.output)
    after = next(n for n in work.nodes if resize.output[0] in n.input)
    channels = work.channels_of(before.input[0])
    readers = [n for n in work.nodes if before.output[0] in n.input]
    gone = [resize, after] + ([before] if len(readers) == 1 else [])
    for node in gone:
        work.nodes.remove(node)
    pixels = work.step("Transpose", before.input[0], perm=[0, 2, 3, 1])
    spread = work.step("Unsqueeze", pixels, work.constant(2, 4))
    copied = work.step("Expand", spread, work.constant(1, 1, 2, 1, 2, 1))
    wide = work.step("Reshape", copied, work.constant(0, 0, 0, -1, channels))
    tall = work.step("Reshape", wide, work.constant(1, -1, 1, 0, channels))
    flat = work.step("Squeeze", tall, work.constant(2))
    work.step("Transpose", flat, target=after.output[0], perm=[0, 3, 1, 2])


def quicken(graph: Any, channels: int) -> Any:
    """Return the model that reads uint8 ``image`` [1,1,H,W] and gives uint8 ``logits`` [1,channels,H/8,W/8].

    Args:
        graph: a quantised graph that reads uint8 ``blocks``.
        channels: of the output.
    """
    work = _Rewriter(graph)
    _put_image_in_front(work)
    for resize in [node for node in work.nodes if node.op_type == "Resize"]:
        _double_by_expand(work, resize)
    nodes = work.in_order()
    used = {source for node in nodes for source in node.input}
    weights = [weight for name, weight in work.weights.items() if name in used]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, "height", "width"])
    logits = helper.make_tensor_value_info("logits", TensorProto.UINT8, [1, channels, "rows", "columns"])
    return checked(helper.make_graph(nodes, graph.name, [image], [logits], weights))
