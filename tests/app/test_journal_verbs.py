"""`inspector journal verify` and `inspector follow --replay` on a book of a few parts, with the line stopped."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector.adapters.journal_sql import open_journal, open_recorder
from tests.adapters.journal_sql.records import inspection
from tests.app.conftest import Verb

Edit = Callable[[str, str, str], Path]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Parts 1, 2 and 5 of station "left"."""
    path = tmp_path / "data" / "left" / "journal.sqlite3"
    path.parent.mkdir(parents=True)
    with open_journal(path, station="left") as journal, open_recorder(path, station="left") as recorder:
        journal.resume(0, datetime.now(UTC))
        for number in (1, 2, 5):
            recorder.close(inspection(number))
        assert recorder.flush(10.0)
    return path


@pytest.mark.usefixtures("book")
def test_what_the_plc_counted_while_the_line_was_away_is_told_apart_from_a_loss(config: Path, verb: Verb) -> None:
    done = verb("journal", "verify", "-c", config, "-s", "left", "--plc-count", 9)
    assert done.exit_code == 1
    assert "missing      3 to 4, 6 to 9\n" in done.stdout
    assert "series 1: 2 of 5 numbers have no Inspection\n" in done.stdout
    assert "series 1: parts 6 to 9 were counted while the line was away: start the line once, " in done.stdout
    told = json.loads(verb("journal", "verify", "-c", config, "-s", "left", "--plc-count", 9, "--json").stdout)
    assert told["missing"] == [3, 4, 6, 7, 8, 9]
    assert "plc_count    not given\n" in verb("journal", "verify", "-c", config, "-s", "left").stdout


@pytest.mark.usefixtures("book")
def test_a_replay_behind_the_end_of_the_journal_says_where_it_ends(config: Path, verb: Verb, edit: Edit) -> None:
    edit("stations/left.toml", 'kind = "dry"', 'kind = "dry"\n[[sink]]\nkind = "jsonl"\nname = "f"\npath = "r.jsonl"')
    done = verb("follow", "-c", config, "-s", "left", "--replay", 99990, 99999)
    assert done.exit_code == 65
    assert "inspector: --replay 99990 99999: the journal ends at 3\n" in done.stderr
    done = verb("follow", "-c", config, "-s", "left", "--replay", 2, 9, "--sink", "f")
    assert done.exit_code == 0, done.stderr
    assert "the journal ends at 3" in done.stderr
    assert "f: 2 records of 2 to 3 delivered again" in done.stdout


@pytest.mark.usefixtures("book")
def test_a_published_head_that_the_chain_no_longer_has_is_a_finding(config: Path, verb: Verb) -> None:
    done = verb("journal", "verify", "-c", config, "-s", "left", "--audit-head", f"7:{'a' * 64}")
    assert done.exit_code == 1
    assert "the audit chain ends at row 0, but row 7 was published: rows were cut off" in done.stdout
    assert f"audit_head   0:{'0' * 64}" in done.stdout
    cut = verb("journal", "verify", "-c", config, "-s", "left", "--book-head", f"999:{'a' * 64}", "--json")
    assert cut.exit_code == 1
    told = json.loads(cut.stdout)
    assert (
        f"the book ends at entry {told['journal_seq']}, but 999 was published: entries were cut off" in told["findings"]
    )
    again = verb("journal", "verify", "-c", config, "-s", "left", "--book-head", told["book_head"])
    assert "the book ends" not in again.stdout
    wrong = verb("journal", "verify", "-c", config, "-s", "left", "--audit-head", "7")
    assert wrong.exit_code == 78
    assert "--audit-head '7': NUMBER:SHA256 is right" in wrong.stderr
