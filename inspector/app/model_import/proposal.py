"""Proposes a card for a graph: what is known, what is assumed, and what only the user can say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.adapters.runtime_onnx.graph import Graph, trial
from inspector.app.model_import.exporter import ExporterNotes, read_notes
from inspector.app.model_import.hints import NORMALISATIONS, Hints, read_labels, read_size
from inspector.app.model_import.reading import FLOOR, FLOORS, TASKS, Output, Reading, anomaly, guess, image_input
from inspector.domain.errors import ConfigError
from inspector.ports.card_check import Node

_TRIED, _TRIED_AGAIN = (256, 256), (384, 320)
_ROUNDING = 1e-3
_GREY_LEVEL = 114
_SIZE_INPUT = 2
_YOLO = frozenset({"yolo", "instance_segmentation"})
_MAPS = frozenset({"segmentation", "anomaly_map"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something the graph does not tell. ``proposed``: what is usual; "" if nothing is."""

    option: str
    asks: str
    proposed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The picture's input. ``sides``: width and height where they are fixed."""

    node: Node
    layout: str
    channels: int
    sides: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The card's tables, and what is still open."""

    tables: dict[str, Any]
    questions: tuple[Question, ...]


def propose(graph: Graph, name: str, hints: Hints) -> Proposal:
    """A card for this graph.

    Raises:
        ConfigError: the graph is none that the line can run, or the hints contradict it.
    """
    notes = read_notes(graph.metadata)
    entry = _entry(graph, hints)
    size = entry.sides or hints.size or notes.size
    constants = _constants(graph.inputs, entry.node, size)
    outputs = _outputs(graph, entry, size or _TRIED, constants)
    reading = _reading(outputs, notes, hints, several_inputs=bool(constants))
    size = size or _own_size(graph, entry, reading, outputs)
    questions: list[Question] = []
    labels = _labels(reading, notes, hints, questions)
    tables: dict[str, Any] = {
        "model": {
            "name": name,
            "version": notes.version or "1",
            "task": TASKS.get(reading.decoder, "detection"),
            "licence": notes.licence or "unknown",
            "labels": list(labels),
        },
        "input": _input(entry, notes, reading, hints, questions),
        "frame": _frame(entry, size, notes, reading, hints, questions),
    }
    if constants:
        tables["input"]["constants"] = constants
    given = {output.name: output for output in outputs}
    tables["outputs"] = [
        _output(given[chosen], role, reading, size or _TRIED) for role, chosen in reading.roles.items()
    ]
    floor = hints.floor if hints.floor is not None else FLOORS.get(reading.decoder, FLOOR)
    tables["decoder"] = {"kind": reading.decoder, "candidate_score": floor, **_decoder(reading, labels, hints)}
    return Proposal(tables=tables, questions=tuple(questions))


def _entry(graph: Graph, hints: Hints) -> Entry:
    node, layout, channels = image_input(graph.inputs)
    shape = node.shape or ()
    high, wide = shape[layout.index("H")], shape[layout.index("W")]
    sides = (wide, high) if wide is not None and high is not None else None
    if sides is not None and hints.size is not None and hints.size != sides:
        raise ConfigError(
            f"--size {hints.size[0]}x{hints.size[1]}: the graph takes {sides[0]}x{sides[1]} only; leave --size away, "
            "or export the model with that size"
        )
    return Entry(node=node, layout=layout, channels=channels, sides=sides)


def _constants(inputs: Sequence[Node], picture: Node, size: tuple[int, int] | None) -> dict[str, Any]:
    """Further inputs that want the picture's size, as RT-DETR's do."""
    constants: dict[str, Any] = {}
    for node in inputs:
        if node is picture:
            continue
        if not node.shape or node.shape[-1] != _SIZE_INPUT or len(node.shape) > _SIZE_INPUT:
            raise ConfigError(
                f"input {node.name} {node.shape}: the line gives a model a picture, and its size at most; export the "
                "model without this input"
            )
        wide, high = size or _TRIED
        constants[node.name] = [[wide, high]] if len(node.shape) == _SIZE_INPUT else [wide, high]
    return constants


