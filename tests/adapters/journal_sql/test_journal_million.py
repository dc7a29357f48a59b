"""A million parts: the questions of the day stay as cheap as on the first, counted in steps of SQLite's machine."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from inspector.adapters.journal_sql import SqlJournal, open_journal, open_recorder, verify
from tests.adapters.journal_sql.records import CRACKED, DOUBTFUL, NOW, STATION, inspection

PARTS = 1_000_000
STEPS_A_QUESTION = 100_000

BULK = (
    "DROP TRIGGER inspection_numbered",
    "PRAGMA synchronous = OFF",
    "BEGIN",
    """WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO entry (journal_seq, kind) SELECT i, 'inspection' FROM n""",
    """INSERT INTO part (id, station, series, part_seq, serial, opened_us, setup_id)
       SELECT journal_seq, 'left', 1, journal_seq, 'S' || journal_seq, journal_seq * 50000, 1
       FROM entry WHERE journal_seq > 2""",
    """INSERT INTO inspection
         (journal_seq, part_id, result_id, setup_id, serial, attempt, opened_us, created_us, outcome, reason, rule,
          unit, gate_told, scale_id, scale_due, evidence_note, kept_probability, clock_synced, simulated, shift,
          software)
       SELECT id, id, printf('00000000-0000-7000-8000-%012x', id), 1, serial, 1, opened_us, opened_us + 40000,
         CASE WHEN id % 25 = 0 THEN 3 ELSE 1 END, 'bulk', 'score.max', 'score', 'acknowledged', '', '',
         'bulk', 0, 1, 1, 'early', 'inspector'
       FROM part WHERE id > 2""",
    """INSERT INTO defect (journal_seq, position, label, severity, weight, sure, rule, score, detection)
       SELECT journal_seq, 0, 'crack', 'critical', 3, 1, 'class.crack.any', 0.9,
         '[{"label":"crack","score":0.9,"box":[1,2,3,4],"length_px":3,"width_px":1,"area_px":3}]'
       FROM inspection WHERE journal_seq > 2 AND outcome = 3""",
    "COMMIT",
)


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("million") / "journal.db"
    with open_journal(path, station=STATION) as journal:
        journal.resume(0, NOW)
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(inspection(1, CRACKED))
        recorder.close(inspection(2, DOUBTFUL))
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for statement in BULK:
            raw.execute(statement, (PARTS,) if "?1" in statement else ())
    return path


QUESTIONS: dict[str, Callable[[SqlJournal], Any]] = {
    "a batch for a sink": lambda journal: len(journal.after(PARTS // 2)) == 200,
    "the counters": lambda journal: journal.counts()["inspections"] == PARTS,
    "the head": lambda journal: journal.head() == PARTS,
    "what a crash left": lambda journal: journal.unfinished() == [],
    "the series to go on with": lambda journal: journal.resume(PARTS, NOW).last_seq == PARTS,
}


@pytest.mark.long
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_costs_the_same_at_a_million_parts(million: Path, question: str) -> None:
    steps: list[int] = []
    with open_journal(million, station=STATION) as journal:

        def count(raw: sqlite3.Connection, *_: object) -> None:
            raw.set_progress_handler(lambda: steps.append(100), 100)

        event.listen(journal._engine, "checkout", count)
        assert QUESTIONS[question](journal)
    assert sum(steps) < STEPS_A_QUESTION


@pytest.mark.long
def test_the_measure_itself_sees_a_question_without_an_index(million: Path) -> None:
    steps: list[int] = []
    with closing(sqlite3.connect(million)) as raw:
        raw.set_progress_handler(lambda: steps.append(100), 100)
        raw.execute("SELECT count(*) FROM inspection WHERE shift = 'late'").fetchone()
    assert sum(steps) > STEPS_A_QUESTION


@pytest.mark.long
def test_a_million_parts_can_be_proved(million: Path) -> None:
    proof = verify(million, plc_count=PARTS)
    assert (proof.inspections, proof.missing) == (PARTS, [])
    assert [sentence for sentence in proof.findings if "revisions" not in sentence] == []
