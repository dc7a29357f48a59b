"""The line's pen: a bounded queue, and one journal thread that commits what waits in groups."""

import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Literal, Self

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from inspector.adapters.journal_sql.attempts import Attempts
from inspector.adapters.journal_sql.engine import open_engine, plain
from inspector.adapters.journal_sql.group import Row, write_group
from inspector.adapters.journal_sql.lock import one_line
from inspector.adapters.journal_sql.schema import migrate
from inspector.domain.errors import JournalError
from inspector.domain.inspection import AlarmEvent, Disposal, Inspection, OpenedPart
from inspector.ports.journal import JournalHealth

log = structlog.get_logger(__name__)

GROUP_ROWS = 200
_BACK_OFF_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)

OnFailure = Literal["run", "reject"]


@contextmanager
def open_recorder(
    path: Path, *, station: str, on_failure: OnFailure = "run", queue_size: int = 4096, closing_s: float = 10.0
) -> Iterator["SqlRecorder"]:
    """Hold the station's pen and run its journal thread; on exit what waits is written, within ``closing_s``.

    Raises:
        ConfigError: the station already has a running line, or the journal is not one this program writes.
        JournalError: the journal cannot be opened.
    """
    with one_line(path, station):
        migrate(path)
        engine = open_engine(path, "rw")
        try:
            limits = Limits(queue_size=queue_size, closing_s=closing_s, on_failure=on_failure)
            with SqlRecorder(engine, path, station=station, limits=limits) as recorder:
                yield recorder
        finally:
            engine.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many rows may wait, what a full queue means, and how long the end may take."""

    queue_size: int
    on_failure: OnFailure
    closing_s: float


@dataclass(slots=True)
class _Lost:
    """Rows that a full queue did not take, since the book was last told of them."""

    opened: int = 0
    closed: int = 0
    noted: int = 0
    first: int = 0
    last: int = 0

    def add(self, row: Row) -> None:
        """Count one row; parts by number."""
        match row:
            case OpenedPart():
                self.opened += 1
            case Inspection():
                self.closed += 1
            case _:
                self.noted += 1
        if isinstance(row, (OpenedPart, Inspection)):
            self.first = self.first or row.part.part_seq
            self.last = row.part.part_seq

    def __bool__(self) -> bool:
        return bool(self.opened or self.closed or self.noted)

    def event(self, station: str) -> AlarmEvent:
        """What the book is told of them."""
        total = self.opened + self.closed + self.noted
        return AlarmEvent(
            code="journal.lost",
            station=station,
            action="raised",
            text=f"{total} rows were lost: the disk did not take them and the queue was full",
            at_utc=datetime.now(UTC),
            details={
                "opened": str(self.opened),
                "closed": str(self.closed),
                "noted": str(self.noted),
                "first_part_seq": str(self.first),
                "last_part_seq": str(self.last),
            },
        )


class SqlRecorder:
    """Fulfils ``Recorder``. Calls put a row in the queue and return; the journal thread owns the database.

    A row leaves the queue when its commit (synchronous=FULL) has returned, and not before. While the disk does
    not take them rows wait, and the thread tries again with a fresh connection, from 50 ms to 2 s apart; when
    ``queue_size`` rows wait the next one is LOST: counted, logged, and written as an alarm event when the disk
    is back (``on_failure`` "reject": the caller is told by JournalError as well).
    """

    def __init__(self, engine: Engine, path: Path, *, station: str, limits: Limits) -> None:
        self._engine = engine
        self._path = path
        self._station = station
        self._limits = limits
        self._queue: deque[Row] = deque()
        self._changed = threading.Condition()
        self._taken = 0
        self._written = 0
        self._lost = 0
        self._untold = _Lost()
        self._error = ""
        self._closing = False
        self._give_up_at = math.inf
        self._attempts = Attempts(engine, path, station)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            self._give_up_at = time.monotonic() + self._limits.closing_s
            self._changed.notify_all()
        self._thread.join(self._limits.closing_s + _BACK_OFF_S[-1])
        if self._queue:
            log.error("journal.unsaved", path=str(self._path), rows=len(self._queue), error=self._error)

    def open(self, opened: OpenedPart) -> None:
        """Open a part at its trigger. See ``Recorder``."""
        self._attempts.came(opened.part.serial)
        self._put(opened)

    def close(self, inspection: Inspection) -> None:
        """Close a part once, by its Inspection; one that was never opened is opened by it. See ``Recorder``."""
        self._put(inspection)

    def note(self, event: Disposal | AlarmEvent) -> None:
        """Write any other event. See ``Recorder``."""
        self._put(event)

    def attempts(self, serial: str) -> int:
        """How often this serial has come, the part now open included; 1 for "". Ask after ``open``.

        A serial this process has not met is looked up in the book (an index, well under 1 ms while the disk
        answers): ask where the paper is written, not before the gate.
        """
        return self._attempts.of(serial)

    def health(self) -> JournalHealth:
        """Rows waiting, rows lost since the start, and the last error until a commit succeeds again."""
        with self._changed:
            dead = not self._closing and not self._thread.is_alive()
            error = "the journal thread died: see the log" if dead else self._error
            return JournalHealth(waiting=len(self._queue), lost=self._lost, error=error)

    def flush(self, timeout_s: float) -> bool:
        """Wait until every row put before this call is on disk; False if that took too long."""
        with self._changed:
            goal = self._taken
            return self._changed.wait_for(lambda: self._written >= goal, timeout_s)

    def _put(self, row: Row) -> None:
        with self._changed:
            if self._closing or not self._thread.is_alive():
                raise JournalError(f"journal {self._path}: the journal thread does not run; nothing more is written")
            if len(self._queue) < self._limits.queue_size:
                self._queue.append(row)
                self._taken += 1
                self._changed.notify_all()
                return
            self._lose(row)
        if self._limits.on_failure == "reject":
            raise JournalError(
                f"journal {self._path}: {self._limits.queue_size} rows wait for the disk ({self._error})"
            )

    def _lose(self, row: Row) -> None:
        if not self._untold:
            log.error("journal.overflow", path=str(self._path), waiting=len(self._queue), error=self._error)
        self._lost += 1
        self._untold.add(row)

    # ---- the journal thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            group, told = self._next_group()
            if not group or not self._commit_at_last(group):
                return
            with self._changed:
                for _ in range(len(group) - told):
                    self._queue.popleft()
                self._written += len(group) - told
                self._changed.notify_all()

    def _next_group(self) -> tuple[list[Row], int]:
        """What waits, at most GROUP_ROWS, and how many alarm events about lost rows were added; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._untold or self._closing)
            group = list(islice(self._queue, GROUP_ROWS))
            if not self._untold:
                return group, 0
            group.append(self._untold.event(self._station))
            self._untold = _Lost()
            return group, 1

    def _commit_at_last(self, group: Sequence[Row]) -> bool:
        """Commit one group, however often the disk refuses; False when the line ends before it does."""
        number = secrets.randbits(62)
        for tries in count():
            if self._try(group, number):
                return True
            if not self._pause(_BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)]):
                return False
        return False

    def _pause(self, wait_s: float) -> bool:
        """Wait before the next try, less when the line ends meanwhile; False when its time to end is over."""
        with self._changed:
            was_closing = self._closing
            self._changed.wait_for(lambda: self._closing and not was_closing, wait_s)
            return time.monotonic() < self._give_up_at

    def _try(self, group: Sequence[Row], number: int) -> bool:
        try:
            write_group(self._engine, self._station, group, number)
        except (SQLAlchemyError, JournalError) as error:
            # Never repair here: after an I/O error an open connection may call a sound file damaged. Reopen.
            self._engine.dispose()
            self._set_error(plain(error))
            return False
        self._set_error("")
        return True

    def _set_error(self, error: str) -> None:
        with self._changed:
            before, self._error = self._error, error
            waiting = len(self._queue)
        if error and error != before:
            log.error("journal.stuck", path=str(self._path), error=error, waiting=waiting)
        elif before and not error:
            log.warning("journal.back", path=str(self._path), waiting=waiting, lost=self._lost)
