"""A table of parts as the bytes of a file, for whoever asks over a network."""

import tempfile
from pathlib import Path

from inspector.adapters import export_xlsx
from inspector.app.export import table
from inspector.ports.history import History, PartSearch


def table_bytes(history: History, kind: str, sought: PartSearch) -> bytes:
    """The parts sought as "csv" or "xlsx", newest first.

    Raises:
        ConfigError: it cannot be written, or is too long for a sheet.
    """
    with tempfile.TemporaryDirectory(prefix="inspector-export-") as folder:
        path = Path(folder) / f"parts.{kind}"
        found = table.rows(history, sought)
        if kind == "xlsx":
            export_xlsx.write_xlsx(path, table.COLUMNS, found)
        else:
            table.write_csv(path, found)
        return path.read_bytes()
