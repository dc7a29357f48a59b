"""Asks onnxruntime whether it adds products of 8-bit numbers exactly on this processor."""

from functools import cache

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

_CHANNELS, _SIDE = 32, 8
_MOST, _HEAVIEST, _MEANT = 255, 127, 200
_OPSET, _IR = 13, 10


@cache
def are_cut_off() -> bool:
    """Whether sums that do not fit in 16 bits are cut off, as with AVX2 or AVX-512 and no VNNI (decision 0053).

    One convolution of the largest numbers, computed once a process: the answer is 200 where the sums are whole.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(_convolution(), options, providers=["CPUExecutionProvider"])
    brightest = np.full((1, _CHANNELS, _SIDE, _SIDE), _MOST, np.uint8)
    return bool((session.run(None, {"x": brightest})[0] != _MEANT).any())


def _convolution() -> bytes:
    """A quantised convolution of one pixel's channels, with the heaviest weights of eight bits."""
    shape = [1, _CHANNELS, _SIDE, _SIDE]
    sum_of_all = _CHANNELS * _MOST * _HEAVIEST
    constants = {
        "x_scale": np.float32(1),
        "x_zero": np.uint8(0),
        "w": np.full((_CHANNELS, _CHANNELS, 1, 1), _HEAVIEST, np.int8),
        "w_scale": np.float32(1),
        "w_zero": np.int8(0),
        "y_scale": np.float32(sum_of_all / _MEANT),
        "y_zero": np.uint8(0),
    }
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", ["x", *constants], ["y"])],
        "sums",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = helper.make_opsetid("", _OPSET)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=_IR).SerializeToString())