def _outputs(graph: Graph, entry: Entry, size: tuple[int, int], constants: Mapping[str, Any]) -> list[Output]:
    wide, high = size
    sides = {"N": 1, "C": entry.channels, "H": high, "W": wide}
    shape = tuple(sides[axis] for axis in entry.layout)
    level = _GREY_LEVEL / 255 if _real(entry) else _GREY_LEVEL
    given = trial(graph, {entry.node.name: np.full(shape, level), **constants})
    return [
        Output(name=name, dtype=str(array.dtype), shape=array.shape, shares=_are_shares(array))
        for name, array in given.items()
    ]


def _own_size(graph: Graph, entry: Entry, reading: Reading, outputs: Sequence[Output]) -> tuple[int, int] | None:
    """Width and height to which a graph of free sides scales every picture itself; None if it does not."""
    if not reading.scored:
        return None
    place = [output.name for output in outputs].index(reading.roles["map"])
    again = _outputs(graph, entry, _TRIED_AGAIN, {})
    *_, high, wide = outputs[place].shape
    return (wide, high) if again[place].shape == outputs[place].shape else None


def _are_shares(array: NDArray[Any]) -> bool:
    """Whether the numbers are parts of one."""
    return bool(array.size and array.min() >= 0 and abs(float(array.sum()) - 1.0) < _ROUNDING)


def _real(entry: Entry) -> bool:
    return entry.node.dtype == "float32"


def _reading(outputs: Sequence[Output], notes: ExporterNotes, hints: Hints, *, several_inputs: bool) -> Reading:
    known = anomaly(outputs) if hints.decoder in {"", "anomaly_map"} else None
    if known is not None:
        return known
    if hints.decoder in _MAPS:
        maps = [output for output in outputs if len(output.shape) == 4]  # noqa: PLR2004 - a map
        named = [output for output in maps if "map" in output.name] or maps
        if not named:
            raise ConfigError(f"--decoder {hints.decoder}: the graph gives no map of four dimensions")
        return Reading(decoder=hints.decoder, roles={"": named[0].name}, classes=named[0].shape[1])
    reading = guess(outputs, notes, hints, several_inputs=several_inputs)
    if hints.decoder and hints.decoder != reading.decoder:
        shapes = ", ".join(f"{output.name} {output.shape}" for output in outputs)
        raise ConfigError(
            f"--decoder {hints.decoder}: the outputs {shapes} are those of {reading.decoder!r}; leave --decoder away"
        )
    return reading


def _labels(reading: Reading, notes: ExporterNotes, hints: Hints, questions: list[Question]) -> tuple[str, ...]:
    labels = hints.labels or notes.labels
    count = reading.classes
    if not labels:
        if count == 1:
            return ("anomaly" if reading.decoder == "anomaly_map" else "defect",)
        many = f"the graph makes {count} classes" if count is not None else "the graph does not tell how many"
        questions.append(Question(option="--labels", asks=f"names of the classes, in the model's order ({many})"))
        return ()
    allowed = {count, count - 1} if count is not None and reading.decoder == "detr" else {count}
    if count is not None and len(labels) not in allowed:
        raise ConfigError(
            f"labels: {len(labels)} are named ({', '.join(labels[:5])}{' ...' if len(labels) > 5 else ''}), "  # noqa: PLR2004
            f"but the graph makes {count} classes; name every class in the model's order"
        )
    return labels


