"""The disk goes away under a running line: an ext4 file system in a file, shut down as a power cut would.

EXT4_IOC_SHUTDOWN without flushing the log: what was not brought to the disk is gone when it is mounted again.
"""

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from inspector.adapters.journal_sql import open_journal, open_recorder, verify
from tests.adapters.journal_sql.records import CRACKED, NOW, STATION, ask, inspection, opened

pytestmark = pytest.mark.long

SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)
CUTS = 10
PATIENCE_S = 20.0


def _done(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Disk:
    """A file system of 32 MB that can be cut off and mounted again."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.image, self.folder = image, folder

    def mount(self) -> None:
        """Mount it as a device of its own: what still holds the cut one open keeps that one, and not the new."""
        device = _done("losetup", "-f", "--show", str(self.image)).strip()
        try:
            _done("mount", device, str(self.folder))
        finally:
            _done("losetup", "-d", device)

    def cut(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("cutting a file system off needs root: sudo pytest tests/adapters/journal_sql -m long")
    disk = Disk(tmp_path / "disk.img", tmp_path / "disk")
    disk.folder.mkdir()
    with disk.image.open("wb") as file:
        file.truncate(32 << 20)
    try:
        _done("mkfs.ext4", "-q", str(disk.image))
        disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this machine mounts no ext4 image (apt-get install e2fsprogs; loop devices): {error}")
    try:
        yield disk
    finally:
        disk.unmount()


def write_and_cut(disk: Disk, first: int, *, synchronous: str) -> tuple[list[int], int]:
    """Write parts, cut the disk off in the middle: those known to be on disk BEFORE the cut, and the next number."""
    acknowledged: list[int] = []
    with open_recorder(disk.folder / "journal.db", station=STATION, closing_s=0) as recorder:
        event.listen(recorder._engine, "checkout", lambda raw, *_: raw.execute(f"PRAGMA synchronous = {synchronous}"))
        for number in range(first, first + 30):
            recorder.open(opened(number))
            recorder.close(inspection(number, CRACKED))
            if number % 3 == 0 and recorder.flush(PATIENCE_S):
                acknowledged = list(range(first, number + 1))
        disk.cut()
    disk.unmount()
    disk.mount()
    return acknowledged, first + 30


def lost_in_cuts(disk: Disk, *, synchronous: str) -> int:
    """Acknowledged parts that are gone after CUTS cuts. The book is sound after each."""
    path = disk.folder / "journal.db"
    with open_journal(path, station=STATION) as journal:
        journal.resume(0, NOW)
    _done("sync", "-f", str(disk.folder))
    lost, first = 0, 1
    for _ in range(CUTS):
        acknowledged, first = write_and_cut(disk, first, synchronous=synchronous)
        kept = {number for (number,) in ask(path, "SELECT part_seq FROM part WHERE closed_us IS NOT NULL")}
        assert ask(path, "PRAGMA quick_check") == [("ok",)]
        lost += len(set(acknowledged) - kept)
    return lost


def test_no_acknowledged_part_is_lost_at_a_power_cut(disk: Disk) -> None:
    assert lost_in_cuts(disk, synchronous="FULL") == 0


def test_the_same_cuts_lose_parts_when_the_journal_is_not_full(disk: Disk) -> None:
    assert lost_in_cuts(disk, synchronous="NORMAL") > 0


def test_a_line_whose_disk_went_away_and_came_back_goes_on_and_repairs_nothing(disk: Disk) -> None:
    path = disk.folder / "journal.db"
    with open_journal(path, station=STATION) as journal, open_recorder(path, station=STATION) as recorder:
        journal.resume(0, NOW)
        recorder.close(inspection(1, CRACKED))
        assert recorder.flush(PATIENCE_S)
        disk.cut()
        for number in range(2, 301):
            recorder.close(inspection(number, CRACKED))
        deadline = time.monotonic() + PATIENCE_S
        while not recorder.health().error:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not recorder.flush(0.1)
        disk.unmount()
        disk.mount()
        assert recorder.flush(PATIENCE_S)
        assert recorder.health().error == ""
    proof = verify(path)
    assert (proof.inspections, proof.journal_seq, proof.missing) == (300, 300, [])
