"""Followers read in order and remember how far."""

from datetime import timedelta
from pathlib import Path

import pytest

from inspector.adapters.journal_sql import SqlJournal, open_journal, open_recorder
from inspector.domain.errors import JournalError
from inspector.domain.inspection import Inspection
from tests.adapters.journal_sql.records import (
    CRACKED,
    DOUBTFUL,
    NOW,
    STATION,
    alarm,
    disposal,
    inspection,
    opened,
)


def write(path: Path, *rows: Inspection) -> None:
    with open_recorder(path, station=STATION) as recorder:
        for row in rows:
            recorder.close(row)


def test_batches_join_without_a_gap_and_never_hold_more_than_200(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        for number in range(1, 151):
            recorder.close(inspection(number, CRACKED))
            recorder.note(disposal(number))
            recorder.note(alarm())
    numbers: list[int] = []
    with open_journal(path, read_only=True) as journal:
        while batch := journal.after(numbers[-1] if numbers else 0, limit=1000):
            assert len(batch) <= 200
            numbers += [entry.journal_seq for entry in batch]
        assert numbers == list(range(1, 451))
        assert journal.head() == 450
        assert [entry.journal_seq for entry in journal.after(10, limit=3)] == [11, 12, 13]


def test_an_empty_book_is_empty(path: Path) -> None:
    with open_journal(path) as journal:
        assert journal.head() == 0
        assert journal.after(0) == []
        assert journal.counts() == {"PASS": 0, "UNDECIDED": 0, "FAIL": 0, "inspections": 0, "open": 0}


def test_counts_are_by_outcome_and_by_station(path: Path) -> None:
    write(path, inspection(1), inspection(2, CRACKED), inspection(3, DOUBTFUL), inspection(4, station="right"))
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(5))
    with open_journal(path, station=STATION) as journal:
        assert journal.counts() == {"PASS": 1, "UNDECIDED": 1, "FAIL": 1, "inspections": 3, "open": 1}
    with open_journal(path) as journal:
        assert journal.counts() == {"PASS": 2, "UNDECIDED": 1, "FAIL": 1, "inspections": 4, "open": 1}


@pytest.fixture
def journal(path: Path) -> SqlJournal:
    write(path, inspection(1))
    with open_journal(path) as journal:
        yield journal  # type: ignore[misc]


def test_a_cursor_moves_forward_only(journal: SqlJournal) -> None:
    assert journal.cursor("mqtt") == 0
    journal.advance("mqtt", 7)
    journal.advance("mqtt", 3)
    journal.advance("jsonl", 1)
    assert (journal.cursor("mqtt"), journal.cursor("jsonl")) == (7, 1)


def test_a_quarantined_entry_stays_listed_with_its_first_reason(journal: SqlJournal) -> None:
    journal.quarantine("mqtt", 1, "not authorised")
    journal.quarantine("mqtt", 1, "again")
    assert journal.quarantined("mqtt") == {1: "not authorised"}
    assert journal.quarantined("jsonl") == {}
    with pytest.raises(JournalError, match="refused"):
        journal.quarantine("mqtt", 99, "there is no entry 99")


def test_a_revision_is_stored_once_under_the_hash_of_its_text(journal: SqlJournal) -> None:
    sha256 = journal.revision("recipe", "critical", "größe = 1")
    assert journal.revision("recipe", "critical", "größe = 1") == sha256
    assert journal.revision("recipe", "critical", "größe = 2") != sha256
    assert journal.revision_text("recipe", sha256) == "größe = 1"
    assert journal.revision_text("model", sha256) is None


def test_unfinished_parts_come_oldest_first_however_many(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        for number in range(1, 451):
            recorder.open(opened(number))
        recorder.close(inspection(7))
    with open_journal(path, station=STATION) as journal:
        left = [opened.part.part_seq for opened in journal.unfinished()]
    assert left == [number for number in range(1, 451) if number != 7]


def test_a_reader_sees_what_the_line_commits(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder, open_journal(path, read_only=True) as reader:
        for number in range(1, 4):
            recorder.close(inspection(number, created_utc=NOW + timedelta(seconds=number)))
            assert recorder.flush(10)
            assert reader.head() == number
