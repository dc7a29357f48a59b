"""The line's pen: a bounded queue, and one journal thread that commits what waits in groups."""

import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
from inspector.adapters.journal_sql.lost import Lost, LostParts
from inspector.adapters.journal_sql.schema import migrate
from inspector.domain.errors import JournalError
from inspector.domain.frame import PartId
from inspector.domain.inspection import AlarmEvent, Disposal, Inspection, OpenedPart
from inspector.domain.request import Answer
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
        BusyError: the station already has a running line.
        ConfigError: the journal is not one this program writes.
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
    """How many rows may wait, what a failing disk means, and how long the end may take.

    ``stuck_s``: how long the oldest row may wait while an error stands. ``hung_s``: how long one commit may take.
    Past either the disk has failed.
    """

    queue_size: int
    on_failure: OnFailure
    closing_s: float
    stuck_s: float = 2.0
    hung_s: float = 10.0


class SqlRecorder:
    """Fulfils ``Recorder``. Calls put a row in the queue and return; the journal thread owns the database.

    A row leaves the queue when its commit (synchronous=FULL) has returned, and not before. While the disk does
    not take them rows wait, and the thread tries again with a fresh connection, from 50 ms to 2 s apart; when
    ``queue_size`` rows wait the next one is LOST: counted, logged, and written as an alarm event when the disk
    is back. With ``on_failure`` "reject" the caller is told by JournalError: of every lost row, and at ``open`` as
    soon as the disk has failed (``Limits``), though that row then waits like any other.
    """

    def __init__(self, engine: Engine, path: Path, *, station: str, limits: Limits) -> None:
        self._engine = engine
        self._path = path
        self._station = station
        self._limits = limits
        self._queue: deque[tuple[float, Row]] = deque()
        self._changed = threading.Condition()
        self._taken = 0
        self._written = 0
        self._lost = 0
        self._untold = Lost()
        self._lost_parts = LostParts()
        self._error = ""
        self._trying_since = math.inf
        self._closing = False
        self._ended = False
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
        if self._limits.on_failure == "reject":
            self._refuse_if_failed()

    def close(self, inspection: Inspection) -> None:
        """Close a part once, by its Inspection; one that was never opened is opened by it. See ``Recorder``."""
        self._put(inspection)

    def note(self, event: Disposal | AlarmEvent | Answer) -> None:
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
            dead = self._ended and not self._closing
            error = "the journal thread died: see the log" if dead else self._error or self._hung()
            return JournalHealth(waiting=len(self._queue), lost=self._lost, error=error, thread_alive=not dead)

    def take_lost(self, limit: int = GROUP_ROWS) -> Sequence[PartId]:
        """Parts whose Inspection a full queue lost, oldest first, each given once; none while the disk is in trouble.

        The caller closes each by an Inspection that says so (never ``open``: its opening may stand in the book).
        At most 4096 are remembered; the next start finds the others (``unfinished``, ``never_opened``).
        """
        with self._changed:
            room = self._limits.queue_size // 2 - len(self._queue)
            if self._error or self._hung() or self._closing or self._ended:
                return ()
            return self._lost_parts.take(max(min(limit, room), 0))

    def flush(self, timeout_s: float) -> bool:
        """Wait until every row put before this call is on disk; False if that took too long or never will be."""
        with self._changed:
            goal = self._taken
            self._changed.wait_for(lambda: self._ended or self._written >= goal, timeout_s)
            return self._written >= goal

    def _put(self, row: Row) -> None:
        with self._changed:
            if self._closing or self._ended or not self._thread.is_alive():
                raise JournalError(f"journal {self._path}: the journal thread does not run; nothing more is written")
            if len(self._queue) < self._limits.queue_size:
                self._queue.append((time.monotonic(), row))
                self._taken += 1
                self._changed.notify_all()
                return
            self._lose(row)
        if self._limits.on_failure == "reject":
            raise JournalError(
                f"journal {self._path}: {self._limits.queue_size} rows wait for the disk ({self._error})"
            )

    def _refuse_if_failed(self) -> None:
        with self._changed:
            waited_s = time.monotonic() - self._queue[0][0] if self._queue else 0.0
            trouble = self._error if waited_s > self._limits.stuck_s else ""
            trouble = trouble or self._hung()
            waiting = len(self._queue)
        if trouble:
            raise JournalError(
                f"journal {self._path}: {waiting} rows wait for the disk, the oldest for {waited_s:.1f} s ({trouble})"
            )

    def _hung(self) -> str:
        """What to say of a commit that neither succeeds nor fails; "" if there is none."""
        if time.monotonic() - self._trying_since <= self._limits.hung_s:
            return ""
        return f"the disk has not answered for over {self._limits.hung_s:g} s"

    def _lose(self, row: Row) -> None:
        if not self._untold:
            log.error("journal.overflow", path=str(self._path), waiting=len(self._queue), error=self._error)
        self._lost += 1
        self._untold.add(row)
        self._lost_parts.add(row)

    # ---- the journal thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        """Write until asked to end; an error nobody foresaw ends it too, and ``health`` says so."""
        try:
            self._write_on()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _write_on(self) -> None:
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
            group = [row for _, row in islice(self._queue, GROUP_ROWS)]
            if not self._untold:
                return group, 0
            group.append(self._untold.event(self._station))
            self._untold = Lost()
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
            self._trying_since = time.monotonic()
            write_group(self._engine, self._station, group, number)
        except (SQLAlchemyError, JournalError) as error:
            # Never repair here: after an I/O error an open connection may call a sound file damaged. Reopen.
            self._engine.dispose()
            self._set_error(plain(error))
            return False
        finally:
            self._trying_since = math.inf
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
