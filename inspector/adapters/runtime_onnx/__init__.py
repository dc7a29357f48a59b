"""Runs a model's ONNX graph with onnxruntime on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.adapters.runtime_onnx.graph import DTYPES, VENDOR_ERRORS, first_line, load
from inspector.domain.errors import ConfigError, DeviceError
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context, Plugin

_TYPES = {dtype: kind for kind, dtype in DTYPES.items()}
_MAP_RANK = 4
_AXES = {"NCHW": (1, 2, 3), "NHWC": (3, 1, 2), "CHW": (0, 1, 2)}
"""Where channels, height and width stand."""
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
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if settings.spinning else "0")
        self._session = load(card.path, options)
        _check_against_card(self._session, card)
        self._constants = _constants(self._session, card)
        if card.task == _MAP_TASK:
            _try(self._session, card, self._constants)
        self._input = card.input.name
        self._outputs = [output.name for output in card.outputs]
        self._device = f"model {card.name}"
        threads = settings.threads or "all"
        self.description = f"onnxruntime {ort.__version__} CPU, threads {threads}"

    def run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Run the graph once."""
        try:
            arrays = tuple(self._session.run(self._outputs, {self._input: tensor, **self._constants}))
        except VENDOR_ERRORS as error:
            raise DeviceError(self._device, f"inference failed: {first_line(error)}") from error
        if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays):
            raise DeviceError(self._device, "inference gave NaN or infinity; nothing was seen, and nothing may pass")
        return arrays


def _check_against_card(session: ort.InferenceSession, card: ModelCard) -> None:
    """Refuse a graph that is not what its card says."""
    inputs = {node.name: node for node in session.get_inputs()}
    given = {node.name: node for node in session.get_outputs()}
    place = f"{card.path}: does not match its card"
    if set(inputs) - set(card.input.constants) != {card.input.name}:
        raise ConfigError(f"{place}: input.name = {card.input.name!r}, but the graph takes {sorted(inputs)}")
    for output in card.outputs:
        if output.name not in given:
            raise ConfigError(f"{place}: output.name = {output.name!r}, but the graph gives {sorted(given)}")
    pairs = [("input", inputs[card.input.name], card.input.dtype)]
    pairs += [("output", given[output.name], output.dtype) for output in card.outputs]
    for side, node, dtype in pairs:
        if node.type != _TYPES.get(dtype, dtype):
            raise ConfigError(f"{place}: {side}.dtype = {dtype!r}, but the graph has {node.type}")
    _check_input_shape(inputs[card.input.name].shape, card, place)
    if card.task == _MAP_TASK:
        _check_map_shape(given[card.output.name].shape, card, place)


def _check_input_shape(shape: list[Any], card: ModelCard, place: str) -> None:
    spec, frame = card.input, card.frame
    deep, high, wide = _AXES[spec.layout]
    if len(shape) != len(spec.layout) or (isinstance(shape[deep], int) and shape[deep] != spec.channels):
        raise ConfigError(
            f"{place}: input is {spec.layout} with {spec.channels} channel(s), but the graph takes shape {shape}"
        )
    if spec.layout != "CHW" and isinstance(shape[0], int) and shape[0] != 1:
        raise ConfigError(f"{place}: the graph takes {shape[0]} pictures at once; export it with a batch of 1")
    fixed = isinstance(shape[high], int) or isinstance(shape[wide], int)
    if fixed and frame.native:
        raise ConfigError(
            f"{place}: the graph takes pictures of {shape[wide]} x {shape[high]} px only; the card must say how a "
            "frame is brought to that size: frame.fit, frame.width and frame.height"
        )
    for key, said, is_ in (("width", frame.width, shape[wide]), ("height", frame.height, shape[high])):
        if isinstance(is_, int) and (said != is_ or frame.rect):
            raise ConfigError(f"{place}: frame.{key} = {said}, but the graph takes {is_} px (frame.rect must be false)")


def _check_map_shape(shape: list[Any], card: ModelCard, place: str) -> None:
    if len(shape) != _MAP_RANK:
        raise ConfigError(f"{place}: output is a class map of 4 dimensions, but the graph gives shape {shape}")
    if isinstance(shape[1], int) and shape[1] != len(card.labels):
        raise ConfigError(f"{place}: {len(card.labels)} labels, but the graph gives {shape[1]} channels")


def _constants(session: ort.InferenceSession, card: ModelCard) -> dict[str, NDArray[Any]]:
    """The graph's further inputs, as the card fixes them."""
    types = {node.name: DTYPES.get(node.type, "") for node in session.get_inputs()}
    made = {}
    for name, value in card.input.constants.items():
        if name not in types:
            raise ConfigError(f"{card.path}: input.constants.{name}: the graph takes only {sorted(types)}")
        try:
            made[name] = np.array(value, dtype=types[name])
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{card.path}: input.constants.{name} = {value!r}: {error}") from error
    return made


def _try(session: ort.InferenceSession, card: ModelCard, constants: dict[str, NDArray[Any]]) -> None:
    """Run a map model once on a small input: what a graph gives is known only when it has run."""
    side = card.input.multiple * -(-_TRIED_PX // card.input.multiple)
    width, height = (card.frame.width or side), (card.frame.height or side)
    place = f"{card.path}: does not match its card"
    sides = {"C": card.input.channels, "H": height, "W": width, "N": 1}
    blank = np.zeros([sides[axis] for axis in card.input.layout], card.input.dtype)
    try:
        given = session.run([card.output.name], {card.input.name: blank, **constants})[0].shape
    except VENDOR_ERRORS as error:
        raise ConfigError(
            f"{place}: it does not take an input of {width} x {height} px: {first_line(error)}"
        ) from error
    stride = card.output.stride
    wanted = (1, len(card.labels), height // stride, width // stride)
    if tuple(given) != wanted:
        raise ConfigError(
            f"{place}: {len(card.labels)} labels at output.stride = {stride} make a map of shape {wanted}, "
            f"but the graph gives {tuple(given)}"
        )


@contextmanager
def open_onnx(settings: OnnxSettings, context: Context, card: ModelCard) -> Iterator[OnnxRuntime]:
    """Load the card's graph and check it against the card."""
    del context
    yield OnnxRuntime(settings, card)


PLUGIN = Plugin(settings_model=OnnxSettings, open=open_onnx)
