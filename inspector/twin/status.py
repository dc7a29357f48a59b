"""The files the simulated line writes: what it is doing, and its account at the end."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspector.domain.errors import DeviceError
from inspector.twin.settings import TwinSettings

STATUS_FILE = "twin.json"
REPORT_FILE = "twin_report.json"
_STATUS_S = 0.25


class Status:
    """``twin.json``: what the simulated line is doing, replaced whole."""

    def __init__(self, path: Path, settings: TwinSettings) -> None:
        self._path = path
        self._ring = settings.ring
        self._parts = settings.parts
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() >= self._next

    def write(self, state: str, **figures: Any) -> None:
        """Replace the file. ``parts`` among the figures is how many have come; ``asked``: how many are to come."""
        self._next = time.monotonic() + _STATUS_S
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        replace(self._path, {"state": state, "at": at, "ring": self._ring, "asked": self._parts, **figures})


def replace(path: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all.

    Raises:
        DeviceError: the folder does not take it.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(json.dumps(content, indent=1))
        draft.replace(path)
    except OSError as error:
        raise DeviceError(f"report {path}", f"{error.strerror}; set another report folder", retry=False) from error
