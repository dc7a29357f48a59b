"""Rewrites a graph, at load, into the form that OpenVINO runs with the fewest bytes moved. No output bit changes.

A space-to-depth inside the graph and the reordering after it cost OpenVINO a fifth of the whole run (decision 0024):
its convolutions want channels last, and its planner does not see that the blocks are just that. So the blocks are made
outside, as one copy of whole words, and the graph begins with them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BLOCKS = (2, 4, 8)
"""Sides of a block whose row is one machine word."""
_INPUT = "blocks_nhwc"
_TWICE = "nearest_twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A graph for OpenVINO. ``block``: side of the pixel blocks that its input is made of; 0: the card's own tensor."""

    model: bytes
    block: int


def rewrite(path: Path) -> Rewritten:
    """The graph of this file as OpenVINO likes it; where it has no form that is known, as it is.

    A file whose weights lie beside it is left alone too (``model`` is then empty: read the file).
    """
    model = onnx.load(path, load_external_data=False)
    if any(weight.data_location == TensorProto.EXTERNAL for weight in model.graph.initializer):
        return Rewritten(model=b"", block=0)
    work = _Graph(model.graph)
    block = work.begin_with_blocks()
    work.double_by_resize()
    return Rewritten(model=model.SerializeToString(), block=block)


class _Graph:
    """A graph whose nodes are being replaced; each lookup is by the name of a tensor."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._constants = {weight.name: weight for weight in graph.initializer}

    def begin_with_blocks(self) -> int:
        """Let the graph read uint8 blocks [1, H/b, W/b, b*b] instead of ``image`` [1, 1, H, W]; b, or 0."""
        inputs = [value for value in self._graph.input if value.name not in self._constants]
        if len(inputs) != 1 or not _is_bytes_of_one_plane(inputs[0]):
            return 0
        chain, block = self._space_to_depth(inputs[0].name)
        if block not in BLOCKS:
            return 0
        blocks = chain[-1].output[0]
        readers = self._readers(blocks)
        if len(readers) != 1 or readers[0].op_type != "DequantizeLinear":
            return 0
        (dequantise,) = readers
        scale, zero = dequantise.input[1], dequantise.input[2]
        for node in [*chain, dequantise]:
            self._graph.node.remove(node)
        self._graph.input.remove(inputs[0])
        self._graph.input.append(
            helper.make_tensor_value_info(_INPUT, TensorProto.UINT8, [1, "rows", "columns", block * block])
        )
        # OpenVINO keeps the first convolution in int8 only if a quantisation stands before the Transpose.
        front = [
            helper.make_node("DequantizeLinear", [_INPUT, scale, zero], ["blocks_light"], name="blocks_light"),
            helper.make_node("QuantizeLinear", ["blocks_light", scale, zero], ["blocks_again"], name="blocks_again"),
            helper.make_node("DequantizeLinear", ["blocks_again", scale, zero], ["blocks_last"], name="blocks_last"),
            helper.make_node(
                "Transpose", ["blocks_last"], [dequantise.output[0]], name="blocks_first", perm=[0, 3, 1, 2]
            ),
        ]
        for node in reversed(front):
            self._graph.node.insert(0, node)
        return block

    def double_by_resize(self) -> None:
        """Write each doubling by Expand, which onnxruntime likes, as a Resize of bytes."""
        for expand in [node for node in self._graph.node if node.op_type == "Expand"]:
            chain = self._doubling(expand)
            if not chain:
                continue
            place = list(self._graph.node).index(chain[0])
            for node in chain:
                self._graph.node.remove(node)
            if _TWICE not in self._constants:
                self._constants[_TWICE] = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), _TWICE)
                self._graph.initializer.append(self._constants[_TWICE])
            target = chain[-1].output[0]
            resize = helper.make_node(
                "Resize",
                [chain[0].input[0], "", _TWICE],
                [target],
                name=f"{target}_twice",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
            self._graph.node.insert(place, resize)

    def _space_to_depth(self, image: str) -> tuple[list[Any], int]:
        """The nodes that make blocks of the image, and the side of a block; 0 where there are none."""
        first = self._only_reader(image)
        if first is not None and first.op_type == "SpaceToDepth":
            return [first], int(helper.get_node_attr_value(first, "blocksize"))
        chain = self._chain(image, ("Reshape", "Reshape", "Transpose", "Reshape", "Transpose"))
        if not chain or _perm(chain[2]) != [0, 1, 3, 2, 4] or _perm(chain[4]) != [0, 3, 1, 2]:
            return [], 0
        groups, split, flat = (self._numbers(chain[index]) for index in (0, 1, 3))
        block = groups[-1] if groups else 0
        as_expected = (groups, split, flat) == (
            [0, 0, 0, -1, block],
            [1, -1, block, 0, block],
            [0, 0, 0, block * block],
        )
        return (chain, block) if as_expected else ([], 0)

    def _doubling(self, expand: Any) -> list[Any]:
        """Transpose, Unsqueeze, Expand, two Reshapes, Squeeze and Transpose that double both sides; [] if it is not."""
        spread = self._maker(expand.input[0])
        pixels = self._maker(spread.input[0]) if spread is not None else None
        if pixels is None:
            return []
        kinds = ("Transpose", "Unsqueeze", "Expand", "Reshape", "Reshape", "Squeeze", "Transpose")
        chain = self._chain(pixels.input[0], kinds, first=pixels)
        if not chain or _perm(chain[0]) != [0, 2, 3, 1] or _perm(chain[6]) != [0, 3, 1, 2]:
            return []
        axes, copies, wide, tall, gone = (self._numbers(chain[index]) for index in (1, 2, 3, 4, 5))
        channels = wide[-1] if wide else 0
        as_expected = (axes, copies, wide, tall, gone) == (
            [2, 4],
            [1, 1, 2, 1, 2, 1],
            [0, 0, 0, -1, channels],
            [1, -1, 1, 0, channels],
            [2],
        )
        return chain if as_expected else []

    def _chain(self, source: str, kinds: tuple[str, ...], *, first: Any = None) -> list[Any]:
        """Nodes of these kinds, each the only reader of the one before; [] if there are none."""
        chain: list[Any] = []
        for kind in kinds:
            node = first if first is not None and not chain else self._only_reader(source)
            if node is None or node.op_type != kind:
                return []
            chain.append(node)
            source = node.output[0]
        return chain

    def _readers(self, tensor: str) -> list[Any]:
        return [node for node in self._graph.node if tensor in node.input]

    def _only_reader(self, tensor: str) -> Any:
        readers = self._readers(tensor)
        given = {value.name for value in self._graph.output}
        return readers[0] if len(readers) == 1 and tensor not in given else None

    def _maker(self, tensor: str) -> Any:
        return next((node for node in self._graph.node if tensor in node.output), None)

    def _numbers(self, node: Any) -> list[int]:
        """The constant second input of a node."""
        weight = self._constants.get(node.input[1]) if len(node.input) > 1 else None
        return [] if weight is None else [int(value) for value in numpy_helper.to_array(weight).ravel()]


def _is_bytes_of_one_plane(value: Any) -> bool:
    tensor = value.type.tensor_type
    sides = [dim.dim_value for dim in tensor.shape.dim]
    return bool(tensor.elem_type == TensorProto.UINT8 and len(sides) == 4 and sides[1] == 1)  # noqa: PLR2004 - NCHW


def _perm(node: Any) -> list[int]:
    return [int(axis) for axis in helper.get_node_attr_value(node, "perm")]
