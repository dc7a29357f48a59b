"""Opens the journal's file as a SQLAlchemy engine, and says in plain words what SQLite says."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from inspector.domain.errors import JournalError

BUSY_S = 5.0
WAL_LIMIT_BYTES = 32 * 1024 * 1024

Access = Literal["ro", "rw", "rwc"]

_PLAIN = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": f"another process held the pen for over {BUSY_S:g} s",
    "SQLITE_READONLY": "the file or its file system is read-only",
    "SQLITE_CANTOPEN": "the file cannot be opened (folder missing, no permission, or read-only file system)",
    "SQLITE_CORRUPT": "the file reads as damaged (after a disk error: reopen before judging it)",
    "SQLITE_NOTADB": "the file is not a SQLite database",
    "SQLITE_IOERR": "the disk reports an I/O error",
}
_DISK_TROUBLE = ("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_NOTADB")


def open_engine(path: Path, access: Access, *, busy_s: float = BUSY_S) -> Engine:
    """An engine whose every connection is WAL, FULL, with foreign keys; the file is opened on first use.

    A connection begins DEFERRED (reading); through ``writing(engine)`` it begins IMMEDIATE. The driver's own
    transactions are off (``isolation_level=None``): a deferred one that turns to writing would fail as busy.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode={access}"

    def connect() -> sqlite3.Connection:
        with ExitStack() as undo:
            raw = sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False)
            undo.callback(raw.close)
            _prepare(raw, path, access)
            undo.pop_all()
        return raw

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=4, max_overflow=8)
    event.listen(engine, "begin", _begin)
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine (same pool), whose transactions take the pen at once: BEGIN IMMEDIATE."""
    return engine.execution_options(pen=True)


def _begin(connection: Connection) -> None:
    pen = connection.get_execution_options().get("pen", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if pen else "BEGIN")


def _prepare(raw: sqlite3.Connection, path: Path, access: Access) -> None:
    if access == "ro":
        raw.execute("PRAGMA query_only = ON")
    else:
        mode = raw.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise JournalError(f"journal {path}: journal_mode is {mode!r}, it must be 'wal' (is it a network folder?)")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    raw.execute("PRAGMA foreign_keys = ON")
    raw.execute("PRAGMA recursive_triggers = ON")
    raw.execute("PRAGMA trusted_schema = OFF")


def _name_of(error: BaseException) -> str:
    origin: Any = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(origin, "sqlite_errorname", "") or "")


def plain(error: BaseException) -> str:
    """What happened, in words a technician can act on."""
    name = _name_of(error)
    for prefix, words in _PLAIN.items():
        if name.startswith(prefix):
            return words
    origin = error.orig if isinstance(error, DBAPIError) else error
    return f"{origin} ({name})" if name else f"{origin}"


def is_disk_trouble(error: BaseException) -> bool:
    """Whether open connections can no longer be believed: dispose the engine and reopen, repair nothing."""
    return _name_of(error).startswith(_DISK_TROUBLE)


def is_row_trouble(error: BaseException) -> bool:
    """Whether the row itself was refused: trying it again cannot help."""
    if isinstance(error, DBAPIError):
        return isinstance(error.orig, (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError)) or (
            type(error.orig) is sqlite3.InterfaceError
        )
    return isinstance(error, (TypeError, ValueError, OverflowError))


@contextmanager
def at_the_border(path: Path, engine: Engine) -> Iterator[None]:
    """Turn what SQLAlchemy and SQLite raise into JournalError; after an I/O error the engine is disposed.

    Raises:
        JournalError: with the file and the reason in plain words.
    """
    try:
        yield
    except IntegrityError as error:
        raise JournalError(f"journal {path}: refused: {error.orig}") from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        if is_disk_trouble(error):
            engine.dispose()
        raise JournalError(f"journal {path}: {plain(error)}") from error
