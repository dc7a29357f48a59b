"""Measures how long the pages of a book of a million parts take a person who is signed in, while a line runs."""

import re
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, event

from inspector.adapters.journal_sql import PeoplesBook, open_for_people
from inspector.app.bench import machine
from inspector.app.demo.plant import STATION
from inspector.domain.account import Role
from inspector.ports.review import QueueFilter
from tools.bulk_journal import questions
from tools.station.plant import Running

TARGET_MS = 100.0
_P95 = 0.95
_NEEDED_SHIFTS = 3
_RAW = "SELECT printf('%s', result_id) FROM inspection WHERE journal_seq = ?"


def addresses(parts: int, part: str) -> dict[str, str]:
    """The pages that are asked for; ``part``: a result in the middle of the book."""
    return {
        "queue: rejects, oldest first": "/review",
        "queue: rejects, nearest first": "/review?order=nearest",
        "queue: rejects of a rare class": "/review?label=hole",
        "queue: rejects of one recipe": "/review?recipe=fine",
        "queue: borderline, nearest first": "/review?kind=borderline&order=nearest",
        "queue: good sample": "/review?kind=sample",
        "queue: the next part": "/review/next",
        "one part": f"/review/{part}",
        "history: newest": "/history",
        "history: a serial": f"/history?serial=S{parts // 3}",
        "history: a lot": "/history?lot=L7",
        "history: a rare class": "/history?label=hole",
        "history: failed": "/history?outcome=FAIL",
        "history: failed, a class": "/history?outcome=FAIL&label=crack",
        "history: overruled": "/history?overruled=1",
        "history: recipe and model": "/history?recipe=fine&model=surface",
        "charts: this shift": "/charts",
    }


def measure(it: Running, *, parts: int, begin: datetime, times: int) -> dict[str, Any]:
    """Ask for every page so often, in rounds; JSON-ready. ``begin``: when the first part of the book was."""
    load = machine.load()
    with it.client(Role.QUALITY) as client:
        asked = addresses(parts, _middle(it.plant.journal, parts))
        asked["queue: second page"] = _more(client, "/review")
        asked["history: second page"] = _more(client, "/history")
        shift = _shift(client)
        asked["queue: rejects of a shift"] = f"/review?shift={shift}"
        asked["history: failed, a class, a shift"] = f"/history?outcome=FAIL&label=crack&shift={shift}"
        asked["charts: a full shift"] = f"/charts?shift={shift}"
        taken: dict[str, list[float]] = {name: [] for name in asked}
        sizes: dict[str, int] = {}
        begun, since = it.judged(), time.monotonic()
        for _ in range(times):
            for name, address in asked.items():
                started = time.perf_counter()
                answer = client.get(address)
                taken[name].append((time.perf_counter() - started) * 1e3)
                if answer.status_code not in {httpx.codes.OK, httpx.codes.SEE_OTHER}:
                    raise httpx.HTTPStatusError(
                        f"{address}: {answer.status_code}", request=answer.request, response=answer
                    )
                sizes[name] = len(answer.content)
        rate = (it.judged() - begun) / (time.monotonic() - since)
    with open_for_people(it.plant.journal, station=STATION, read_only=True) as book:
        waiting = book.desk.left(QueueFilter())
        plans = {name: _plan(book, question) for name, question in questions(parts, begin).items()}
    return {
        "parts": parts,
        "waiting": waiting,
        "times": times,
        "target_ms": TARGET_MS,
        "line_parts_per_s": round(rate, 2),
        "pages": {
            name: {
                "address": re.sub(r"after=[^&]*", "after=...", re.sub(r"[0-9a-f-]{36}", "...", asked[name])),
                "kb": round(sizes[name] / 1024, 1),
                **_figures(values),
            }
            for name, values in taken.items()
        },
        "plans": plans,
        "load": load,
    }


def _more(client: httpx.Client, address: str) -> str:
    """The address behind "Show more"."""
    found = re.search(rf'href="({re.escape(address)}\?[^"]*after=[^"]*)"', client.get(address).text)
    if found is None:
        raise ValueError(f"{address} shows no second page; a book of a million parts has one")
    return found.group(1).replace("&amp;", "&")


def _shift(client: httpx.Client) -> str:
    """A shift that is over, as the page's own choice names it."""
    listed = re.search(r'<select name="shift">.*?</select>', client.get("/review").text, re.DOTALL)
    keys = re.findall(r'value="(\d{8}T\d{4})"', listed.group(0)) if listed else []
    if len(keys) < _NEEDED_SHIFTS:
        raise ValueError(f"/review offers the shifts {keys}; at least {_NEEDED_SHIFTS} are right")
    return str(keys[_NEEDED_SHIFTS - 1])


def _middle(journal: Path, parts: int) -> str:
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as raw:
        (result,) = raw.execute(_RAW, (parts // 2,)).fetchone()
    return str(result)


def _figures(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median_ms": round(statistics.median(values), 1),
        "p95_ms": round(ordered[min(int(_P95 * len(ordered)), len(ordered) - 1)], 1),
        "most_ms": round(ordered[-1], 1),
    }


def _plan(book: PeoplesBook, question: Callable[[PeoplesBook], Any]) -> list[str]:
    """How SQLite goes about a question: each step of each statement, once."""
    engine = book.desk._file.engine  # noqa: SLF001 - the very connection the pages use
    with _statements(engine) as asked:
        question(book)
    steps: dict[str, None] = {}
    with engine.connect() as connection:
        for statement, parameters in asked:
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                steps.setdefault(str(row[3]))
    return list(steps)


@contextmanager
def _statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    asked: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", remember)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", remember)
