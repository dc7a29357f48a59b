"""The line's pen: groups, queue, refusals, one pen a station."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from inspector.adapters.journal_sql import SqlRecorder, open_journal, open_recorder, verify
from inspector.adapters.journal_sql.engine import open_engine, writing
from inspector.adapters.journal_sql.group import write_group
from inspector.adapters.journal_sql.recorder import Limits
from inspector.adapters.journal_sql.schema import migrate
from inspector.domain.errors import BusyError, ConfigError, JournalError
from inspector.domain.inspection import AlarmEvent, Inspection
from tests.adapters.journal_sql.records import (
    CRACKED,
    STATION,
    alarm,
    ask,
    disposal,
    inspection,
    opened,
)

PATIENCE_S = 20.0


@contextmanager
def held_pen(path: Path) -> Iterator[None]:
    """Another process is writing: commits wait meanwhile."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def events_of(path: Path) -> list[object]:
    with open_journal(path) as journal:
        return [entry.event for entry in journal.after(0)]


def test_what_is_closed_can_be_read_again_whole(path: Path) -> None:
    born = inspection(1, CRACKED, serial="S1", lot="L1")
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(1, serial="S1", lot="L1"))
        recorder.close(born)
        recorder.note(disposal(1))
        recorder.note(alarm())
    assert events_of(path) == [born, disposal(1), alarm()]


def test_what_waits_together_is_committed_together(path: Path) -> None:
    commits: list[int] = []
    with open_recorder(path, station=STATION) as recorder:
        assert recorder.flush(PATIENCE_S)
        event.listen(recorder._engine, "commit", lambda connection: commits.append(1))
        with held_pen(path):
            for number in range(1, 301):
                recorder.open(opened(number))
                recorder.close(inspection(number))
        assert recorder.flush(PATIENCE_S)
    assert ask(path, "SELECT count(*) FROM inspection") == [(300,)]
    assert 3 <= len(commits) <= 4, "600 rows in groups of at most 200; the first may have gone alone"


def test_every_connection_is_wal_and_full(path: Path) -> None:
    with (
        open_recorder(path, station=STATION) as recorder,
        recorder._engine.connect() as first,
        recorder._engine.connect() as second,
        open_journal(path) as journal,
        journal._engine.connect() as third,
    ):
        for connection in (first, second, third):
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL; NORMAL would be 1"
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_writing_transaction_takes_the_pen_at_its_begin(path: Path) -> None:
    with (
        open_recorder(path, station=STATION) as recorder,
        writing(recorder._engine).begin(),
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


def test_a_group_whose_commit_was_in_doubt_is_not_written_twice(path: Path) -> None:
    with open_recorder(path, station=STATION):
        pass
    engine = open_engine(path, "rw")
    try:
        for _ in range(2):
            write_group(engine, STATION, [opened(1), inspection(1), alarm()], 4711)
    finally:
        engine.dispose()
    assert ask(path, "SELECT count(*) FROM entry") == [(2,)]


def test_a_part_closed_twice_keeps_its_first_inspection_and_the_book_says_so(path: Path) -> None:
    first, second = inspection(1, CRACKED), inspection(1)
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(1))
        recorder.close(first)
        recorder.close(second)
        recorder.close(inspection(2))
    kept = events_of(path)
    assert kept[0] == first
    refusal = next(event for event in kept if isinstance(event, AlarmEvent))
    assert refusal.code == "journal.refused"
    assert refusal.details["part_seq"] == "1"
    assert "already closed" in refusal.details["reason"]
    assert sum(isinstance(event, Inspection) for event in kept) == 2


@pytest.mark.parametrize("impossible", [{"encoder": 1 << 70}, {"created_utc": datetime(2026, 1, 1)}])  # noqa: DTZ001
def test_a_row_that_can_never_be_written_holds_up_no_other(path: Path, impossible: dict[str, object]) -> None:
    with open_recorder(path, station=STATION) as recorder:
        for number in (1, 2, 3):
            recorder.open(opened(number))
        recorder.close(inspection(1))
        recorder.close(inspection(2, **impossible))
        recorder.close(inspection(3))
        assert recorder.flush(PATIENCE_S)
        assert recorder.health().error == ""
    with open_journal(path, station=STATION) as journal:
        assert [left.part.part_seq for left in journal.unfinished()] == [2], "the next start accounts for it"
        assert journal.counts()["inspections"] == 2
        assert journal.head() == 3


