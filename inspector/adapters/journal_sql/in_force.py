"""What was activated at a station, from a book of any version that has activations: its line migrates it only later.

A line reads its recipes before it opens its book to write. A book that a newer program has not brought up to date yet
must not make it forget what was activated.
"""

from collections.abc import Mapping
from pathlib import Path

from inspector.adapters.journal_sql.activations import SqlActivations
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.engine import open_engine
from inspector.adapters.journal_sql.schema import stands_at
from inspector.adapters.journal_sql.shelf import SqlShelf
from inspector.domain.activation import Activation
from inspector.ports.revisions import Revision

SINCE = "0003"
"""The tables that are read here are the same from this version on; a migration that changes them must say so here."""
KIND = "recipe"


def in_force(path: Path, *, station: str) -> Mapping[str, tuple[Activation, Revision | None]]:
    """By slot; None: the revision is not in the book. Empty for no book, and for one of before activations.

    Raises:
        ConfigError: it is no journal, or newer than this program.
        JournalError: it cannot be read.
    """
    if stands_at(path) < SINCE:
        return {}
    engine = open_engine(path, "ro")
    try:
        file = BookFile(engine, path, station=station)
        shelf = SqlShelf(file)
        taken = SqlActivations(file).in_force()
        return {slot: (one, shelf.revision(KIND, one.wish.sha256)) for slot, one in taken.items()}
    finally:
        engine.dispose()
