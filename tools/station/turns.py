"""Measures what five busy clients of the station cost the line: trigger to verdict, in alternating blocks."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil

from inspector.adapters import journal_sql
from inspector.app.bench import machine
from inspector.app.bench.spread import spread
from inspector.app.demo.plant import STATION
from inspector.domain.account import Role
from inspector.domain.inspection import Inspection
from tools.station.clients import Clients
from tools.station.plant import Running

SETTLE_S = 1.0
"""Parts of a block's first second belong to neither: clients come and go in it."""
_DRAWN = 4000
_SEED = 1
_LOW, _HIGH = 0.025, 0.975
_QUANTILES = {"p50": 0.5, "p99": 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One turn: from when to when, whether clients were busy, and the milliseconds of its parts."""

    busy: bool
    began: datetime
    ended: datetime
    cpu_s: float
    ms: tuple[float, ...] = ()


def measure(it: Running, *, pairs: int, block_s: float, think_s: float) -> dict[str, Any]:
    """Idle and busy blocks in turn, the order changing with each pair; JSON-ready."""
    load = machine.load()
    with it.client(Role.QUALITY) as signed_in:
        cookies = dict(signed_in.cookies)
    blocks: list[Block] = []
    with Clients(it, cookies, think_s=think_s) as clients:
        for pair in range(pairs):
            order = (pair % 2 == 1, pair % 2 == 0)
            blocks += [_block(it, clients, busy=busy, block_s=block_s) for busy in order]
        answers, troubles = clients.answers(), clients.troubles()
    blocks = _filled(blocks, _latencies(it))
    busy_s = sum((one.ended - one.began).total_seconds() for one in blocks if one.busy)
    return {
        "pairs": pairs,
        "block_s": block_s,
        "think_s": think_s,
        "answers_per_s": {name: round(count / busy_s, 2) for name, count in answers.items()},
        "failed_answers": troubles,
        "station_cpu_share": {
            "idle": _cpu_share(blocks, busy=False),
            "busy": _cpu_share(blocks, busy=True),
        },
        **figures(blocks),
        "undecided": it.status().get("undecided_by_rule", {}),
        "load": {"before": load, "after": machine.load()},
    }


def _block(it: Running, clients: Clients, *, busy: bool, block_s: float) -> Block:
    if busy:
        clients.go()
    else:
        clients.rest()
    time.sleep(SETTLE_S)
    began, cpu = datetime.now(UTC), _cpu_s(it)
    time.sleep(block_s - SETTLE_S)
    it.crew.must_run("twin", "line", "web")
    return Block(busy=busy, began=began, ended=datetime.now(UTC), cpu_s=_cpu_s(it) - cpu)


def _cpu_s(it: Running) -> float:
    times = psutil.Process(it.crew.pid("web")).cpu_times()
    return float(times.user + times.system)


def _cpu_share(blocks: Sequence[Block], *, busy: bool) -> float:
    """Of one core, used by the station."""
    chosen = [one for one in blocks if one.busy is busy]
    wall = sum((one.ended - one.began).total_seconds() for one in chosen)
    return round(sum(one.cpu_s for one in chosen) / wall, 3)


def _latencies(it: Running) -> list[tuple[datetime, float]]:
    """Every part's trigger, and the milliseconds to its verdict at the gate."""
    found: list[tuple[datetime, float]] = []
    seen = 0
    with journal_sql.open_journal(it.plant.journal, station=STATION, read_only=True) as book:
        while page := book.after(seen):
            seen = page[-1].journal_seq
            found += [
                (entry.event.opened_utc, entry.event.timings.total)
                for entry in page
                if isinstance(entry.event, Inspection) and entry.event.timings.infer > 0
            ]
    return found


def _filled(blocks: Sequence[Block], parts: Sequence[tuple[datetime, float]]) -> list[Block]:
    return [
        Block(
            busy=one.busy,
            began=one.began,
            ended=one.ended,
            cpu_s=one.cpu_s,
            ms=tuple(ms for at, ms in parts if one.began <= at < one.ended),
        )
        for one in blocks
    ]


def figures(blocks: Sequence[Block]) -> dict[str, Any]:
    """Both spreads, and each quantile's ratio busy to idle; its interval by drawing pairs of blocks anew."""
    idle = [one.ms for one in blocks if not one.busy]
    busy = [one.ms for one in blocks if one.busy]
    return {
        "idle_ms": spread(_together(idle)).as_dict(),
        "busy_ms": spread(_together(busy)).as_dict(),
        "ratios": {name: _ratio(idle, busy, quantile) for name, quantile in _QUANTILES.items()},
    }


def _together(blocks: Sequence[tuple[float, ...]]) -> list[float]:
    return [ms for block in blocks for ms in block]


def _ratio(idle: Sequence[tuple[float, ...]], busy: Sequence[tuple[float, ...]], quantile: float) -> dict[str, float]:
    draw = random.Random(_SEED)
    drawn = []
    for _ in range(_DRAWN):
        pairs = draw.choices(range(len(idle)), k=len(idle))
        low = _quantile(_together([idle[pair] for pair in pairs]), quantile)
        drawn.append(_quantile(_together([busy[pair] for pair in pairs]), quantile) / low)
    return {
        "ratio": round(_quantile(_together(busy), quantile) / _quantile(_together(idle), quantile), 3),
        "low": round(_quantile(drawn, _LOW), 3),
        "high": round(_quantile(drawn, _HIGH), 3),
    }


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