def _input(
    entry: Entry, notes: ExporterNotes, reading: Reading, hints: Hints, questions: list[Question]
) -> dict[str, Any]:
    table: dict[str, Any] = {
        "name": entry.node.name,
        "dtype": entry.node.dtype,
        "layout": entry.layout,
        "channels": entry.channels,
        "multiple": 1 if entry.sides else max(notes.stride, 32 if reading.decoder in _MAPS | _YOLO else 1),
        "colour": "grey" if entry.channels == 1 else hints.colour or "rgb",
    }
    if not _real(entry):
        return table
    chosen = hints.normalise or _normalisation(notes, reading)
    if not chosen:
        proposed = "unit" if reading.decoder == "detr" else "imagenet"
        asks = f"how the training normalised its pictures: {', '.join(NORMALISATIONS)}"
        questions.append(Question(option="--normalise", asks=asks, proposed=proposed))
        chosen = proposed
    scale, mean, std = NORMALISATIONS[chosen]
    if mean and entry.channels == 1:
        if len(set(mean)) > 1:
            raise ConfigError(
                f"--normalise {chosen}: is for colour, the model takes grey; raw, unit or signed is right"
            )
        mean, std = mean[:1], std[:1]
    table["scale"] = scale
    return {**table, "mean": list(mean), "std": list(std)} if mean else table


def _normalisation(notes: ExporterNotes, reading: Reading) -> str:
    """Where the kind of the model tells."""
    if notes.ultralytics or reading.decoder in _YOLO or reading.decoder == "torchvision":
        return "unit"
    if reading.scored:
        return "unit"  # anomalib writes its normalisation into the graph
    return "imagenet" if set(reading.roles.values()) == {"dets", "labels"} else ""


def _frame(
    entry: Entry,
    size: tuple[int, int] | None,
    notes: ExporterNotes,
    reading: Reading,
    hints: Hints,
    questions: list[Question],
) -> dict[str, Any]:
    fit = hints.fit or _fit(entry, notes, reading)
    wide, high = (
        (size or (0, 0))
        if entry.sides or hints.size or fit != "whole" or reading.decoder == "detr" or reading.scored
        else (0, 0)
    )
    if not wide and (fit != "whole" or reading.decoder in {"detr", "classification"}):
        asks = "sides of the input in px (its sides are free in the graph)"
        questions.append(Question(option="--size", asks=asks, proposed="640"))
    table: dict[str, Any] = {"fit": fit, "width": wide, "height": high}
    if fit == "letterbox":
        table["pad"] = _GREY_LEVEL
    if fit == "tiles":
        table["overlap_px"] = hints.overlap_px or min(wide, high) // 4 // 32 * 32
        table["pad"] = -1 if reading.decoder in _MAPS else _GREY_LEVEL
    if hints.interpolation or (fit == "crop" and notes.ultralytics) or (wide and reading.scored):
        table["interpolation"] = hints.interpolation or ("antialias_float" if reading.scored else "antialias")
    return table


def _fit(entry: Entry, notes: ExporterNotes, reading: Reading) -> str:
    if reading.decoder in _YOLO:
        return "letterbox"
    if reading.decoder == "classification" and notes.ultralytics:
        return "crop"
    return "tiles" if reading.decoder == "segmentation" and entry.sides else "whole"


def _output(output: Output, role: str, reading: Reading, size: tuple[int, int]) -> dict[str, Any]:
    table: dict[str, Any] = {"name": output.name, "dtype": output.dtype}
    if role:
        table["role"] = role
    if reading.decoder in _MAPS and role != "score":
        table["stride"] = max(size[1] // output.shape[2], 1)
    return table


def _decoder(reading: Reading, labels: Sequence[str], hints: Hints) -> dict[str, Any]:
    table = dict(reading.settings)
    if reading.decoder not in _MAPS:
        table["border"] = "none"
    if reading.decoder == "detr" and reading.classes == len(labels) + 1:
        table["background"] = "last"
    if reading.decoder == "classification":
        table["sound_labels"] = list(hints.sound_labels)
    return table


def answered(hints: Hints, option: str, answer: str) -> Hints:
    """The hints with one answer more."""
    match option:
        case "--labels":
            return replace(hints, labels=read_labels(answer, None))
        case "--size":
            return replace(hints, size=read_size(answer))
        case _:
            return replace(hints, normalise=answer)
