"""Quantise the float graph to int8 with uint8 pixels in and uint8 logits out."""

import io
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from tools.graph import blocks
from tools.plan import NORM_MIDDLE, NORM_SCALE
from tools.quicken import quicken

PERCENTILE = 99.999
LOGIT_LIMIT = 8.0
"""Logits beyond it are as good as certain: the 256 codes are spent between."""
_ENDS = {
    "blocks": [{"rmin": np.float32(-NORM_MIDDLE / NORM_SCALE), "rmax": np.float32((255 - NORM_MIDDLE) / NORM_SCALE)}],
    "logits": [{"rmin": np.float32(-LOGIT_LIMIT), "rmax": np.float32(LOGIT_LIMIT)}],
}
"""Ranges that are known, not calibrated: camera bytes go in exactly. (A calibration crop of black and white pixels
would do that too, but it would stretch the stem's range tenfold and drown faint stains.)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantised:
    """The int8 model; ``logit = (u8 - zero_point) * scale``."""

    model: Any
    scale: float
    zero_point: int


class _Crops(CalibrationDataReader):  # type: ignore[misc]
    """Feeds calibration crops one by one, normalised and blocked as the stem wants them."""

    def __init__(self, crops: Iterable[NDArray[np.uint8]]) -> None:
        self._crops: Iterator[NDArray[np.uint8]] = iter(crops)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next crop, or None at the end."""
        crop = next(self._crops, None)
        if crop is None:
            return None
        image = (crop[None, None].astype(np.float32) - NORM_MIDDLE) / NORM_SCALE
        return {"blocks": np.ascontiguousarray(blocks(image), np.float32)}


@contextmanager
def quietly() -> Iterator[None]:
    """Keep the quantiser's own chatter (prints, advice at warning level) off the terminal."""
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _quantised_by_library(model: Any, crops: list[NDArray[np.uint8]]) -> Any:
    """Run onnxruntime's static quantiser: QDQ, U8 activations, S8 weights per channel."""
    with tempfile.TemporaryDirectory() as folder, quietly():
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            _Crops(crops),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={
                "CalibPercentile": PERCENTILE,
                "ActivationSymmetric": False,
                "TensorQuantOverrides": _ENDS,
            },
        )
        return onnx.load(after)


def _constant(graph: Any, name: str) -> NDArray[Any]:
    for weight in graph.initializer:
        if weight.name == name:
            return np.asarray(numpy_helper.to_array(weight))
    raise ValueError(f"{name!r} is no constant of the quantised graph")


def _strip_ends(model: Any) -> Quantised:
    """Drop the first QuantizeLinear and the last DequantizeLinear: bytes in, bytes out."""
    graph = model.graph
    first = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "blocks")
    last = next(n for n in graph.node if n.op_type == "DequantizeLinear" and n.output[0] == "logits")
    taken_scale = float(_constant(graph, first.input[1]))
    taken_zero = int(_constant(graph, first.input[2]))
    if taken_zero != NORM_MIDDLE or abs(taken_scale * NORM_SCALE - 1.0) > 1e-3:  # noqa: PLR2004 - rounding only
        raise ValueError(
            f"the input was calibrated to scale {taken_scale}, zero point {taken_zero}; "
            f"bytes go in exactly with {1 / NORM_SCALE} and {NORM_MIDDLE:.0f} only"
        )
    scale, zero = float(_constant(graph, last.input[1])), int(_constant(graph, last.input[2]))
    nodes = [n for n in graph.node if n.name not in {first.name, last.name}]
    for node in nodes:
        for i, source in enumerate(node.input):
            if source == first.output[0]:
                node.input[i] = "blocks"
        for i, target in enumerate(node.output):
            if target == last.input[0]:
                node.output[i] = "logits"
    del graph.node[:]
    graph.node.extend(nodes)
    return Quantised(
        model=quicken(graph, graph.output[0].type.tensor_type.shape.dim[1].dim_value), scale=scale, zero_point=zero
    )


def quantise(model: Any, crops: list[NDArray[np.uint8]]) -> Quantised:
    """Quantise a float model.

    Args:
        model: from ``graph.build``.
        crops: train crops (H, W) uint8.
    """
    return _strip_ends(_quantised_by_library(model, crops))
