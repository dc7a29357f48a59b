"""Measures how long after its commit a verdict stands on the screen of a real browser."""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from inspector.adapters import journal_sql
from inspector.app.bench import machine
from inspector.app.bench.spread import spread
from inspector.app.demo.plant import STATION
from inspector.domain.account import Role
from inspector.domain.inspection import Inspection
from tools.station.browser import Sight, live_screen
from tools.station.plant import Running

TARGET_MS = 300.0
_LOOK_S = 0.001
_ASK_MS = 500.0
_P95 = 0.95


class CommitWatch:
    """Sees commits from outside of the line: the first moment at which another process can read a number.

    It looks each millisecond, so ``at`` is at most about that much later than the commit.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="commits")
        self.at: dict[int, float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        with closing(sqlite3.connect(f"file:{self._journal}?mode=ro", uri=True, isolation_level=None)) as raw:
            version, head = -1, _head(raw)
            while not self._stop.wait(_LOOK_S):
                (now,) = raw.execute("PRAGMA data_version").fetchone()
                if now == version:
                    continue
                newest, seen = _head(raw), time.time()
                self.at.update(dict.fromkeys(range(head + 1, newest + 1), seen))
                version, head = now, newest


def _head(raw: sqlite3.Connection) -> int:
    (newest,) = raw.execute("SELECT max(journal_seq) FROM entry").fetchone()
    return int(newest or 0)


def measure(it: Running, parts: int) -> dict[str, Any]:
    """Watch Live until so many parts were committed; JSON-ready."""
    with live_screen(it.url, it.people[Role.OPERATOR]) as screen, CommitWatch(it.plant.journal) as watch:
        screen.page.wait_for_function("() => window.beat > 0")
        screen.seen()
        watch.at.clear()
        begun = it.judged()
        load = machine.load()
        while it.judged() < begun + parts:
            it.crew.must_run("twin", "line", "web")
            screen.page.wait_for_timeout(_ASK_MS)
        screen.page.wait_for_timeout(2 * _ASK_MS)
        sights = screen.seen()
        version = screen.page.context.browser.version if screen.page.context.browser else ""
    born = _born(it.plant.journal, dict(watch.at))
    return {**figures(sights, born, parts), "browser": f"Chromium {version}", "load": load}


def _born(journal: Path, commits: dict[int, float]) -> dict[str, tuple[float, float, bool]]:
    """By result: when it was born, when its commit was seen, whether it is a reject."""
    found: dict[str, tuple[float, float, bool]] = {}
    with journal_sql.open_journal(journal, station=STATION, read_only=True) as book:
        last = min(commits) - 1
        while page := book.after(last):
            last = page[-1].journal_seq
            for entry in page:
                if isinstance(entry.event, Inspection) and entry.journal_seq in commits:
                    one = entry.event
                    reject = one.verdict.outcome.name != "PASS"
                    found[str(one.result_id)] = (_seconds(one.created_utc), commits[entry.journal_seq], reject)
    return found


def _seconds(at: datetime) -> float:
    return at.timestamp()


def figures(sights: list[Sight], born: dict[str, tuple[float, float, bool]], parts: int) -> dict[str, Any]:
    """Median and p95 over the first so many parts that were shown; how many never were."""
    shown = {one.part: one.at for one in reversed(sights) if not one.stale}
    wanted = sorted(born, key=lambda result: born[result][1])[:parts]
    there = [result for result in wanted if result in shown]
    after_commit = [(shown[result] - born[result][1]) * 1e3 for result in there]
    after_birth = [(shown[result] - born[result][0]) * 1e3 for result in there]
    return {
        "parts": len(wanted),
        "shown": len(there),
        "rejects": sum(born[result][2] for result in there),
        "target_ms": TARGET_MS,
        "after_commit_ms": _figures(after_commit),
        "after_verdict_ms": _figures(after_birth),
    }


def _figures(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    p95 = ordered[min(int(_P95 * len(ordered)), len(ordered) - 1)]
    return {**spread(values).as_dict(), "p95": round(p95, 1)}
