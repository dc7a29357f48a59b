"""Appends every record to a file, one JSON line each: for plants without a broker, and for tools that read files."""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.errors import BusyError, ConfigError, DeliveryError
from inspector.domain.numbering import Spans
from inspector.ports.plugin import Context, Plugin
from inspector.ports.sink import Announcement, Publication

SEQ = re.compile(rb'^\{"journalSeq":(\d+),')
"""How each of our lines begins."""
MEGABYTE = 1_000_000
_LOCKS = Path("/proc/locks")


class JsonlSettings(BaseModel):
    """One file that gets every record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(description="the file; relative: below the station's data folder")
    rotate_mb: int = Field(default=100, ge=1, le=10_000, description="a file this large becomes <path>.1, and so on")
    keep: int = Field(default=10, ge=1, le=1000, description="rotated files kept; the oldest beyond that is deleted")


class JsonlSink:
    """One file, opened for appending and locked. A record that stands in it is not written twice.

    It keeps no retained states: announcements are not written.
    """

    def __init__(self, settings: JsonlSettings, path: Path, file: FileIO, written: Spans) -> None:
        self._settings = settings
        self._path = path
        self._file = file
        self._written = written

    def deliver(self, batch: Sequence[Publication], done: Callable[[int], None]) -> None:
        """Append what is not there yet, fsync once, and only then call it done."""
        new = [publication for publication in batch if publication.journal_seq not in self._written]
        if new:
            if os.fstat(self._file.fileno()).st_size >= self._settings.rotate_mb * MEGABYTE:
                self._rotate()
            self._append(b"".join(_line(publication) for publication in new))
            for publication in new:
                self._written.add(publication.journal_seq)
        for publication in batch:
            done(publication.journal_seq)

    def announce(self, announcement: Announcement) -> None:
        """Nothing: a file retains no states."""

    def close(self) -> None:
        """Close the file; its lock goes with it."""
        self._file.close()

    def _append(self, lines: bytes) -> None:
        before = os.fstat(self._file.fileno()).st_size
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):  # a half line is cut off at the next opening at the latest
                self._file.truncate(before)
            raise DeliveryError(f"sink jsonl: {self._path} takes nothing: {error.strerror}") from error

    def _rotate(self) -> None:
        """Move every file one number up; the file in use is moved last and stays ours until the new one is open."""
        try:
            for number in range(self._settings.keep, 0, -1):
                older = self._path if number == 1 else rotated(self._path, number - 1)
                if older.exists():
                    older.replace(rotated(self._path, number))
            file = _open_locked(self._path)
        except OSError as error:
            raise DeliveryError(f"sink jsonl: {self._path} cannot be rotated: {error.strerror}") from error
        self._file.close()
        self._file = file


@contextmanager
def open_jsonl(settings: JsonlSettings, context: Context) -> Iterator[JsonlSink]:
    """The file, opened and locked; a torn last line is cut off, what stands there is known.

    Raises:
        BusyError: another process writes it.
        ConfigError: it cannot be opened.
    """
    path = Path(context.data_dir) / context.station / settings.path  # an absolute one stays as it is
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _open_locked(path)
    except BlockingIOError as error:
        raise BusyError(
            f"sink jsonl: path = {str(path)!r} is being written by {_writer(path)}; end that one"
        ) from error
    except OSError as error:
        raise ConfigError(f"sink jsonl: path = {str(path)!r} cannot be opened: {error.strerror}") from error
    written = Spans()
    if rotated(path, 1).exists():
        with rotated(path, 1).open("rb") as older:
            _read(older, written)
    with path.open("rb") as whole:
        length = _read(whole, written)
    file.truncate(length)
    sink = JsonlSink(settings, path, file, written)
    try:
        yield sink
    finally:
        sink.close()


def rotated(path: Path, number: int) -> Path:
    """Where the file stands after this many rotations."""
    return path.with_name(f"{path.name}.{number}")


def _open_locked(path: Path) -> FileIO:
    file = path.open("ab", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file


def _writer(path: Path) -> str:
    """Who holds the lock, as the kernel tells it (not in every sandbox)."""
    inode = str(path.stat().st_ino)
    with suppress(OSError):
        for line in _LOCKS.read_text().splitlines():
            words = line.split()  # 1: FLOCK ADVISORY WRITE <pid> <major>:<minor>:<inode> 0 EOF
            if "FLOCK" in words and words[5].rpartition(":")[2] == inode and int(words[4]) > 0:
                return f"another process (pid {words[4]})"
    return "another process"


def _read(file: BinaryIO, written: Spans) -> int:
    """Note the numbers that stand in the file; give the length of its whole lines in bytes."""
    length = 0
    for line in file:
        if not line.endswith(b"\n"):
            break
        length += len(line)
        if found := SEQ.match(line):
            written.add(int(found[1]))
    return length


def _line(publication: Publication) -> bytes:
    record = {
        "journalSeq": publication.journal_seq,
        "kind": publication.kind,
        "schema": publication.schema,
        "record": publication.payload,
    }
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


PLUGIN = Plugin(settings_model=JsonlSettings, open=open_jsonl, replayable=False)
