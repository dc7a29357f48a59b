"""Measures how long the page of a recipe takes to say which of 10 000 archived parts would have ended otherwise."""

import re
import statistics
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from inspector.adapters import journal_sql
from inspector.app.bench import machine
from inspector.app.demo.plant import STATION
from inspector.app.recipe_file import find_recipe, load_recipe
from inspector.domain.account import Role
from inspector.domain.detection import Detection
from inspector.domain.frame import PartId
from inspector.domain.geometry import Box, Scale
from inspector.domain.inspection import GateTold, Inspection, ModelStamp, RecipeStamp, Timings
from inspector.domain.rules import judge
from tools.station.plant import Running

TARGET_S = 10.0
_HALF_A_SECOND = timedelta(seconds=0.5)
_SCALE = Scale(id="plate", px_per_mm=20.0)
_CROWDED, _FEW = 60, 8
"""Of a hundred parts one has so many detections; the others have up to so many."""
_LABELS = ("crack", "scratch", "dent", "stain")
_LIMIT = re.compile(r"min_length_mm = 1\.5\b")
_DEADLINE_S = 60.0
_AT_ONCE = 500


def make(path: Path, *, parts: int, seed: int, begin: datetime) -> int:
    """Write a book of parts that the shipped recipe judged; how many detections it holds."""
    path.parent.mkdir(parents=True)
    loaded = load_recipe(find_recipe("critical"))
    chance = np.random.default_rng(seed)
    held = 0
    with journal_sql.open_recorder(path, station=STATION) as recorder:
        with journal_sql.open_journal(path, station=STATION) as book:
            book.resume(0, begin)
        for number in range(1, parts + 1):
            many = _CROWDED if number % 100 == 0 else int(chance.integers(0, _FEW + 1))
            seen = tuple(_detection(chance) for _ in range(many))
            held += many
            at = begin + number * _HALF_A_SECOND
            if number % _AT_ONCE == 0:
                _written(recorder, path)
            recorder.close(
                Inspection(
                    result_id=uuid.UUID(int=(7 << 76) | (2 << 62) | number),
                    part=PartId(part_seq=number, series=1, serial=f"S{number}"),
                    station=STATION,
                    verdict=judge(loaded.recipe, seen, _SCALE),
                    detections=seen,
                    gate_told=GateTold.ACKNOWLEDGED,
                    recipe=RecipeStamp(name=loaded.recipe.name, sha256="a" * 64),
                    model=ModelStamp(name="surface", version="1", sha256="b" * 64),
                    settings_sha256="c" * 64,
                    created_utc=at + timedelta(seconds=0.1),
                    opened_utc=at,
                    timings=Timings(),
                    software="bulk",
                )
            )
        _written(recorder, path)
    return held


def _written(recorder: journal_sql.SqlRecorder, path: Path) -> None:
    """What waits is on the disk; a longer queue would overflow."""
    if not recorder.flush(_DEADLINE_S):
        raise TimeoutError(f"{path}: not written within {_DEADLINE_S:g} s")


def _detection(chance: np.random.Generator) -> Detection:
    """Small and faint mostly, so that a few parts in a hundred fail."""
    length = float(chance.exponential(8.0)) + 2
    x, y = (float(chance.integers(0, size - 200)) for size in (4096, 3000))
    return Detection(
        label=_LABELS[int(chance.integers(len(_LABELS)))],
        score=float(chance.beta(2, 5)),
        box=Box(x=x, y=y, width=length, height=length / 2),
        length_px=length,
        width_px=length / 3,
        area_px=length * length / 4,
    )


def measure(it: Running, *, parts: int, detections: int, times: int) -> dict[str, Any]:
    """Ask so often what twice the limit would have changed, while the line judges; JSON-ready, seconds."""
    load = machine.load()
    taken: list[float] = []
    with it.client(Role.ENGINEER) as client:
        page = f"/recipes/{_proposed(client)}?tried=1"
        begun, since = it.judged(), time.monotonic()
        for _ in range(times):
            started = time.perf_counter()
            answer = client.get(page)
            taken.append(time.perf_counter() - started)
            answer.raise_for_status()
        rate = (it.judged() - begun) / (time.monotonic() - since)
        found = client.get(f"/api{page.partition('?')[0]}/what-if", params={"parts": parts}).json()
    return {
        "parts": parts,
        "detections": detections,
        "flips": len(found["flips"]),
        "left_out": found["leftOut"],
        "times": times,
        "target_s": TARGET_S,
        "line_parts_per_s": round(rate, 2),
        "median_s": round(statistics.median(taken), 2),
        "most_s": round(max(taken), 2),
        "load": load,
    }


def _proposed(client: httpx.Client) -> str:
    """The recipe in use with twice the limit of one class; the sha256 of the revision."""
    sha256 = client.get("/api/recipes/in-use").json()["items"][0]["sha256"]
    text, changed = _LIMIT.subn("min_length_mm = 3.0", client.get(f"/recipes/{sha256}/text").text, count=1)
    if not changed:
        raise ValueError(f"recipe {sha256[:12]} has no limit that matches {_LIMIT.pattern!r}; critical.toml has one")
    answer = client.post("/api/recipes", json={"content": text})
    answer.raise_for_status()
    return str(answer.json()["sha256"])
