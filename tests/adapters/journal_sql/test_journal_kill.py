"""A line killed by SIGKILL, twenty times, in the middle of writing."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from inspector.adapters.journal_sql import open_journal, open_recorder, verify
from tests.adapters.journal_sql.records import DOUBTFUL, STATION, ask, inspection

WRITER = Path(__file__).with_name("writer_process.py")
ROOT = Path(__file__).parents[3]
KILLS = 20


class Lines:
    """A process that forks a line whenever it is asked."""

    def __init__(self, path: Path, counter: Path) -> None:
        command = [sys.executable, str(WRITER), str(path), str(counter)]
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def killed_after(self, acknowledgements: int) -> list[int]:
        """Start a line, kill it after so many acknowledgements; the part numbers it acknowledged."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write("\n")
        self._server.stdin.flush()
        pid, numbers = 0, []
        while not pid or len(numbers) < acknowledgements:
            word, _, value = self._server.stdout.readline().partition(" ")
            assert word, "the lines ended"
            if word == "pid":
                pid = int(value)
            elif word == "part":
                numbers.append(int(value))
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.001)
        return numbers


def assert_sound(path: Path, acknowledged: set[int]) -> None:
    kept = {number for (number,) in ask(path, "SELECT part_seq FROM part WHERE closed_us IS NOT NULL")}
    assert acknowledged - kept == set()
    assert ask(path, "PRAGMA quick_check") == [("ok",)]
    ((entries, head),) = ask(path, "SELECT count(*), coalesce(max(journal_seq), 0) FROM entry")
    assert entries == head


def test_after_twenty_kills_every_acknowledged_part_stands_and_none_is_missing(path: Path, tmp_path: Path) -> None:
    counter = tmp_path / "plc"
    chance = random.Random(20261122)
    acknowledged: set[int] = set()
    with Lines(path, counter) as lines:
        for _ in range(KILLS):
            acknowledged |= set(lines.killed_after(chance.randint(1, 12)))
            assert_sound(path, acknowledged)
    triggers = counter.stat().st_size
    with open_journal(path, station=STATION) as journal:
        series = journal.newest_series()
        left = [opened.part.part_seq for opened in journal.unfinished()]
    assert series is not None
    before = verify(path, plc_count=triggers)
    assert [part.part_seq for part in before.missing] == list(range(series.last_seq + 1, triggers + 1))
    with open_recorder(path, station=STATION) as recorder:
        for number in [*left, *range(series.last_seq + 1, triggers + 1)]:
            recorder.close(inspection(number, DOUBTFUL, evidence_note="missed"))
    proof = verify(path, plc_count=triggers)
    assert (proof.inspections, proof.open, proof.missing, proof.doubled) == (triggers, 0, [], [])
    assert [sentence for sentence in proof.findings if "revisions" not in sentence] == []
