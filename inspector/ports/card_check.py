"""Whether a loaded graph is what its card says: the same questions, and the same words, for every runtime."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import ConfigError, DeviceError
from inspector.ports.model import ModelCard

MAP_TASK = "segmentation"
"""The task whose output is a class map at a stride: a runtime proves it when it loads the graph."""
_MAP_RANK = 4
_AXES = {"NCHW": (1, 2, 3), "NHWC": (3, 1, 2), "CHW": (0, 1, 2)}
"""Where channels, height and width stand."""
_TRIED_PX, _PROVED_PX = 64, 256
MOST_STEPS = 8
"""How far the whole numbers of a class map may lie from what the file means: rounding gave 5, sums cut off 33 to 77."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An input or output: its name, dtype, and shape with None for a free dimension; no shape: a free rank."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


def check_against_card(taken: Sequence[Node], given: Sequence[Node], card: ModelCard) -> None:
    """Compare a graph's inputs and outputs with its card.

    Raises:
        ConfigError: it is not what its card says.
    """
    inputs, outputs = {node.name: node for node in taken}, {node.name: node for node in given}
    place = f"{card.path}: does not match its card"
    if set(inputs) - set(card.input.constants) != {card.input.name}:
        raise ConfigError(f"{place}: input.name = {card.input.name!r}, but the graph takes {sorted(inputs)}")
    for output in card.outputs:
        if output.name not in outputs:
            raise ConfigError(f"{place}: output.name = {output.name!r}, but the graph gives {sorted(outputs)}")
    pairs = [("input", inputs[card.input.name], card.input.dtype)]
    pairs += [("output", outputs[output.name], output.dtype) for output in card.outputs]
    for side, node, dtype in pairs:
        if node.dtype != dtype:
            raise ConfigError(f"{place}: {side}.dtype = {dtype!r}, but the graph has {node.dtype}")
    _check_input_shape(inputs[card.input.name].shape or (), card, place)
    if card.task == MAP_TASK:
        _check_map_shape(outputs[card.output.name].shape or (), card, place)


def constants(taken: Sequence[Node], card: ModelCard) -> dict[str, NDArray[Any]]:
    """The graph's further inputs, as the card fixes them.

    Raises:
        ConfigError: the graph does not take one, or not this value.
    """
    types = {node.name: node.dtype for node in taken}
    made = {}
    for name, value in card.input.constants.items():
        if name not in types:
            raise ConfigError(f"{card.path}: input.constants.{name}: the graph takes only {sorted(types)}")
        try:
            made[name] = np.array(value, dtype=types[name])
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{card.path}: input.constants.{name} = {value!r}: {error}") from error
    return made


def try_map(card: ModelCard, run: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    """Run a map model once on a small input: what a graph gives is known only when it has run.

    ``run`` gives the card's first output.

    Raises:
        ConfigError: it does not take such an input, or gives another map.
    """
    width, height = _size(card, _TRIED_PX)
    place = f"{card.path}: does not match its card"
    blank = np.zeros(_shape(card, width, height), card.input.dtype)
    try:
        given = run(blank).shape
    except DeviceError as error:
        raise ConfigError(f"{place}: it does not take an input of {width} x {height} px: {error.reason}") from error
    stride = card.output.stride
    wanted = (1, len(card.labels), height // stride, width // stride)
    if tuple(given) != wanted:
        raise ConfigError(
            f"{place}: {len(card.labels)} labels at output.stride = {stride} make a map of shape {wanted}, "
            f"but the graph gives {tuple(given)}"
        )


def noise(card: ModelCard) -> NDArray[np.uint8]:
    """An input of seeded noise, every grey value in it."""
    return np.random.default_rng(1).integers(0, 256, _shape(card, *_size(card, _PROVED_PX)), np.uint8)


def steps_apart(given: NDArray[Any], meant: NDArray[Any]) -> int:
    """The most that two maps of whole numbers, of one shape, differ by in a cell."""
    return int(np.abs(given.astype(np.int64) - meant.astype(np.int64)).max(initial=0))


def check_steps(given: NDArray[Any], meant: NDArray[Any], card: ModelCard) -> None:
    """Compare a class map with what the file means. Both of whole numbers, of one shape.

    Raises:
        ConfigError: they are more than ``MOST_STEPS`` apart.
    """
    most = steps_apart(given, meant)
    if most > MOST_STEPS:
        raise ConfigError(
            f"{card.path}: this processor computes another map than the file means: up to {most} of 255 steps apart, "
            f"{MOST_STEPS} would be rounding; take the model's float version, or another PC"
        )


def refuse_nonsense(arrays: Sequence[NDArray[Any]], device: str) -> None:
    """A model that computes nonsense has seen nothing, and nothing seen must not pass a part.

    Raises:
        DeviceError: NaN or infinity.
    """
    if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays):
        raise DeviceError(device, "inference gave NaN or infinity; nothing was seen, and nothing may pass")


def _size(card: ModelCard, least: int) -> tuple[int, int]:
    """Width and height that the graph takes: as the card fixes them, else at least this."""
    side = card.input.multiple * -(-least // card.input.multiple)
    return card.frame.width or side, card.frame.height or side


def _shape(card: ModelCard, width: int, height: int) -> list[int]:
    sides: Mapping[str, int] = {"C": card.input.channels, "H": height, "W": width, "N": 1}
    return [sides[axis] for axis in card.input.layout]


def _check_input_shape(shape: Sequence[int | None], card: ModelCard, place: str) -> None:
    spec, frame = card.input, card.frame
    deep, high, wide = _AXES[spec.layout]
    if len(shape) != len(spec.layout) or (shape[deep] is not None and shape[deep] != spec.channels):
        raise ConfigError(
            f"{place}: input is {spec.layout} with {spec.channels} channel(s), but the graph takes shape {_told(shape)}"
        )
    if spec.layout != "CHW" and shape[0] is not None and shape[0] != 1:
        raise ConfigError(f"{place}: the graph takes {shape[0]} pictures at once; export it with a batch of 1")
    fixed = shape[high] is not None or shape[wide] is not None
    if fixed and frame.native:
        raise ConfigError(
            f"{place}: the graph takes pictures of {shape[wide]} x {shape[high]} px only; the card must say how a "
            "frame is brought to that size: frame.fit, frame.width and frame.height"
        )
    for key, said, is_ in (("width", frame.width, shape[wide]), ("height", frame.height, shape[high])):
        if is_ is not None and (said != is_ or frame.rect):
            raise ConfigError(f"{place}: frame.{key} = {said}, but the graph takes {is_} px (frame.rect must be false)")


def _check_map_shape(shape: Sequence[int | None], card: ModelCard, place: str) -> None:
    if len(shape) != _MAP_RANK:
        raise ConfigError(f"{place}: output is a class map of 4 dimensions, but the graph gives shape {_told(shape)}")
    if shape[1] is not None and shape[1] != len(card.labels):
        raise ConfigError(f"{place}: {len(card.labels)} labels, but the graph gives {shape[1]} channels")


def _told(shape: Sequence[int | None]) -> list[int | str]:
    """A shape as people read it: a free side is "?"."""
    return ["?" if side is None else side for side in shape]
