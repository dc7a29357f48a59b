"""Loads an ONNX graph and says what it takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import (
    NotImplemented as OpNotImplemented,
)

from inspector.adapters.runtime_onnx import onnx_file, sums
from inspector.domain.errors import ConfigError
from inspector.ports.card_check import Node

VENDOR_ERRORS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile, OpNotImplemented, RuntimeException)
DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(float)": "float32",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
}
_QUIET = 4
_EXACT_SUMS = "session.x64quantprecision"
"""Where a processor cuts off sums of 8-bit products, onnxruntime takes another way with this: exact, and slower. With
VNNI, which cuts off nothing, that way costs 2.6 times as much: it is asked for only where it is needed. See decision
0055."""
_ITS_FAULT = "replace the existing tensor"
"""With that, onnxruntime 1.31 stumbles over a graph whose convolutions share the zero point of their weights."""
_IN_FLOAT = "session.disable_quant_qdq"
"""Such a graph is computed in float, as it is written: exact and slower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What a file says of its graph. ``metadata``: what its exporter wrote into it."""

    path: Path
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    metadata: Mapping[str, str]
    parameters: int
    opset: int


def look(path: Path) -> Graph:
    """Load the graph once and describe it.

    Raises:
        ConfigError: it cannot run here, and what would help.
    """
    facts = onnx_file.read(path)
    session = load(path, ort.SessionOptions())
    return Graph(
        path=path,
        inputs=tuple(node(value) for value in session.get_inputs()),
        outputs=tuple(node(value) for value in session.get_outputs()),
        metadata=dict(session.get_modelmeta().custom_metadata_map),
        parameters=facts.parameters,
        opset=facts.opset,
    )


def trial(graph: Graph, feeds: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Run once: what a graph gives is known only when it has run. ``feeds``: nested lists or arrays by input.

    Raises:
        ConfigError: it does not take these.
    """
    session = load(graph.path, ort.SessionOptions())
    names = [node.name for node in graph.outputs]
    try:
        given = session.run(names, {node.name: np.asarray(feeds[node.name], dtype=node.dtype) for node in graph.inputs})
    except VENDOR_ERRORS as error:
        raise ConfigError(f"{graph.path}: does not run on a grey picture: {first_line(error)}") from error
    return dict(zip(names, given, strict=True))


def load(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    """Load a graph for the CPU.

    Raises:
        ConfigError: it cannot run here, and what would help.
    """
    options.log_severity_level = _QUIET
    try:
        if sums.are_cut_off():
            options.add_session_config_entry(_EXACT_SUMS, "1")
        return _session(path, options)
    except Fail as error:
        if _ITS_FAULT not in str(error):
            raise _unloadable(path, error) from error
    except VENDOR_ERRORS as error:
        raise _unloadable(path, error) from error
    options.add_session_config_entry(_IN_FLOAT, "1")
    try:
        return _session(path, options)
    except VENDOR_ERRORS as error:
        raise _unloadable(path, error) from error


def _session(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _unloadable(path: Path, error: Exception) -> ConfigError:
    return ConfigError(f"{path}: onnxruntime cannot load this model: {first_line(error)}{_remedy(path)}")


def plain(path: Path) -> ort.InferenceSession:
    """The graph operator by operator, nothing fused: a quantised one is computed in float. Slow, and what it means.

    Raises:
        ConfigError: it cannot run here, and what would help.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return load(path, options)


def first_line(error: Exception) -> str:
    """What a vendor error says, without its stack."""
    return str(error).splitlines()[0]


def _remedy(path: Path) -> str:
    """What is known of such a file to help."""
    try:
        facts = onnx_file.read(path)
    except ConfigError as error:
        return f"\n{error}"
    missing = [name for name in facts.external if not (path.parent / name).is_file()]
    if missing:
        return (
            f"\n{path}: its weights are in {', '.join(missing)}, which is not beside it; put it there, or export "
            "into one file"
        )
    if facts.custom_operators:
        return (
            f"\n{path}: it has operators that onnxruntime does not have: {', '.join(facts.custom_operators)}; export "
            "without plug-in operators (with standard NMS, or without NMS)"
        )
    if facts.opset > onnx_file.NEWEST_OPSET:
        return (
            f"\n{path}: opset {facts.opset} is newer than onnxruntime {ort.__version__} knows "
            f"({onnx_file.NEWEST_OPSET}); export it with opset 17"
        )
    return ""


def node(value: ort.NodeArg) -> Node:
    """An input or output as onnxruntime tells it."""
    shape = value.shape
    known = None if shape is None else tuple(side if isinstance(side, int) else None for side in shape)
    return Node(name=value.name, dtype=DTYPES.get(value.type, value.type), shape=known)
