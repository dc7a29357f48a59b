"""The status file: the line's only live word to the other processes, by atomic rename, four times a second."""

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class StatusFile:
    """``<run_dir>/<station>/status.json``. A reader takes it for dead when it stays unchanged for over 2 s."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "status.json"
        self._draft = folder / f".status.{os.getpid()}.tmp"

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the file. ``written_utc``, ``monotonic`` and ``pid`` are added."""
        stamped = {
            **content,
            "pid": os.getpid(),
            "written_utc": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "monotonic": time.monotonic(),
        }
        self._draft.write_text(json.dumps(stamped), encoding="utf-8")
        self._draft.replace(self.path)