def test_a_close_without_an_open_writes_both(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(inspection(1))
    assert ask(path, "SELECT part_seq, opened_at FROM part") == [(1, None)]


def test_garbage_from_a_device_is_written_as_escapes(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(inspection(1, serial="A\udcffB", lot="漢"))
    assert ask(path, "SELECT serial, lot FROM inspection") == [("A\\udcffB", "漢")]


def test_a_full_queue_counts_what_it_loses_and_tells_the_book_later(path: Path) -> None:
    with open_recorder(path, station=STATION, queue_size=10) as recorder:
        recorder.close(inspection(1))
        assert recorder.flush(PATIENCE_S)
        with held_pen(path):
            for number in range(2, 22):
                recorder.close(inspection(number))
            assert recorder.health().lost == 10
            assert recorder.health().waiting == 10
        assert recorder.flush(PATIENCE_S)
    kept = events_of(path)
    told = [event for event in kept if isinstance(event, AlarmEvent)]  # two, where the pen came up in between
    assert {event.code for event in told} == {"journal.lost"}
    assert sum(int(event.details["closed"]) for event in told) == 10
    assert {event.details[key] for event in told for key in ("opened", "noted")} == {"0"}
    assert told[0].details["first_part_seq"] == "12"
    assert told[-1].details["last_part_seq"] == "21"
    assert sum(isinstance(event, Inspection) for event in kept) == 11


def test_on_failure_reject_tells_the_caller(path: Path) -> None:
    with open_recorder(path, station=STATION, queue_size=2, on_failure="reject") as recorder:
        with held_pen(path):
            recorder.open(opened(1))
            recorder.open(opened(2))
            with pytest.raises(JournalError, match="2 rows wait"):
                recorder.open(opened(3))
        assert recorder.flush(PATIENCE_S)


@contextmanager
def failing(recorder: SqlRecorder, trouble: BaseException) -> Iterator[None]:
    """Every commit ends in this error meanwhile."""

    def refuse(connection: object) -> None:
        raise trouble

    event.listen(recorder._engine, "commit", refuse)
    try:
        yield
    finally:
        event.remove(recorder._engine, "commit", refuse)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def full() -> OperationalError:
    return OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))


@contextmanager
def pen(path: Path, **limits: Any) -> Iterator[SqlRecorder]:
    """A recorder with limits of its own."""
    values: dict[str, Any] = {"queue_size": 100, "on_failure": "reject", "closing_s": 5.0}
    migrate(path)
    engine = open_engine(path, "rw")
    try:
        with SqlRecorder(engine, path, station=STATION, limits=Limits(**(values | limits))) as recorder:
            yield recorder
    finally:
        engine.dispose()


