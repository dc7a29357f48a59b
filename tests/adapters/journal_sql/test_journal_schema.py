"""The file: migrations, immutability, indexes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from inspector.adapters.journal_sql import migrate, open_for_people, open_journal, open_recorder, tables
from inspector.adapters.journal_sql.engine import open_engine
from inspector.adapters.journal_sql.schema import version
from inspector.domain.errors import ConfigError, JournalError
from tests.adapters.journal_sql.records import CRACKED, NOW, STATION, ask, disposal, inspection, opened, review


@pytest.fixture
def filled(path: Path) -> Path:
    born = inspection(1, CRACKED, serial="S1", lot="L1")
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(1))
        recorder.close(born)
        recorder.note(disposal(1))
    with open_for_people(path) as book:
        book.desk.sign(review(born.result_id))
        book.shelf.propose("recipe", "critical", "text", by="ben", at_utc=NOW)
    return path


@contextmanager
def sqlite_shell(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        yield raw


def _is_about_a_key(step: Any, keys: set[tuple[str, str]]) -> bool:
    return isinstance(step, list) and step[0][0] == "modify_nullable" and (step[0][2], step[0][3]) in keys


def test_the_migrations_make_what_the_tables_say(path: Path) -> None:
    migrate(path)
    engine = open_engine(path, "ro")
    try:
        with engine.connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), tables.metadata)
        # SQLite reports the row id (INTEGER PRIMARY KEY) as nullable; it never is.
        keys = {(table.name, column.name) for table in tables.metadata.tables.values() for column in table.primary_key}
        assert [step for step in found if not _is_about_a_key(step, keys)] == []
    finally:
        engine.dispose()


def test_the_newest_migration_is_the_version_this_program_writes(path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", "inspector.adapters.journal_sql:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == tables.HEAD
    migrate(path)
    assert version(path) == tables.HEAD


def test_a_newer_journal_is_refused_with_the_way_out(filled: Path) -> None:
    with sqlite_shell(filled) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9000'")
    for read_only in (True, False):
        refusal = pytest.raises(ConfigError, match="schema 9000, newer than this program")
        with refusal, open_journal(filled, read_only=read_only):
            pass


def test_an_older_journal_is_copied_before_it_is_migrated(filled: Path) -> None:
    with sqlite_shell(filled) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(JournalError, match=f"migration to schema {tables.HEAD} failed"):
        migrate(filled)
    copy = filled.with_name(f"journal.db.before-{tables.HEAD}")
    assert ask(copy, "SELECT count(*) FROM inspection") == [(1,)]
    assert ask(filled, "SELECT count(*) FROM inspection") == [(1,)]


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with sqlite_shell(path) as raw:
        raw.execute("CREATE TABLE theirs (x)")
    with pytest.raises(ConfigError, match="not a journal of inspector"):
        migrate(path)


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalError, match="not a SQLite database"):
        migrate(path)


def test_reading_a_missing_journal_names_the_path_and_makes_nothing(path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{path} does not exist"), open_journal(path, read_only=True):
        pass
    assert not path.exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"), open_journal(tmp_path / "nowhere" / "journal.db"):
        pass


def test_a_reader_cannot_write(filled: Path) -> None:
    with open_journal(filled, read_only=True) as journal, pytest.raises(JournalError, match="read-only"):
        journal.advance("mqtt", 1)


@pytest.mark.parametrize(
    "table",
    [
        "entry",
        "inspection",
        "detections",
        "defect",
        "disposal",
        "review",
        "revision",
        "setup",
        "series",
        "audit",
        "revision_word",
    ],
)
def test_what_stands_in_the_book_cannot_be_changed_or_deleted(filled: Path, table: str) -> None:
    with sqlite_shell(filled) as raw:
        column = raw.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()[-1][0]
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            raw.execute(f"UPDATE {table} SET {column} = {column}")
        with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
            raw.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", ["inspection", "disposal", "review", "entry"])
def test_what_stands_in_the_book_cannot_be_replaced(filled: Path, table: str) -> None:
    with sqlite_shell(filled) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


def test_a_part_keeps_what_it_was_opened_with(filled: Path) -> None:
    with sqlite_shell(filled) as raw:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            raw.execute("UPDATE part SET part_seq = 9")
        with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
            raw.execute("DELETE FROM part")


def test_a_gap_in_journal_seq_cannot_be_written(filled: Path) -> None:
    with sqlite_shell(filled) as raw, pytest.raises(sqlite3.IntegrityError, match="contiguous"):
        raw.execute("INSERT INTO entry (journal_seq, kind) VALUES (99, 'alarm')")


def plans(engine: Engine, act: Any) -> list[str]:
    """What SQLite does for every SELECT that ``act`` makes."""
    asked: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", remember)
    act()
    event.remove(engine, "before_cursor_execute", remember)
    assert asked
    with engine.connect() as connection:
        return [
            row[3]
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


ASKED = {
    "after": (lambda journal, born: journal.after(0), "entry USING INTEGER PRIMARY KEY"),
    "audit head": (lambda journal, born: journal.audit_head(), "audit"),
    "unfinished": (lambda journal, born: journal.unfinished(), "part USING INDEX part_open"),
    "resume": (lambda journal, born: journal.resume(1, NOW), "part USING COVERING INDEX sqlite_autoindex"),
    "resume after an echo": (lambda journal, born: journal.resume(1, NOW, echo_seq=0), "inspection USING INDEX sqlite"),
    "head": (lambda journal, born: journal.head(), "SEARCH entry"),
}


@pytest.mark.parametrize("station", [STATION, ""])
@pytest.mark.parametrize("name", ASKED)
def test_every_question_of_the_day_goes_by_an_index(path: Path, name: str, station: str) -> None:
    act, expected = ASKED[name]
    if not station and name.startswith(("unfinished", "resume")):
        return
    born = inspection(1, CRACKED)
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(born)
    with open_journal(path, station=station) as journal:
        steps = plans(journal._engine, lambda: act(journal, born))
    assert any(expected in step for step in steps), steps
    scans = [step for step in steps if step.startswith("SCAN") and step != "SCAN audit"]  # backwards, one row
    assert scans == []
    assert not any("TEMP B-TREE" in step for step in steps), "sorted by hand"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT journal_seq FROM inspection WHERE serial = ?", "inspection_serial"),
        ("SELECT journal_seq FROM inspection WHERE lot = ? ORDER BY journal_seq DESC", "inspection_lot"),
        ("SELECT journal_seq FROM inspection WHERE created_us > ? ORDER BY created_us DESC", "inspection_time"),
        (
            "SELECT journal_seq FROM inspection WHERE outcome > 1 AND outcome = ? ORDER BY journal_seq DESC",
            "inspection_outcome",
        ),
        ("SELECT journal_seq FROM defect WHERE label = ? ORDER BY journal_seq DESC", "defect_label"),
        ("SELECT journal_seq FROM review WHERE result_id = ?", "review_result"),
        ("SELECT journal_seq FROM alarm_event WHERE code = ? ORDER BY journal_seq DESC", "alarm_event_code"),
    ],
)
def test_the_questions_of_reports_have_their_index(path: Path, query: str, index: str) -> None:
    migrate(path)
    steps = [row[3] for row in ask(path, f"EXPLAIN QUERY PLAN {query}", "x")]
    assert len(steps) == 1
    assert steps[0].startswith("SEARCH")
    assert f"INDEX {index} " in steps[0]
