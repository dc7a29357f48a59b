"""A table of parts as an open file, for whoever asks over a network."""

import tempfile
import threading
from pathlib import Path
from typing import BinaryIO

from inspector.adapters import export_xlsx
from inspector.app.export import table
from inspector.ports.history import History, PartSearch


class TableDesk:
    """Makes one table at a time: one of a million parts keeps this process busy for minutes. Any thread may call."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._making = threading.Lock()

    def make(self, kind: str, sought: PartSearch) -> BinaryIO | None:
        """The parts sought as "csv" or "xlsx", newest first; None while another table is being made.

        The file has no name any more: what it takes of the disk is free once the caller has closed it.

        Raises:
            ConfigError: it cannot be written, or is too long for a sheet.
        """
        if not self._making.acquire(blocking=False):
            return None
        try:
            with tempfile.TemporaryDirectory(prefix="inspector-export-") as folder:
                path = Path(folder) / f"parts.{kind}"
                found = table.rows(self._history, sought)
                if kind == "xlsx":
                    export_xlsx.write_xlsx(path, table.COLUMNS, found)
                else:
                    table.write_csv(path, found)
                return path.open("rb")
        finally:
            self._making.release()
