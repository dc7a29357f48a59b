"""What `inspector journal verify` finds, and what it does not mind."""

import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector.adapters.journal_sql import open_journal, open_recorder, verify
from inspector.adapters.journal_sql.lock import one_line
from inspector.domain.errors import ConfigError
from inspector.domain.inspection import ModelStamp, RecipeStamp
from tests.adapters.journal_sql.records import CRACKED, STATION, inspection, opened

CARD = f"sha256 = '{'e5' * 32}'"


AWAY = "were counted while the line was away: start the line once, they are entered as missed"


def write(path: Path, *numbers: int, counter: int = 0, station: str = STATION) -> None:
    """A line that ran without a fault: these parts closed, revisions stored."""
    recipe_text, settings_text = "recipe", "settings"
    with open_journal(path, station=station) as journal, open_recorder(path, station=station) as recorder:
        series = journal.resume(counter, datetime.now(UTC))
        recipe = RecipeStamp(name="critical", sha256=journal.revision("recipe", "critical", recipe_text))
        settings = journal.revision("settings", station, settings_text)
        journal.revision("model", "seg", CARD)
        for number in numbers:
            recorder.close(
                inspection(
                    number,
                    CRACKED,
                    series=series.series,
                    station=station,
                    recipe=recipe,
                    settings_sha256=settings,
                    model=ModelStamp(name="seg", version="1", sha256="e5" * 32),
                )
            )


def test_a_faultless_run_has_no_findings(path: Path) -> None:
    write(path, *range(1, 501))
    proof = verify(path, plc_count=500)
    assert proof.findings == []
    assert (proof.inspections, proof.open, proof.journal_seq, proof.plc_count) == (500, 0, 500, 500)


def test_every_number_without_an_inspection_is_named(path: Path) -> None:
    write(path, 1, 2, 5, 6, 8)
    proof = verify(path, station=STATION, plc_count=10)
    assert [part.part_seq for part in proof.missing] == [3, 4, 7, 9, 10]
    assert proof.findings == [
        "station left, series 1: 3 of 8 numbers have no Inspection",
        f"station left, series 1: parts 9 to 10 {AWAY}",
    ]
    with one_line(path, STATION):
        running = verify(path, station=STATION, plc_count=10)
    assert running.findings == ["station left, series 1: 5 of 10 numbers have no Inspection"]
    assert running.missing == proof.missing


def test_numbers_are_followed_across_the_wrap(path: Path) -> None:
    last = (1 << 32) - 1
    write(path, last - 1, last, 1, 3, counter=last - 2)
    proof = verify(path, plc_count=4)
    assert [part.part_seq for part in proof.missing] == [2, 4]


def test_a_series_ends_where_it_ended_and_the_newest_where_the_plc_stands(path: Path) -> None:
    write(path, 1, 2, 3)
    write(path, 1, counter=1)
    proof = verify(path, plc_count=2)
    assert [(part.series, part.part_seq) for part in proof.missing] == [(2, 2)]


def test_a_plc_that_counted_less_than_the_journal_knows_is_a_finding(path: Path) -> None:
    write(path, 1, 2, 3)
    for count in (0, 2):
        assert f"has part 3, but the PLC counted only to {count}" in verify(path, plc_count=count).findings[0]


def test_a_million_missing_numbers_are_counted_and_a_thousand_listed(path: Path) -> None:
    write(path, 1)
    proof = verify(path, plc_count=1_000_001)
    assert len(proof.missing) == 1000
    assert proof.findings == [f"station left, series 1: parts 2 to 1000001 {AWAY}"]


def test_what_a_full_queue_lost_is_known_at_the_next_start(path: Path) -> None:
    write(path, 1, 2, 5, 6)
    with open_journal(path, station=STATION) as journal:
        assert [part.part_seq for part in journal.never_opened()] == [3, 4]
    write(path, 3, 4, counter=6)
    with open_journal(path, station=STATION) as journal:
        assert journal.never_opened() == ()


