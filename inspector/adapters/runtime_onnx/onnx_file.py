"""Reads what an ONNX file says of itself, without loading it: opsets, weights, operators. Needs no onnx package."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inspector.domain.errors import ConfigError

# Field numbers of onnx.proto3.
_MODEL_GRAPH, _MODEL_OPSETS = 7, 8
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_OP, _NODE_DOMAIN = 4, 7
_TENSOR_DIMS, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 1, 13, 14
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_OWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.ms.internal.nhwc"})
NEWEST_OPSET = 26
"""The newest opset of the standard operators that the locked onnxruntime is released for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxFile:
    """``parameters``: numbers in the weights. ``external``: files beside it that hold weights."""

    opset: int
    parameters: int
    external: tuple[str, ...]
    custom_operators: tuple[str, ...]


def read(path: Path) -> OnnxFile:
    """Look into the file.

    Raises:
        ConfigError: it cannot be read, or is no whole ONNX file.
    """
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return _model(data)
    except (IndexError, ValueError) as error:
        raise ConfigError(
            f"{path}: is no whole ONNX file: {str(error) or 'it ends too early'}; it may be truncated or a Git LFS "
            "pointer: fetch or export it again"
        ) from error


def _model(data: memoryview) -> OnnxFile:
    opset, graph = 0, None
    for number, value in _fields(data):
        if number == _MODEL_GRAPH and isinstance(value, memoryview):
            graph = value
        elif number == _MODEL_OPSETS and isinstance(value, memoryview):
            entry = dict(_fields(value))
            if _text(entry.get(_OPSET_DOMAIN)) in {"", "ai.onnx"}:
                opset = max(opset, _number(entry.get(_OPSET_VERSION)))
    if graph is None:
        raise ValueError("it has no graph")
    parameters, external, custom = 0, set(), set()
    for number, value in _fields(graph):
        if number == _GRAPH_INITIALIZER and isinstance(value, memoryview):
            count, file = _tensor(value)
            parameters += count
            external |= {file} - {""}
        elif number == _GRAPH_NODE and isinstance(value, memoryview):
            node = dict(_fields(value))
            if _text(node.get(_NODE_DOMAIN)) not in _OWN_DOMAINS:
                custom.add(f"{_text(node.get(_NODE_DOMAIN))}.{_text(node.get(_NODE_OP))}")
    return OnnxFile(
        opset=opset, parameters=parameters, external=tuple(sorted(external)), custom_operators=tuple(sorted(custom))
    )


def _tensor(data: memoryview) -> tuple[int, str]:
    """How many numbers it holds, and the file they are in ("": this one)."""
    count, place, outside = 1, "", False
    for number, value in _fields(data):
        if number == _TENSOR_DIMS:
            for length in _packed(value) if isinstance(value, memoryview) else (value,):
                count *= length
        elif number == _TENSOR_LOCATION:
            outside = value == 1
        elif number == _TENSOR_EXTERNAL and isinstance(value, memoryview):
            entry = dict(_fields(value))
            if _text(entry.get(_ENTRY_KEY)) == "location":
                place = _text(entry.get(_ENTRY_VALUE))
    return count, place if outside else ""


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one protobuf message: number, and an integer or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind in {_FIXED32, _FIXED64}:
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"byte {at} is not protobuf")
        if at + length > len(data):
            raise ValueError("it ends too early")
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _packed(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _text(value: int | memoryview | None) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, memoryview) else ""


def _number(value: int | memoryview | None) -> int:
    return value if isinstance(value, int) else 0
