"""Tells from the shapes of a graph's outputs which decoder reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspector.app.model_import.exporter import ExporterNotes
from inspector.app.model_import.hints import Hints
from inspector.domain.errors import ConfigError
from inspector.ports.card_check import Node

_BOX = 4
_END2END = 6
_ANOMALY_MAP, _ANOMALY_SCORE = "anomaly_map", "pred_score"
_MOST_QUERIES = 1000
_DETR_QUERIES = 300
_VECTOR, _ROWS, _MAP = 2, 3, 4
_LAYOUTS: Mapping[int, tuple[str, ...]] = {4: ("NCHW", "NHWC"), 3: ("CHW",)}
FLOORS: Mapping[str, float] = {
    "classification": 0.05,
    "yolo": 0.25,
    "instance_segmentation": 0.25,
    "anomaly_map": 0.5,
}
FLOOR = 0.3
TASKS: Mapping[str, str] = {
    "yolo": "detection",
    "detr": "detection",
    "torchvision": "detection",
    "instance_segmentation": "instance_segmentation",
    "classification": "classification",
    "segmentation": "segmentation",
    "anomaly_map": "anomaly",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An output as it came out of a trial. ``shares``: its numbers are parts of one."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    shares: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the outputs are read. ``classes``: how many labels the shapes make, None where they do not tell."""

    decoder: str
    roles: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    classes: int | None = None

    @property
    def scored(self) -> bool:
        """Whether the graph gives an anomaly map and a score of the whole picture, as anomalib's do."""
        return "score" in self.roles


def anomaly(outputs: Sequence[Output]) -> Reading | None:
    """A map named so, and the picture's score if it is there: what anomalib writes; None if no output is named so."""
    maps = [output for output in outputs if len(output.shape) == _MAP and output.dtype == "float32"]
    named = [output for output in maps if output.name == _ANOMALY_MAP]
    scores = [output for output in outputs if output.name == _ANOMALY_SCORE and output.dtype == "float32"]
    if not named:
        return None
    roles = {"map": named[0].name, **({"score": scores[0].name} if scores else {})}
    return Reading(decoder="anomaly_map", roles=roles if scores else {"": named[0].name}, classes=named[0].shape[1])


def guess(outputs: Sequence[Output], notes: ExporterNotes, hints: Hints, *, several_inputs: bool) -> Reading:
    """The decoder for these outputs.

    Raises:
        ConfigError: no decoder reads such outputs.
    """
    labels = hints.labels or notes.labels
    finished = _finished(outputs)
    if finished:
        first = {"first_label": 0 if several_inputs else 1}
        return Reading(decoder="torchvision", roles=finished, settings=first)
    rows = [output for output in outputs if len(output.shape) == _ROWS]
    maps = [output for output in outputs if len(output.shape) == _MAP]
    if len(rows) == 1 and len(maps) == 1:
        return _instances(rows[0], maps[0], labels, hints)
    if len(rows) == 2 and (rows[0].shape[2] == _BOX or rows[1].shape[2] == _BOX):  # noqa: PLR2004 - boxes and logits
        return _detr(rows)
    if rows and (len(rows) == len(outputs) or notes.task == "detect"):
        return _head(rows[0], labels, hints)
    if len(outputs) == 1 and len(outputs[0].shape) == _VECTOR:
        shown = outputs[0]
        settings = {"activation": "none" if shown.shares else "softmax"}
        return Reading(decoder="classification", roles={"": shown.name}, settings=settings, classes=shown.shape[1])
    if len(maps) == 1:
        return Reading(decoder="segmentation", roles={"": maps[0].name}, classes=maps[0].shape[1])
    shapes = ", ".join(f"{output.name} {output.shape}" for output in outputs)
    raise ConfigError(
        f"no decoder reads the outputs {shapes}; detectors, classifiers and segmentation models of the usual kinds "
        "are read (docs/models.md): export the model without extra outputs"
    )


def _finished(outputs: Sequence[Output]) -> Mapping[str, str] | None:
    """Boxes, labels and scores, by their shapes."""
    whole = [output for output in outputs if output.dtype.startswith("int")]
    real = [output for output in outputs if output.dtype == "float32"]
    boxes = [output for output in real if output.shape and output.shape[-1] == _BOX and len(output.shape) > 1]
    scores = [output for output in real if output not in boxes]
    if len(whole) == len(boxes) == len(scores) == 1:
        return {"boxes": boxes[0].name, "labels": whole[0].name, "scores": scores[0].name}
    return None


