"""What exporters write into an ONNX file: names, size and task of ultralytics' models."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterNotes:
    """Nothing said is empty. ``task``: "detect", "segment", "classify"."""

    labels: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    task: str = ""
    stride: int = 1
    licence: str = ""
    version: str = ""

    @property
    def ultralytics(self) -> bool:
        """Whether the way such models want their pictures is known."""
        return bool(self.task)


def read_notes(metadata: Mapping[str, str]) -> ExporterNotes:
    """Read the metadata of a graph; what is not understood is left out."""
    names, size = _literal(metadata.get("names")), _literal(metadata.get("imgsz"))
    labels: tuple[str, ...] = ()
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        labels = tuple(str(names[index]) for index in range(len(names)))
    elif isinstance(names, list):
        labels = tuple(str(name) for name in names)
    sides = None
    if isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) for side in size):  # noqa: PLR2004 - H, W
        sides = (size[1], size[0])
    stride = _literal(metadata.get("stride"))
    return ExporterNotes(
        labels=labels,
        size=sides,
        task=metadata.get("task", "") if "names" in metadata and "imgsz" in metadata else "",
        stride=stride if isinstance(stride, int) and stride > 0 else 1,
        licence=metadata.get("license", ""),
        version=metadata.get("date", "")[:10],
    )


def _literal(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
