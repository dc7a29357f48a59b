"""A process's live word to the other processes: a file that is replaced by atomic rename, four times a second."""

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class StatusFile:
    """``<run_dir>/<station>/status.json`` of the line, ``follow.json`` of the follower (``name``).

    A reader takes its writer for dead when it stays unchanged for over 2 s.
    """

    def __init__(self, folder: Path, name: str = "status") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.json"
        self._draft = folder / f".{name}.{os.getpid()}.tmp"
        self._trouble = ""

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the file. ``written_utc``, ``monotonic`` and ``pid`` are added; a full disk is logged once."""
        stamped = {
            **content,
            "pid": os.getpid(),
            "written_utc": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "monotonic": time.monotonic(),
        }
        try:
            self._draft.write_text(json.dumps(stamped), encoding="utf-8")
            self._draft.replace(self.path)
        except OSError as error:  # a full disk makes the line look dead to the others; it must not kill it
            self._say(f"{self.path}: {error.strerror}")
        else:
            self._say("")

    def _say(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.error("status.unwritten", reason=trouble)
        elif self._trouble and not trouble:
            log.warning("status.written_again", path=str(self.path))
        self._trouble = trouble
