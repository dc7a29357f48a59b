"""The journal's file as people's questions open it: short transactions, errors in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine

from inspector.adapters.journal_sql.engine import at_the_border, writing


class BookFile:
    """One engine on one file. ``station`` "": all stations of the book."""

    def __init__(self, engine: Engine, path: Path, *, station: str) -> None:
        self.engine = engine
        self.path = path
        self.station = station

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A reading transaction. Raises JournalError."""
        with at_the_border(self.path, self.engine), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The pen, taken at once. Raises JournalError."""
        with at_the_border(self.path, self.engine), writing(self.engine).begin() as connection:
            yield connection
