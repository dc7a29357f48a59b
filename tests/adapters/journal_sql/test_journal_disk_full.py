"""A disk that is really full: a small tmpfs, a ballast, and no room for one more page."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inspector.adapters.evidence_files import open_evidence
from inspector.adapters.journal_sql import open_journal, open_recorder, verify
from inspector.adapters.journal_sql.lock import one_line
from inspector.domain.errors import ConfigError, JournalError
from tests.adapters.evidence_frames import bgr_frame
from tests.adapters.journal_sql.records import CRACKED, STATION, ask, inspection, opened

PATIENCE_S = 20.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root: sudo pytest tests/adapters/journal_sql")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=500", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if done.returncode != 0:
        pytest.skip(f"this machine mounts no tmpfs: {done.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(ballast: Path) -> None:
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_rows_wait_while_the_disk_is_full_and_are_written_when_there_is_room(small_disk: Path) -> None:
    path, ballast = small_disk / "journal.db", small_disk / "ballast"
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(1))
        assert recorder.flush(PATIENCE_S)
        fill(ballast)
        for number in range(1, 401):
            if number > 1:
                recorder.open(opened(number))
            recorder.close(inspection(number, CRACKED))
        wait_until(lambda: recorder.health().error == "the disk is full")
        assert recorder.health().waiting > 0
        assert not recorder.flush(0.2)
        with open_journal(path, station=STATION, read_only=True) as journal:
            assert journal.counts()["inspections"] < 400, "what stands can be read meanwhile"
        ballast.unlink()
        assert recorder.flush(PATIENCE_S)
        assert recorder.health() == recorder.health().__class__(waiting=0, lost=0, error="")
    assert ask(path, "PRAGMA quick_check") == [("ok",)]
    proof = verify(path)
    assert (proof.inspections, proof.journal_seq, proof.missing) == (400, 400, [])


def test_what_a_full_queue_lost_is_told_when_the_disk_is_back(small_disk: Path) -> None:
    path, ballast = small_disk / "journal.db", small_disk / "ballast"
    with open_recorder(path, station=STATION, queue_size=500) as recorder:
        recorder.close(inspection(1))
        assert recorder.flush(PATIENCE_S)
        fill(ballast)
        number = 1
        while recorder.health().lost < 5:
            number += 1
            recorder.close(inspection(number, CRACKED))
        ballast.unlink()
        assert recorder.flush(PATIENCE_S)
    told = ask(path, "SELECT code, json_extract(details, '$.closed') FROM alarm_event")
    assert {code for code, _ in told} == {"journal.lost"}
    assert sum(int(closed) for _, closed in told) == 5
    assert ask(path, "SELECT count(*) FROM inspection") == [(number - 5,)]


def test_a_line_that_ends_on_a_full_disk_says_what_it_could_not_write(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_disk / "journal.db"
    with open_recorder(path, station=STATION, closing_s=0.2) as recorder:
        assert recorder.flush(PATIENCE_S)
        fill(small_disk / "ballast")
        for number in range(1, 1001):
            recorder.close(inspection(number, CRACKED))
        wait_until(lambda: recorder.health().error != "")
    assert "journal.unsaved" in capsys.readouterr().out


def test_a_picture_that_finds_no_room_leaves_nothing_and_says_why(small_disk: Path) -> None:
    with open_evidence(small_disk / "evidence") as evidence:
        kept = evidence.put(bgr_frame(64, 48), (), name="2026/11/22/a", lossless=True)
        fill(small_disk / "ballast")
        with pytest.raises(JournalError, match="no space left on device"):
            evidence.put(bgr_frame(640, 480), (), name="2026/11/22/b", lossless=True)
    files = sorted(file.name for file in (small_disk / "evidence" / "2026/11/22").iterdir())
    assert files == [Path(kept.path).name]


def read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, capture_output=True)


def test_a_disk_that_turned_read_only_is_no_mistake_in_a_file(small_disk: Path) -> None:
    path = small_disk / "journal.db"
    read_only(small_disk)
    with pytest.raises(JournalError, match=r"the lock .* cannot be opened: Read-only"), one_line(path, STATION):
        pass
    for root in (small_disk, small_disk / "evidence"):
        with pytest.raises(JournalError, match=r"evidence\.path = .*[Rr]ead-only"), open_evidence(root):
            pass


def test_a_disk_without_a_free_inode_is_no_mistake_in_a_file(small_disk: Path) -> None:
    for number in range(100_000):
        try:
            (small_disk / str(number)).touch()
        except OSError:
            break
    with (
        pytest.raises(JournalError, match=r"the lock .* cannot be opened: No space left"),
        one_line(small_disk / "journal.db", STATION),
    ):
        pass
    with pytest.raises(JournalError, match="No space left"), open_evidence(small_disk / "evidence"):
        pass


def test_a_folder_that_is_not_there_or_a_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for folder in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(ConfigError, match="cannot be opened"), one_line(folder / "journal.db", STATION):
            pass
    with pytest.raises(ConfigError, match=r"evidence\.path"), open_evidence(tmp_path / "file"):
        pass
