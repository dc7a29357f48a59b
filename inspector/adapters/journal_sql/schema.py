"""Brings a journal's schema to the version this program writes: under a lock, with a backup before."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import structlog
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from inspector.adapters.journal_sql.engine import open_engine, plain, writing
from inspector.adapters.journal_sql.lock import one_migration
from inspector.adapters.journal_sql.tables import HEAD
from inspector.domain.errors import ConfigError, JournalError

log = structlog.get_logger(__name__)

_MIGRATIONS = "inspector.adapters.journal_sql:migrations"


def version(path: Path) -> str:
    """The schema's version; "" for a file that is not there or empty.

    Raises:
        ConfigError: it is a database, but not a journal.
        JournalError: it cannot be read.
    """
    if not path.exists() or path.stat().st_size == 0:
        return ""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as raw:
            names = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not names:
                return ""
            if "alembic_version" not in names:
                raise ConfigError(f"journal.path = {path} is a database, but not a journal of inspector: name another")
            row = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise JournalError(f"journal {path}: {plain(error)}") from error
    return row[0] if row else ""


def stands_at(path: Path) -> str:
    """The version of the journal there, one that this program knows; "" for none.

    Raises:
        ConfigError: it is newer, or no journal.
        JournalError: it cannot be read.
    """
    found = version(path)
    _refuse_newer(path, found)
    return found


def require_readable(path: Path) -> None:
    """Check that a journal may be read as it stands.

    Raises:
        ConfigError: it is missing, or of a version this program does not read.
    """
    if not path.exists():
        raise ConfigError(f"journal.path = {path} does not exist: start the line once, or name the right file")
    found = version(path)
    _refuse_newer(path, found)
    if found != HEAD:
        raise ConfigError(
            f"journal {path} has schema {found or 'none'}, this program reads {HEAD}: start the line once"
        )


def migrate(path: Path) -> None:
    """Make the journal, or bring an older one up to date; a journal that is up to date is left alone.

    An existing journal is copied first, beside itself, to ``<name>.before-<version>``.

    Raises:
        ConfigError: the journal is newer than this program, or is no journal.
        JournalError: the disk did not take it; the journal is as before.
    """
    if version(path) == HEAD:
        return
    if not path.parent.is_dir():
        raise ConfigError(f"journal.path = {path}: the folder {path.parent} does not exist")
    with one_migration(path):
        found = version(path)
        _refuse_newer(path, found)
        if found == HEAD:
            return
        if found:
            _back_up(path, path.with_name(f"{path.name}.before-{HEAD}"))
        _upgrade(path)
        log.info("journal.migrated", path=str(path), before=found or "none", now=HEAD)


def _refuse_newer(path: Path, found: str) -> None:
    if found > HEAD:
        raise ConfigError(
            f"journal {path} has schema {found}, newer than this program ({HEAD}): install the newer inspector, "
            f"or restore the backup made before its migration ({path.name}.before-{found})"
        )


def _back_up(path: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise JournalError(f"journal {path}: the backup {copy} before the migration failed: {plain(error)}") from error


def _upgrade(path: Path) -> None:
    engine = open_engine(path, "rwc")
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    try:
        with writing(engine).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (SQLAlchemyError, CommandError) as error:
        raise JournalError(f"journal {path}: the migration to schema {HEAD} failed: {plain(error)}") from error
    finally:
        engine.dispose()