def _detr(rows: Sequence[Output]) -> Reading:
    named = [row for row in rows if row.shape[2] == _BOX and any(word in row.name for word in ("box", "dets"))]
    boxes = named[0] if named else next(row for row in rows if row.shape[2] == _BOX)
    logits = next(row for row in rows if row is not boxes)
    return Reading(
        decoder="detr",
        roles={"logits": logits.name, "boxes": boxes.name},
        settings={"activation": "sigmoid"},
        classes=logits.shape[2],
    )


def _instances(row: Output, prototypes: Output, labels: Sequence[str], hints: Hints) -> Reading:
    columns, end2end = _columns(row, labels, prototypes.shape[1])
    head, classes = _head_of(columns - prototypes.shape[1], end2end=end2end, labels=labels, hints=hints)
    return Reading(
        decoder="instance_segmentation",
        roles={"predictions": row.name, "prototypes": prototypes.name},
        settings={"head": head},
        classes=classes,
    )


def _head(row: Output, labels: Sequence[str], hints: Hints) -> Reading:
    columns, end2end = _columns(row, labels, 0)
    queries = row.shape[1] == _DETR_QUERIES and row.shape[2] == len(labels) + _BOX and not hints.head
    if (hints.decoder == "detr" or queries) and hints.decoder != "yolo":
        settings = {"activation": "none"}
        return Reading(decoder="detr", roles={"": row.name}, settings=settings, classes=row.shape[2] - _BOX)
    head, classes = _head_of(columns, end2end=end2end, labels=labels, hints=hints)
    return Reading(decoder="yolo", roles={"": row.name}, settings={"head": head}, classes=classes)


def _columns(row: Output, labels: Sequence[str], coefficients: int) -> tuple[int, bool]:
    """How many columns a head has, and whether it looks finished."""
    _, first, second = row.shape
    if second == _END2END + coefficients and first <= _MOST_QUERIES:
        return second, True
    made = {len(labels) + _BOX + coefficients, len(labels) + _BOX + 1 + coefficients} if labels else set()
    fitting = [side for side in (first, second) if side in made]
    return (fitting[0] if fitting else min(first, second)), False


def _head_of(columns: int, *, end2end: bool, labels: Sequence[str], hints: Hints) -> tuple[str, int | None]:
    """Which head, and how many classes it makes."""
    raw = {columns - _BOX: "v8", columns - _BOX - 1: "v5"}
    if hints.head:
        return hints.head, {"end2end": None, "v8": columns - _BOX, "v5": columns - _BOX - 1}[hints.head]
    if end2end and len(labels) != columns - _BOX:
        return "end2end", None
    if labels and len(labels) in raw:
        return raw[len(labels)], len(labels)
    return ("end2end", None) if end2end else ("v8", columns - _BOX)


def image_input(inputs: Sequence[Node]) -> tuple[Node, str, int]:
    """Which input is the picture, its layout and channels.

    Raises:
        ConfigError: none is, or its rank or channels are free.
    """
    shaped = [(node, node.shape) for node in inputs if node.shape is not None and len(node.shape) in _LAYOUTS]
    if not shaped:
        free = [node.name for node in inputs if not node.shape]
        found = ", ".join(f"{node.name} {node.shape}" for node in inputs)
        if free:
            raise ConfigError(
                f"input {', '.join(free)}: its rank is free (dynamic rank); export the model with an input of four "
                "dimensions: 1, 3, height, width"
            )
        raise ConfigError(f"no input is a picture of four dimensions; the graph takes {found}")
    node, shape = shaped[0]
    if node.dtype not in {"uint8", "float32"}:
        raise ConfigError(f"input {node.name}: dtype {node.dtype}; export the model with float32 or uint8 input")
    if len(shape) == _MAP and shape[0] not in {None, 1}:
        raise ConfigError(f"input {node.name}: takes {shape[0]} pictures at once; export it with a batch of 1")
    for layout in _LAYOUTS[len(shape)]:
        channels = shape[layout.index("C")]
        if channels in {1, 3}:
            return node, layout, int(channels)
    raise ConfigError(
        f"input {node.name}: shape {shape} has neither 1 nor 3 channels, where they usually stand; export the "
        "model with the number of channels fixed"
    )