def test_what_was_lost_before_the_counter_began_anew_is_known_too(path: Path) -> None:
    write(path, 1, 2, 5, 6)
    write(path, 2, 3, counter=3)
    with open_journal(path, station=STATION) as journal:
        assert [(part.series, part.part_seq) for part in journal.never_opened()] == [(1, 3), (1, 4), (2, 1)]
    with open_recorder(path, station=STATION) as recorder:
        for series, number in ((1, 3), (1, 4), (2, 1)):
            recorder.close(inspection(number, series=series))
    with open_journal(path, station=STATION) as journal:
        assert journal.never_opened() == ()


def test_a_reject_without_picture_and_without_a_note_is_a_finding(path: Path) -> None:
    write(path, 1)
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(inspection(2, CRACKED, evidence=None))
        recorder.close(inspection(3, CRACKED, evidence=None, evidence_note="the disk was full"))
    found = [sentence for sentence in verify(path).findings if "revisions" not in sentence]
    assert found == [
        "1 FAIL or UNDECIDED parts have neither a picture nor a note why there is none, first journal_seq 2"
    ]


def test_revisions_that_judged_and_are_not_stored_are_findings(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(inspection(1))
    found = verify(path).findings
    assert [sentence.split(",")[0] for sentence in found] == [
        "parts were judged with model b2b2b2b2b2b2",
        "parts were judged with recipe a1a1a1a1a1a1",
        "parts were judged with settings c3c3c3c3c3c3",
    ]


def test_an_open_part_of_a_dead_line_is_a_finding(path: Path) -> None:
    write(path, 1)
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(2))
    proof = verify(path)
    assert proof.open == 1
    assert proof.missing == []
    assert "1 parts were opened and never closed, first 2" in proof.findings[0]


def test_a_stray_number_is_a_finding(path: Path) -> None:
    write(path, 100, 101, counter=100)
    assert "1 parts stand before its first number, e.g. 100" in verify(path).findings[0]


def test_a_count_needs_a_station_where_there_are_several(path: Path) -> None:
    write(path, 1)
    write(path, 1, 2, station="right")
    with pytest.raises(ConfigError, match="has left, right"):
        verify(path, plc_count=2)
    proof = verify(path, station="right", plc_count=2)
    assert (proof.inspections, proof.findings) == (2, [])
    assert "no station 'middle'" in verify(path, station="middle").findings[0]


def tampered(path: Path, *statements: str) -> list[str]:
    """Findings after somebody with the rights of the file's owner took the triggers off and wrote in the book."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
    return list(verify(path).findings)


def test_a_deleted_inspection_is_found(path: Path) -> None:
    write(path, 1, 2, 3)
    gone = (f"DELETE FROM {table} WHERE journal_seq = 2" for table in ("waiting", "defect", "inspection"))
    found = tampered(path, *gone)
    assert "1 entries of kind 'inspection' have no record" in found
    assert "2 inspections, but the tally says 3, the minutes say 3, and 3 parts are closed" in found


def test_a_changed_verdict_is_found(path: Path) -> None:
    write(path, 1, 2, 3)
    found = tampered(path, "UPDATE inspection SET outcome = 1 WHERE journal_seq = 2")
    assert "1 parts are PASS, but 0 were when they were written: a verdict was changed" in found
    assert "2 parts are FAIL, but 3 were when they were written: a verdict was changed" in found


def test_a_deleted_entry_is_found(path: Path) -> None:
    write(path, 1, 2, 3)
    found = tampered(path, "DELETE FROM entry WHERE journal_seq = 2")
    assert "journal_seq is not contiguous: 1 numbers are missing, first 2" in found


def test_a_damaged_page_is_found(path: Path) -> None:
    write(path, *range(1, 301))
    with path.open("r+b") as file:
        file.seek(0, 2)
        pages = file.tell() // 4096
        for page in range(pages // 2, pages // 2 + 3):
            file.seek(page * 4096)
            file.write(hashlib.sha256(str(page).encode()).digest() * 128)
    try:
        found = verify(path).findings
    except Exception as error:  # noqa: BLE001 - said either way
        found = [str(error)]
    assert "damaged" in " ".join(found)
