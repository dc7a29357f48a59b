"""Locks between processes that die with the process that holds them."""

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspector.domain.errors import BusyError, ConfigError, JournalError

_PATIENCE_S = 0.5
_PAUSE_S = 0.02
_MIGRATION_S = 120.0
_MISTAKES = frozenset(
    {errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}
)
_STATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def station_lock(path: Path, station: str) -> Path:
    """Where the lock of a station's pen stands.

    Raises:
        ConfigError: the station's name cannot be part of a file name.
    """
    if _STATION.fullmatch(station) is None:
        raise ConfigError(
            f"station = {station!r} cannot name a lock file: use letters, digits, '.', '_' and '-' (at most 64)"
        )
    return path.with_name(f"{path.name}.{station}.lock")


@contextmanager
def one_line(path: Path, station: str) -> Iterator[None]:
    """Hold the station's pen; a second process is refused at once.

    Raises:
        BusyError: the station already has a running line.
        JournalError: the disk does not take the lock.
    """
    with _opened(station_lock(path, station)) as descriptor:
        if not _take(descriptor, _PATIENCE_S):
            pid = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise BusyError(f"station {station!r} already has a running line (pid {pid}) at journal {path}")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield


@contextmanager
def one_migration(path: Path) -> Iterator[None]:
    """Hold the journal's schema; others wait for it.

    Raises:
        JournalError: another process did not finish in time.
    """
    lock = path.with_name(f"{path.name}.migrate.lock")
    with _opened(lock) as descriptor:
        if not _take(descriptor, _MIGRATION_S):
            raise JournalError(f"journal {path}: another process has been migrating it for over {_MIGRATION_S:g} s")
        yield


def is_running(path: Path, station: str) -> bool:
    """Whether a line holds this station's pen now."""
    lock = station_lock(path, station)
    if not lock.exists():
        return False
    descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _opened(lock: Path) -> Iterator[int]:
    """Open the lock's file, making it if need be.

    Raises:
        ConfigError: a human must mend it: a folder that is not there, a right that is not given.
        JournalError: the disk does not take it: full, damaged, read-only.
    """
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        told = f"journal: the lock {lock} cannot be opened: {error.strerror}"
        raise (ConfigError if error.errno in _MISTAKES else JournalError)(told) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, patience_s: float) -> bool:
    """Take the lock; wait a little, for ``is_running`` looks at it for a moment too."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True
