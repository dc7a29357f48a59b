"""The audit chain: whoever edits, deletes or cuts off what people signed is found out."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from inspector.adapters.journal_sql import open_for_people, open_recorder, verify
from inspector.domain.chain import AuditEntry, AuditHead, digest
from tests.adapters.journal_sql.records import CRACKED, NOW, STATION, ask, inspection, review

SIGNED = 450
"""More than two pages of the proof."""


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AuditHead]:
    path = tmp_path_factory.mktemp("signed") / "journal.db"
    born = [inspection(number, CRACKED) for number in range(1, SIGNED + 1)]
    with open_recorder(path, station=STATION) as recorder:
        for one in born:
            recorder.close(one)
    with open_for_people(path, station=STATION) as book:
        for one in born:
            book.desk.sign(review(one.result_id))
        head = book.audit.record(
            who="ada", action="account.changed", subject="ben", content={"role": "quality"}, at_utc=NOW
        )
    return path, head


@pytest.fixture
def copy(signed: tuple[Path, AuditHead], tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A copy in the hands of somebody who owns the file: triggers off, anything goes."""
    with closing(sqlite3.connect(signed[0])) as source, closing(sqlite3.connect(tmp_path / "journal.db")) as raw:
        source.backup(raw)
        names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in names:
            raw.execute(f"DROP TRIGGER {name}")
        yield raw


def said(raw: sqlite3.Connection, head: AuditHead | None = None) -> list[str]:
    raw.commit()
    path = Path(raw.execute("PRAGMA database_list").fetchone()[2])
    return [sentence for sentence in verify(path, audit_head=head).findings if "revisions" not in sentence]


def test_what_was_signed_holds(signed: tuple[Path, AuditHead]) -> None:
    path, head = signed
    proof = verify(path, audit_head=head)
    assert proof.audit == head == AuditHead(number=SIGNED + 1, sha256=head.sha256)
    assert [sentence for sentence in proof.findings if "revisions" not in sentence] == []


def test_the_original_rows_are_untouched_by_450_reviews(signed: tuple[Path, AuditHead]) -> None:
    path, _ = signed
    assert ask(path, "SELECT count(*) FROM inspection WHERE outcome = 3") == [(SIGNED,)]
    assert ask(path, "SELECT count(*) FROM waiting") == [(0,)]


@pytest.mark.parametrize("number", [1, 200, 201, SIGNED])
@pytest.mark.parametrize(
    "column", ["at_us = at_us + 1", "who = 'eve'", "action = 'x'", "subject = 'x'", "content = '{}'", "content = '{'"]
)
def test_an_edited_row_of_the_chain_is_found(copy: sqlite3.Connection, column: str, number: int) -> None:
    copy.execute(f"UPDATE audit SET {column} WHERE number = ?", (number,))
    assert any(f"audit row {number} was changed" in sentence for sentence in said(copy))


def test_a_row_edited_together_with_its_hash_is_found_by_the_next(copy: sqlite3.Connection) -> None:
    with open_for_people(Path(copy.execute("PRAGMA database_list").fetchone()[2]), read_only=True) as book:
        entry = next(one for one in book.audit.audit(limit=200).items if one.number == 400)
    forged = digest(
        AuditEntry(
            number=entry.number,
            at_utc=entry.at_utc,
            who="eve",
            action=entry.action,
            subject=entry.subject,
            content=entry.content,
            previous=entry.previous,
            sha256="",
        )
    )
    copy.execute("UPDATE audit SET who = 'eve', sha256 = ? WHERE number = 400", (forged,))
    assert "audit row 401 does not follow the row before it: one of them was changed" in said(copy)


@pytest.mark.parametrize(
    "change",
    [
        "opinion = 'agree'",
        "true_outcome = 'FAIL'",
        "reviewer = 'eve'",
        "corrections = '[]'",
        "comment = 'x'",
        "signed = 1",
    ],
)
def test_an_edited_review_is_found(copy: sqlite3.Connection, change: str) -> None:
    copy.execute(f"UPDATE review SET {change} WHERE journal_seq = ?", (SIGNED + 7,))
    assert f"review {SIGNED + 7} says other than audit row 7: it was changed" in said(copy)


def test_a_deleted_review_is_found(copy: sqlite3.Connection) -> None:
    copy.execute("DELETE FROM review WHERE journal_seq = ?", (SIGNED + 7,))
    assert any("stands in audit row 7, but not in the book: it was deleted" in sentence for sentence in said(copy))


def test_a_deleted_row_of_the_chain_is_found(copy: sqlite3.Connection) -> None:
    copy.execute("DELETE FROM audit WHERE number = 7")
    found = said(copy)
    assert "audit rows 7 to 7 are missing" in found
    assert any("1 reviews stand in the book, but not in the audit chain" in sentence for sentence in found)


def test_a_chain_cut_off_without_its_reviews_is_found(copy: sqlite3.Connection) -> None:
    copy.execute("DELETE FROM audit WHERE number > 440")
    assert any("10 reviews stand in the book, but not in the audit chain" in sentence for sentence in said(copy))


def test_a_book_cut_off_as_a_whole_is_found_by_the_published_head(
    copy: sqlite3.Connection, signed: tuple[Path, AuditHead]
) -> None:
    last = SIGNED + 440
    copy.execute("DELETE FROM audit WHERE number > 440")
    copy.execute("DELETE FROM reviewed WHERE review_seq > ?", (last,))
    copy.execute("DELETE FROM review WHERE journal_seq > ?", (last,))
    copy.execute("DELETE FROM entry WHERE journal_seq > ?", (last,))
    assert said(copy) == [], "the book alone cannot know"
    assert f"the audit chain ends at row 440, but row {SIGNED + 1} was published: rows were cut off" in said(
        copy, signed[1]
    )


def test_a_chain_written_anew_is_found_by_the_published_head(copy: sqlite3.Connection) -> None:
    other = AuditHead(number=400, sha256="f" * 64)
    assert "audit row 400 has another hash than was published: it was written anew" in said(copy, other)


def test_a_row_that_follows_nothing_cannot_be_written(signed: tuple[Path, AuditHead]) -> None:
    with closing(sqlite3.connect(signed[0])) as raw, pytest.raises(sqlite3.IntegrityError, match="must follow"):
        raw.execute("INSERT INTO audit VALUES (9999, 0, 'eve', 'x', '', '{}', '', '')")
