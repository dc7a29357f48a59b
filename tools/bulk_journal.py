"""Makes a journal of a million parts from a seed, and says how long people's questions take while a line writes.

    python -m tools.bulk_journal make /tmp/bulk/journal.sqlite3 --parts 1000000 --seed 1
    python -m tools.bulk_journal ask /tmp/bulk/journal.sqlite3

Two parts a second; a lot is 5000 parts; of a hundred parts about 4 fail, 1 is in doubt, 1 came late and 2 good ones
keep their picture; half of the rejects before the last day are reviewed. The book is made in schema 0002 and brought up
to date, so that the migration is tried on a book of this size too. Classes and figures come from the seed.
"""

import argparse
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from alembic import command
from alembic.config import Config

from inspector.adapters.journal_sql import PeoplesBook, migrate, open_for_people, open_recorder
from inspector.adapters.journal_sql.engine import open_engine, writing
from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold, Inspection, ModelStamp, RecipeStamp, Timings
from inspector.domain.shifts import Span
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.ports.figures import Selection
from inspector.ports.history import PartSearch
from inspector.ports.review import QueueFilter, QueueKind, QueueOrder

STATION = "bulk"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
HALF_SECOND_US = 500_000

_BULK = (
    "INSERT INTO series VALUES (:station, 1, 0, :begin, 'first run')",
    """INSERT INTO setup SELECT value, CASE WHEN value = 2 THEN 'fine' ELSE 'critical' END,
         printf('%064x', value), value - 1,
         'surface', '1', printf('%064x', 9), 'cpu', printf('%064x', 8) FROM json_each('[1,2]')""",
    """CREATE TEMP TABLE drawn AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :parts)
       SELECT i, (i * 2654435761 + :seed * 40503) % 4294967296 % 100 AS lucky,
         (i * 2246822519 + :seed * 97) % 4294967296 % 1000 AS fine, :begin + i * 500000 AS at FROM n""",
    "INSERT INTO entry (journal_seq, kind) SELECT i, 'inspection' FROM drawn",
    """INSERT INTO part (id, station, series, part_seq, serial, lot, opened_us, setup_id, closed_us)
       SELECT i, :station, 1, i, 'S' || i, 'L' || (i / 5000), at, 1 + (i / 20000) % 2, at + 90000 FROM drawn""",
    """INSERT INTO inspection (journal_seq, part_id, result_id, setup_id, serial, lot, attempt, opened_us,
         created_us, outcome, reason, rule, measured, limit_value, unit, severity_score, gate_told, total_ms,
         scale_id, scale_due, evidence_path, evidence_sha256, evidence_width, evidence_height, evidence_lossless,
         evidence_note, kept_probability, clock_synced, simulated, shift, software)
       SELECT i, i, printf('00000000-0000-7000-8000-%012x', i), 1 + (i / 20000) % 2, 'S' || i, 'L' || (i / 5000), 1, at,
         at + 90000, CASE WHEN lucky < 4 THEN 3 WHEN lucky < 6 THEN 2 ELSE 1 END,
         CASE WHEN lucky < 4 THEN 'crack 3.2 mm >= 1 mm' WHEN lucky = 4 THEN 'in doubt' WHEN lucky = 5 THEN 'late' ELSE
           'no defect' END,
         CASE WHEN lucky = 5 THEN 'law.late' ELSE 'score.max' END,
         CASE WHEN lucky < 4 THEN 2.5 + fine / 300.0 ELSE fine / 401.0 END, 2.5, 'score', fine / 401.0,
         'acknowledged', 90, '', '',
         CASE WHEN lucky < 8 AND lucky <> 5 THEN printf('2026/11/bulk-1-%d.jpg', i) END, printf('%064x', i), 4096,
         3000, 0, 'bulk', CASE WHEN lucky < 6 THEN 1.0 WHEN lucky < 8 THEN 0.02 ELSE 0 END,
         1, 1, '', 'bulk' FROM drawn""",
    """INSERT INTO defect (journal_seq, position, label, severity, weight, sure, rule, score, detection)
       SELECT i, 0, CASE WHEN fine < 600 THEN 'scratch' WHEN fine < 900 THEN 'crack'
           WHEN fine < 999 THEN 'dent' ELSE 'hole' END,
         'critical', 3, 1, 'class.crack.any', 0.9,
         '[{"label":"crack","score":0.9,"box":[1,2,3,4],"length_px":3,"width_px":1,"area_px":3}]'
       FROM drawn WHERE lucky < 5""",
    "INSERT INTO tally SELECT :station, outcome, count(*) FROM inspection GROUP BY outcome",
    """CREATE TEMP TABLE told AS SELECT row_number() OVER () AS n, i, lucky, fine, at FROM drawn
       WHERE lucky < 5 AND i % 2 = 0 AND i < :parts - 172800""",
    "INSERT INTO entry (journal_seq, kind) SELECT :parts + n, 'review' FROM told",
    """INSERT INTO review SELECT :parts + n, printf('00000000-0000-7000-8000-%012x', i), 'ana',
         CASE WHEN fine % 10 = 0 THEN 'disagree' ELSE 'agree' END, CASE WHEN fine % 10 = 0 THEN 'PASS' ELSE 'FAIL' END,
         'dust', at + 3600000000, '[]' FROM told""",
)


