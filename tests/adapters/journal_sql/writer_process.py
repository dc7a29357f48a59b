"""Lines that are killed: each reconciles what the last kill left, then writes parts and says which are on disk.

python writer_process.py JOURNAL COUNTER_FILE
    for every line on stdin one process is forked (imports are slow, forks are not): it prints "pid <pid>", then
    "part <part_seq>" whenever the Inspection of that part was flushed
COUNTER_FILE plays the PLC: its size is the number of triggers counted; it grows before the part is opened.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from inspector.adapters.journal_sql import open_journal, open_recorder
from inspector.domain.frame import seq_after, seq_distance
from tests.adapters.journal_sql.records import CRACKED, DOUBTFUL, STATION, inspection, opened


def main(path: Path, counter: Path) -> None:
    counter.touch()
    with open_recorder(path, station=STATION) as recorder, open_journal(path, station=STATION) as archive:
        count = counter.stat().st_size
        series = archive.resume(count, datetime.now(UTC))
        for left in archive.unfinished():
            recorder.close(inspection(left.part.part_seq, DOUBTFUL, evidence_note="interrupted"))
        for step in range(1, seq_distance(count, series.last_seq) + 1 if series.last_seq else count + 1):
            number = seq_after(series.last_seq, step)
            recorder.close(inspection(number, DOUBTFUL, evidence_note="missed"))
        with counter.open("ab", buffering=0) as plc:
            while True:
                plc.write(b".")
                count += 1
                recorder.open(opened(count))
                recorder.close(inspection(count, CRACKED if count % 3 == 0 else DOUBTFUL, evidence_note="x"))
                if count % 5 == 0 and recorder.flush(10):
                    say(f"part {count}")


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def serve(path: Path, counter: Path) -> None:
    while sys.stdin.readline():
        child = os.fork()
        if child == 0:
            main(path, counter)
        say(f"pid {child}")
        os.waitpid(child, 0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