def refused_in_time(recorder: SqlRecorder, number: int) -> int:
    """Open parts until one is refused; its number."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            recorder.open(opened(number))
        except JournalError:
            return number
        number += 1
        time.sleep(0.02)
    raise AssertionError("the recorder refused no part")


def test_on_failure_reject_refuses_parts_soon_after_the_disk_fails_and_keeps_their_rows(path: Path) -> None:
    with pen(path, stuck_s=0.3, queue_size=4096) as recorder:
        recorder.open(opened(1))
        assert recorder.flush(PATIENCE_S)
        with failing(recorder, full()):
            last = refused_in_time(recorder, 2)
            assert recorder.health().lost == 0
            with pytest.raises(JournalError, match=r"rows wait for the disk, the oldest for .* s \(.*disk is full"):
                recorder.open(opened(last + 1))
            recorder.close(inspection(last + 1))
        assert recorder.flush(PATIENCE_S)
        recorder.open(opened(last + 2))
    assert ask(path, "SELECT count(*) FROM part") == [(last + 2,)]


def test_reject_is_for_a_disk_that_never_answers_too(path: Path) -> None:
    answer = threading.Event()
    with pen(path, hung_s=0.2) as recorder:
        event.listen(recorder._engine, "commit", lambda connection: answer.wait(PATIENCE_S))
        try:
            refused_in_time(recorder, 1)
            assert recorder.health().error == "the disk has not answered for over 0.2 s"
        finally:
            answer.set()
        assert recorder.flush(PATIENCE_S)
        assert recorder.health().error == ""


def test_run_takes_parts_while_the_disk_fails(path: Path) -> None:
    with pen(path, on_failure="run", stuck_s=0.0) as recorder, failing(recorder, full()):
        recorder.open(opened(1))
        wait_until(lambda: recorder.health().error != "")
        recorder.open(opened(2))
    with open_recorder(path, station=STATION):
        pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_journal_thread_that_an_unforeseen_error_ended_is_told(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        assert recorder.health().thread_alive
        with failing(recorder, RuntimeError("a bug")):
            recorder.open(opened(1))
            wait_until(lambda: not recorder.health().thread_alive)
        assert recorder.health().error == "the journal thread died: see the log"
        assert recorder.health().waiting == 1
        assert not recorder.flush(PATIENCE_S), "nobody will write it: said at once"
        with pytest.raises(JournalError, match="does not run"):
            recorder.open(opened(2))


def test_a_journal_thread_that_was_asked_to_end_is_no_fault(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        pass
    assert recorder.health().thread_alive


def test_parts_whose_close_a_full_queue_lost_are_given_once_when_the_disk_is_back(path: Path) -> None:
    with pen(path, on_failure="run", queue_size=10) as recorder:
        with failing(recorder, full()):
            for number in range(1, 11):
                recorder.open(opened(number))
            wait_until(lambda: recorder.health().error != "")
            for number in range(1, 11):
                recorder.close(inspection(number))
            assert recorder.take_lost() == (), "no room for their closing yet"
        assert recorder.flush(PATIENCE_S)
        lost = [*recorder.take_lost(), *recorder.take_lost(), *recorder.take_lost()]
        assert [part.part_seq for part in lost] == list(range(1, 11))
        for part in lost[:5]:
            recorder.close(inspection(part.part_seq))
        assert recorder.flush(PATIENCE_S)
    with open_journal(path, station=STATION) as journal:
        assert [left.part.part_seq for left in journal.unfinished()] == [6, 7, 8, 9, 10]


def test_a_second_line_of_the_same_station_is_refused_by_name_and_pid(path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from inspector.adapters.journal_sql import open_recorder\n"
        "with open_recorder(pathlib.Path(sys.argv[1]), station='left'):\n"
        "    print('open', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as line:
        assert line.stdout is not None
        assert line.stdin is not None
        while "open" not in (said := line.stdout.readline()):
            assert said, "the first line ended"
        refusal = rf"station 'left' already has a running line \(pid {line.pid}\)"
        with pytest.raises(BusyError, match=refusal), open_recorder(path, station=STATION):
            pass
        with open_recorder(path, station="right") as other:
            other.close(inspection(1, station="right"))
        line.stdin.close()
        assert line.wait(PATIENCE_S) == 0
    with open_recorder(path, station=STATION):
        pass


def test_a_station_that_cannot_name_a_file_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"station = '\.\./x'"), open_recorder(path, station="../x"):
        pass


def test_a_closed_recorder_takes_nothing(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        pass
    with pytest.raises(JournalError, match="does not run"):
        recorder.open(opened(1))


def test_attempts_count_this_process_and_the_book(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        assert recorder.attempts("") == 1
        assert recorder.attempts("never seen") == 1
        for number in (1, 2):
            recorder.open(opened(number, serial="S1"))
            assert recorder.attempts("S1") == number
            recorder.close(inspection(number, serial="S1", attempt=number))
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(3, serial="S1"))
        recorder.close(inspection(3, serial="S1"))
        assert recorder.flush(PATIENCE_S)
        assert recorder.attempts("S1") == 3, "asked late, its own inspection is not counted twice"
        assert recorder.attempts("S2") == 1


def test_a_serial_that_a_crash_left_open_has_come_before(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        for number, serial in ((1, "S1"), (2, "S1"), (3, "S2"), (4, "")):
            recorder.open(opened(number, serial=serial))
        recorder.close(inspection(1, serial="S1"))
    with open_recorder(path, station=STATION) as recorder:
        assert (recorder.attempts("S1"), recorder.attempts("S2")) == (2, 1), "as the interrupted parts are closed"
        for number, serial in ((2, "S1"), (3, "S2")):
            recorder.close(inspection(number, serial=serial, evidence_note="x"))
        recorder.open(opened(5, serial="S1"))
        recorder.open(opened(6, serial="S2"))
        assert recorder.flush(PATIENCE_S)
        assert (recorder.attempts("S1"), recorder.attempts("S2")) == (3, 2)


def test_two_lines_write_one_contiguous_book(path: Path) -> None:
    with open_recorder(path, station="left") as left, open_recorder(path, station="right") as right:

        def run(recorder: SqlRecorder, station: str) -> None:
            for number in range(1, 301):
                recorder.open(opened(number, station=station))
                recorder.close(inspection(number, station=station, evidence_note="x"))

        threads = [threading.Thread(target=run, args=pair) for pair in ((left, "left"), (right, "right"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert left.flush(PATIENCE_S)
        assert right.flush(PATIENCE_S)
    proof = verify(path)
    assert (proof.inspections, proof.journal_seq, proof.missing) == (600, 600, [])


def test_a_running_line_may_have_open_parts_and_a_stopped_one_may_not(path: Path) -> None:
    with open_journal(path, station=STATION) as journal:
        journal.resume(0, datetime.now(UTC))
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(1))
        assert recorder.flush(PATIENCE_S)
        proof = verify(path)
        assert (proof.open, proof.findings) == (1, [])
    assert "opened and never closed" in verify(path).findings[0]
