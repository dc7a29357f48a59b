"""Opens the book for people: queue, desk, history, figures, alarms, audit chain, recipes, all on one engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inspector.adapters.journal_sql.activations import SqlActivations
from inspector.adapters.journal_sql.alarms import SqlAlarms
from inspector.adapters.journal_sql.archive import SqlArchive
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.chain_desk import SqlAudit
from inspector.adapters.journal_sql.desk import SqlDesk
from inspector.adapters.journal_sql.engine import open_engine
from inspector.adapters.journal_sql.figures import SqlFigures
from inspector.adapters.journal_sql.history import SqlHistory
from inspector.adapters.journal_sql.schema import migrate, require_readable
from inspector.adapters.journal_sql.shelf import SqlShelf


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplesBook:
    """``desk`` is queue and desk, ``history`` history and names, ``figures`` figures and lots."""

    desk: SqlDesk
    history: SqlHistory
    figures: SqlFigures
    alarms: SqlAlarms
    audit: SqlAudit
    shelf: SqlShelf
    archive: SqlArchive
    activations: SqlActivations


@contextmanager
def open_for_people(path: Path, *, station: str = "", read_only: bool = False) -> Iterator[PeoplesBook]:
    """Open the book. ``station`` "": all its stations. Threads may share it.

    Raises:
        ConfigError: ``read_only`` and there is no journal; or it is not one this program knows.
        JournalError: it cannot be opened.
    """
    if read_only:
        require_readable(path)
    else:
        migrate(path)
    engine = open_engine(path, "ro" if read_only else "rw")
    file = BookFile(engine, path, station=station)
    try:
        yield PeoplesBook(
            desk=SqlDesk(file),
            history=SqlHistory(file),
            figures=SqlFigures(file),
            alarms=SqlAlarms(file),
            audit=SqlAudit(file),
            shelf=SqlShelf(file),
            archive=SqlArchive(file),
            activations=SqlActivations(file),
        )
    finally:
        engine.dispose()
