"""Runs a model's ONNX graph with onnxruntime on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.errors import ConfigError, DeviceError
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context, Plugin

_LOAD_ERRORS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile, OpNotImplemented, RuntimeException)
_DTYPES = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}
_NUMPY = {"uint8": np.uint8, "float32": np.float32}
_QUIET = 3
_TRIED_PX = 64
_MAP_TASK = "segmentation"


class OnnxSettings(BaseModel):
    """How onnxruntime may use this PC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(default=0, ge=0, le=64, description="threads for one inference; 0: one per core")
    spinning: bool = Field(
        default=False, description="busy-wait between operators: a little faster alone, twice the cost with neighbours"
    )


class OnnxRuntime:
    """One session. Only the CPU provider is used, named explicitly."""

    def __init__(self, settings: OnnxSettings, card: ModelCard) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = settings.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if settings.spinning else "0")
        try:
            self._session = ort.InferenceSession(card.path, options, providers=["CPUExecutionProvider"])
        except _LOAD_ERRORS as error:
            raise ConfigError(f"{card.path}: onnxruntime cannot load this model: {_first_line(error)}") from error
        _check_against_card(self._session, card)
        _try(self._session, card)
        self._input = card.input.name
        self._outputs = [card.output.name]
        self._device = f"model {card.name}"
        threads = settings.threads or "all"
        self.description = f"onnxruntime {ort.__version__} CPU, threads {threads}"

    def run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Run the graph once."""
        try:
            return tuple(self._session.run(self._outputs, {self._input: tensor}))
        except _LOAD_ERRORS as error:
            raise DeviceError(self._device, f"inference failed: {_first_line(error)}") from error


def _check_against_card(session: ort.InferenceSession, card: ModelCard) -> None:
    """Refuse a graph that is not what its card says."""
    inputs = {node.name: node for node in session.get_inputs()}
    outputs = {node.name: node for node in session.get_outputs()}
    place = f"{card.path}: does not match its card"
    if set(inputs) != {card.input.name}:
        raise ConfigError(f"{place}: input.name = {card.input.name!r}, but the graph takes {sorted(inputs)}")
    if card.output.name not in outputs:
        raise ConfigError(f"{place}: output.name = {card.output.name!r}, but the graph gives {sorted(outputs)}")
    entry, result = inputs[card.input.name], outputs[card.output.name]
    for side, node, dtype in (("input", entry, card.input.dtype), ("output", result, card.output.dtype)):
        if node.type != _DTYPES.get(dtype, dtype):
            raise ConfigError(f"{place}: {side}.dtype = {dtype!r}, but the graph has {node.type}")
    if len(entry.shape) != 4 or entry.shape[1] != card.input.channels:  # noqa: PLR2004 - NCHW
        raise ConfigError(
            f"{place}: input is {card.input.layout} with {card.input.channels} channel(s), "
            f"but the graph takes shape {entry.shape}"
        )
    if card.task != _MAP_TASK:
        return
    if len(result.shape) != 4:  # noqa: PLR2004 - NCHW
        raise ConfigError(f"{place}: output is a class map of 4 dimensions, but the graph gives shape {result.shape}")
    if isinstance(result.shape[1], int) and result.shape[1] != len(card.labels):
        raise ConfigError(f"{place}: {len(card.labels)} labels, but the graph gives {result.shape[1]} channels")


def _try(session: ort.InferenceSession, card: ModelCard) -> None:
    """Run once on a small input: what a graph gives is known only when it has run."""
    side = card.input.multiple * -(-_TRIED_PX // card.input.multiple)
    place = f"{card.path}: does not match its card"
    blank = np.zeros((1, card.input.channels, side, side), _NUMPY[card.input.dtype])
    try:
        given = session.run([card.output.name], {card.input.name: blank})[0].shape
    except _LOAD_ERRORS as error:
        raise ConfigError(f"{place}: it does not take an input of {side} x {side} px: {_first_line(error)}") from error
    if card.task != _MAP_TASK:
        return
    cells = side // card.output.stride
    wanted = (1, len(card.labels), cells, cells)
    if tuple(given) != wanted:
        raise ConfigError(
            f"{place}: {len(card.labels)} labels at output.stride = {card.output.stride} make a map of shape {wanted}, "
            f"but the graph gives {tuple(given)}"
        )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


@contextmanager
def open_onnx(settings: OnnxSettings, context: Context, card: ModelCard) -> Iterator[OnnxRuntime]:
    """Load the card's graph and check it against the card."""
    del context
    yield OnnxRuntime(settings, card)


PLUGIN = Plugin(settings_model=OnnxSettings, open=open_onnx)
