"""The seals of the book: whoever edits, deletes, slips in or cuts off what the line wrote is found out."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.adapters.journal_sql import migrate, open_for_people, open_journal, open_recorder, verify
from inspector.domain.chain import BEGINNING, AuditHead
from tests.adapters.journal_sql.records import CRACKED, STATION, ask, disposal, inspection, opened, review

PARTS = 120
"""More than a page of the proof: each is two entries."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts as a line writes them: every second one bad, each with a disposal; and one review."""
    path = tmp_path_factory.mktemp("written") / "journal.db"
    with open_recorder(path, station=STATION) as recorder:
        for number in range(1, PARTS + 1):
            recorder.open(opened(number))
            one = inspection(number, CRACKED) if number % 2 else inspection(number)
            recorder.close(replace(one, detections=tuple(defect.detection for defect in one.verdict.defects)))
            recorder.note(disposal(number))
            if number == 1:
                first = one
    with open_for_people(path, station=STATION) as book:
        book.desk.sign(review(first.result_id))
    return path


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A copy in the hands of somebody who owns the file: triggers off, anything goes."""
    with closing(sqlite3.connect(written)) as source, closing(sqlite3.connect(tmp_path / "journal.db")) as raw:
        source.backup(raw)
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        yield raw


def said(raw: sqlite3.Connection, head: AuditHead | None = None) -> list[str]:
    raw.commit()
    path = Path(raw.execute("PRAGMA database_list").fetchone()[2])
    told = verify(path, book_head=head).findings
    return [one for one in told if one.startswith(("not what was", "the book", "entry ", "journal_seq"))]


def number_of(raw: sqlite3.Connection, part_seq: int) -> int:
    query = "SELECT journal_seq FROM inspection JOIN part ON part.id = part_id WHERE part_seq = ?"
    return int(raw.execute(query, (part_seq,)).fetchone()[0])


def test_what_the_line_wrote_holds_and_its_head_is_told(written: Path) -> None:
    proof = verify(written)
    assert [one for one in proof.findings if "revisions" not in one] == []
    ((number, sha256),) = ask(written, "SELECT journal_seq, sha256 FROM entry ORDER BY 1 DESC LIMIT 1")
    assert proof.book == AuditHead(number=number, sha256=sha256)
    assert number == 2 * PARTS + 1
    with open_journal(written, station=STATION, read_only=True) as book:
        assert book.book_head() == proof.book
    assert [one for one in verify(written, book_head=proof.book).findings if "revisions" not in one] == []


@pytest.mark.parametrize(
    "change",
    [
        "inspection SET outcome = 1",
        "inspection SET reason = 'no defect'",
        "inspection SET measured = 0.1",
        "inspection SET limit_value = NULL",
        "inspection SET created_us = created_us + 1",
        "inspection SET serial = 'another'",
        "inspection SET gate_told = 'unknown'",
        "inspection SET evidence_note = 'x'",
        "detections SET content = '[]'",
        "defect SET label = 'dust'",
        "defect SET length_mm = 0.1",
    ],
)
def test_an_edited_inspection_is_found(change: str, copy: sqlite3.Connection) -> None:
    number = number_of(copy, 101)
    edited = copy.execute(f"UPDATE {change} WHERE journal_seq = ?", (number,))
    assert edited.rowcount > 0
    assert said(copy) == [f"not what was written by its seal, or the entry before it is not: inspection {number}"]


def test_two_verdicts_that_were_swapped_are_found(copy: sqlite3.Connection) -> None:
    """The tally of outcomes is as before."""
    one, other = number_of(copy, 101), number_of(copy, 102)
    copy.execute("UPDATE inspection SET outcome = 4 - outcome WHERE journal_seq IN (?, ?)", (one, other))
    assert said(copy) == [
        f"not what was written by its seal, or the entry before it is not: inspection {one}, inspection {other}"
    ]


def test_a_part_or_a_setup_that_was_exchanged_is_found(copy: sqlite3.Connection) -> None:
    number = number_of(copy, 101)
    copy.execute("UPDATE part SET part_seq = part_seq + 100000 WHERE part_seq = 101")
    assert f"inspection {number}" in said(copy)[0]
    copy.execute("UPDATE part SET part_seq = part_seq - 100000 WHERE part_seq > 100000")
    assert said(copy) == []
    copy.execute("UPDATE setup SET recipe_name = 'another'")
    assert f"and {PARTS - 5} more" in said(copy)[0]


def test_a_row_that_was_deleted_from_beneath_its_entry_is_found(copy: sqlite3.Connection) -> None:
    number = number_of(copy, 101)
    copy.execute("DELETE FROM defect WHERE journal_seq = ?", (number,))
    copy.execute("DELETE FROM disposal WHERE part_seq = 102")
    begins, other = "not what was written by its seal, or the entry before it is not:", number_of(copy, 102) + 1
    assert said(copy) == [f"{begins} inspection {number}, disposal {other}"]


def test_an_entry_that_was_taken_out_with_all_numbers_moved_up_is_found(copy: sqlite3.Connection) -> None:
    gone = number_of(copy, 102) + 1
    copy.execute("DELETE FROM disposal WHERE journal_seq = ?", (gone,))
    copy.execute("DELETE FROM entry WHERE journal_seq = ?", (gone,))
    for table in ("entry", "inspection", "detections", "defect", "disposal", "review"):
        copy.execute(f"UPDATE {table} SET journal_seq = -journal_seq WHERE journal_seq > ?", (gone,))
        copy.execute(f"UPDATE {table} SET journal_seq = -journal_seq - 1 WHERE journal_seq < 0")
    assert any(one.startswith("not what was written by its seal") for one in said(copy))


def test_an_entry_whose_seal_was_taken_off_is_found(copy: sqlite3.Connection) -> None:
    copy.execute("UPDATE entry SET sha256 = NULL WHERE journal_seq = 7")
    assert "disposal 7" in said(copy)[0] or "inspection 7" in said(copy)[0]
    copy.execute("UPDATE entry SET sha256 = NULL WHERE journal_seq <= 7")
    assert "inspection 8" in said(copy)[0] or "disposal 8" in said(copy)[0], "the first that is sealed follows zeros"


def test_a_book_that_was_cut_off_is_found_by_the_published_head(copy: sqlite3.Connection, written: Path) -> None:
    head = verify(written).book
    copy.execute("DELETE FROM review")
    copy.execute("DELETE FROM entry WHERE journal_seq = ?", (head.number,))
    assert said(copy) == [], "the seals alone cannot know"
    cut = f"the book ends at entry {head.number - 1}, but {head.number} was published: entries were cut off"
    assert said(copy, head) == [cut]


def test_a_book_that_was_written_anew_is_found_by_the_published_head(written: Path) -> None:
    other = AuditHead(number=100, sha256="f" * 64)
    told = verify(written, book_head=other).findings
    assert "entry 100 has another seal than was published: the book was written anew" in told


def test_a_book_of_the_schema_before_goes_on_and_is_sealed_from_then_on(written: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(written)) as source, closing(sqlite3.connect(path)) as raw:
        source.backup(raw)
        raw.execute("ALTER TABLE entry DROP COLUMN sha256")
        raw.execute("UPDATE alembic_version SET version_num = '0004'")
        raw.commit()
    migrate(path)
    assert verify(path).book == AuditHead(number=2 * PARTS + 1, sha256=BEGINNING)
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(PARTS + 1))
        recorder.close(inspection(PARTS + 1, CRACKED))
    assert [one for one in verify(path).findings if "revisions" not in one] == []
    with closing(sqlite3.connect(path)) as raw:
        assert said(raw) == []
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("UPDATE inspection SET outcome = 1 WHERE journal_seq = ?", (number := number_of(raw, PARTS + 1),))
        assert f"inspection {number}" in said(raw)[0]