def make(path: Path, *, parts: int, seed: int, station: str = STATION, begin: datetime = BEGIN) -> None:
    """Make the journal of this station, its first part at ``begin``; the file must not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = open_engine(path, "rwc")
    config = Config()
    config.set_main_option("script_location", "inspector.adapters.journal_sql:migrations")
    with writing(engine).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    engine.dispose()
    given: dict[str, int | str] = {"parts": parts, "seed": seed, "station": station}
    given |= {"begin": int(begin.timestamp()) * 1_000_000}
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("BEGIN")
        for name, _ in triggers:
            raw.execute(f"DROP TRIGGER {name}")
        for statement in _BULK:
            raw.execute(statement, {key: value for key, value in given.items() if f":{key}" in statement})
        for _, sql in triggers:
            raw.execute(sql)
        raw.execute("COMMIT")
    started = time.perf_counter()
    migrate(path)
    _say(f"{parts} parts made; the migration to the newest schema took {time.perf_counter() - started:.1f} s")


def questions(parts: int, begin: datetime = BEGIN) -> dict[str, Callable[[PeoplesBook], Any]]:
    """What the pages ask."""
    middle = begin + timedelta(microseconds=parts // 2 * HALF_SECOND_US)
    shift = Span(start_utc=middle, end_utc=middle + timedelta(hours=8))
    newest = PartSearch()
    queue = QueueFilter()
    return {
        "queue: rejects, oldest first": lambda b: b.desk.waiting(queue),
        "queue: rejects, nearest first": lambda b: b.desk.waiting(queue, order=QueueOrder.NEAREST),
        "queue: rejects of a rare class": lambda b: b.desk.waiting(QueueFilter(label="hole")),
        "queue: rejects of a shift and recipe": lambda b: b.desk.waiting(QueueFilter(opened=shift, recipe="critical")),
        "queue: sample": lambda b: b.desk.waiting(QueueFilter(kind=QueueKind.SAMPLE)),
        "queue: borderline, nearest first": lambda b: b.desk.waiting(
            QueueFilter(kind=QueueKind.BORDERLINE), order=QueueOrder.NEAREST
        ),
        "queue: left": lambda b: b.desk.left(queue),
        "queue: left of a class": lambda b: b.desk.left(QueueFilter(label="scratch")),
        "history: newest": lambda b: b.history.search(newest),
        "history: second page": lambda b: b.history.search(newest, after=b.history.search(newest).following),
        "history: serial": lambda b: b.history.search(PartSearch(serial=f"S{parts // 3}")),
        "history: lot": lambda b: b.history.search(PartSearch(lot="L7")),
        "history: rare class": lambda b: b.history.search(PartSearch(label="hole")),
        "history: failed, shift, class": lambda b: b.history.search(
            PartSearch(outcome=Outcome.FAIL, opened=shift, label="crack")
        ),
        "history: overruled": lambda b: b.history.search(PartSearch(disagreement=True)),
        "history: recipe and model": lambda b: b.history.search(PartSearch(recipe="fine", model="surface")),
        "one part": lambda b: b.history.part(UUID(int=(7 << 76) | (2 << 62) | parts // 2)),
        "counts: a shift": lambda b: b.figures.count(Selection(span=shift)),
        "counts: a lot": lambda b: b.figures.count(Selection(lot="L7")),
        "pareto: a shift": lambda b: b.figures.pareto(Selection(span=shift)),
        "lots": lambda b: b.figures.lots(),
    }


def ask(path: Path, *, times: int) -> None:
    """Ask each question some times while a line writes ten parts a second; print median and slowest in ms."""
    with closing(sqlite3.connect(path)) as raw:
        parts = raw.execute("SELECT count(*) FROM inspection").fetchone()[0]
    stop = threading.Event()
    line = threading.Thread(target=_write, args=(path, stop))
    line.start()
    _say(f"{'question':38} {'median ms':>9} {'slowest':>8}    {parts} parts, {times} times, a line writing 10 parts/s")
    try:
        with open_for_people(path, station=STATION) as book:
            for name, question in questions(parts).items():
                taken = []
                for _ in range(times):
                    started = time.perf_counter()
                    question(book)
                    taken.append((time.perf_counter() - started) * 1e3)
                _say(f"{name:38} {statistics.median(taken):9.2f} {max(taken):8.2f}")
    finally:
        stop.set()
        line.join()


def _write(path: Path, stop: threading.Event) -> None:
    verdict = Verdict(
        outcome=Outcome.PASS, reason="no defect", decision=Decision(rule="score.max", measured=0, limit=1, unit="score")
    )
    number, series = 0, int(time.time())
    with open_recorder(path, station="writer") as recorder:
        while not stop.wait(0.1):
            number += 1
            now = datetime.now(UTC)
            recorder.close(
                Inspection(
                    result_id=UUID(int=(0xF << 76) | (time.time_ns() & (1 << 62) - 1)),
                    part=PartId(part_seq=number, series=series),
                    station="writer",
                    verdict=verdict,
                    detections=(),
                    gate_told=GateTold.SENT,
                    recipe=RecipeStamp(name="critical", sha256="a"),
                    model=ModelStamp(name="surface", version="1", sha256="b"),
                    settings_sha256="c",
                    created_utc=now,
                    opened_utc=now,
                    timings=Timings(),
                    software="bulk",
                )
            )


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bulk_journal", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    making, asking = verbs.add_parser("make"), verbs.add_parser("ask")
    for verb in (making, asking):
        verb.add_argument("path", type=Path)
    making.add_argument("--parts", type=int, default=1_000_000)
    making.add_argument("--seed", type=int, default=1)
    asking.add_argument("--times", type=int, default=15)
    given = parser.parse_args()
    if given.verb == "make":
        make(given.path, parts=given.parts, seed=given.seed)
    else:
        ask(given.path, times=given.times)


if __name__ == "__main__":
    main()
