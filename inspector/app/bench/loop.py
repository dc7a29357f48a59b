"""Runs the whole line at the highest rate that leaves no part undecided: simulated line, gate, book, pictures."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import tomlkit

from inspector.adapters import journal_sql
from inspector.app.bench import machine
from inspector.app.bench.spread import growth, spread
from inspector.app.bench.turns import Tell
from inspector.app.demo.account import read_json
from inspector.app.demo.crew import Crew
from inspector.app.demo.plant import STATION, Plant, Size, found
from inspector.app.model_package import load_card
from inspector.app.tables import StationTable
from inspector.domain.errors import DeviceError
from inspector.domain.inspection import Inspection
from inspector.domain.verdict import Outcome

SCHEMA = "inspector.bench-loop/1"
_STAGES = ("grab", "preprocess", "infer", "decode", "judge", "gate")
_FIRST_RATE, _FIRST_PARTS = 4.0, 40
_TRIED_SHARES = (0.95, 0.85, 0.75, 0.65, 0.5, 0.35)
_TRIED_PARTS = 100
_DEFECT_RATE = 0.2
_SPACING_MM = 250.0
_LOOK_S = 0.25
_STUCK_S = 120.0
_SETTLE_S = 30.0
_MARGIN_S = 0.25
_WARM_SHARE = 0.25
"""The first quarter of the parts fills caches and pools; the slope of memory is taken after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOrder:
    """What is to be run. ``runtime``: its kind; "": a new station's. ``rate``: parts a second; 0: look for the highest.

    ``width, height``: frame, px; ``pool``: different scenes.
    """

    model: Path
    runtime: str
    parts: int
    rate: float
    width: int
    height: int
    pool: int = 64


@dataclass(slots=True, kw_only=True)
class _Memory:
    """The line process, looked at while it runs: parts judged, resident MB, CPU seconds."""

    parts: list[int] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def look(self, status: dict[str, Any]) -> None:
        """Take a sample, if the line is judging."""
        judged = sum(status.get("counters", {}).values())
        if not judged or not status.get("alive"):
            return
        try:
            process = psutil.Process(int(status["pid"]))
            with process.oneshot():
                times, held = process.cpu_times(), process.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            return
        self.parts.append(judged)
        self.mb.append(held)
        self.cpu_s.append(times.user + times.system)

    def figures(self) -> dict[str, float]:
        """How memory went; the slope over all but the first quarter of the parts."""
        if not self.parts:
            return {"first_mb": 0.0, "last_mb": 0.0, "highest_mb": 0.0, "mb_per_1000_parts": 0.0, "parts": 0}
        begin = next(i for i, n in enumerate(self.parts) if n >= self.parts[-1] * _WARM_SHARE)
        later, held = self.parts[begin:], self.mb[begin:]
        return {
            "first_mb": round(held[0], 1),
            "last_mb": round(held[-1], 1),
            "highest_mb": round(max(self.mb), 1),
            "mb_per_1000_parts": round(growth(later, held) * 1000, 3),
            "parts": later[-1] - later[0],
        }

    @property
    def cpu_ms_per_part(self) -> float:
        """CPU of the line process, all its threads."""
        judged = self.parts[-1] - self.parts[0] if self.parts else 0
        return round((self.cpu_s[-1] - self.cpu_s[0]) * 1e3 / judged, 1) if judged else 0.0


def run_loop(order: LoopOrder, work: Path, stop: threading.Event, tell: Tell) -> dict[str, Any]:
    """Everything, JSON-ready; its keys are a contract (`inspector bench --loop --json`).

    Raises:
        DeviceError: a process of the line ended, or no parts came.
    """
    about, card, before = machine.describe(), load_card(order.model), machine.load()
    tried: list[dict[str, Any]] = []
    rate = order.rate or _highest(order, work, stop, tell, tried)
    tell(f"{order.parts} parts at {rate:.1f} a second")
    final = _run(order, rate, order.parts, work / "final", stop, tell)
    return {
        "schema": SCHEMA,
        "machine": about,
        "model": {"name": card.name, "version": card.version, "sha256": card.sha256},
        "width": order.width,
        "height": order.height,
        "deadline_ms": StationTable().deadline_ms,
        "tried": tried,
        "belt_per_s": round(rate, 2),
        **final,
        "load": {"before": before, "after": machine.load()},
    }


def _highest(order: LoopOrder, work: Path, stop: threading.Event, tell: Tell, tried: list[dict[str, Any]]) -> float:
    """The highest of a few rates, from what the inspect thread could do downwards, that left no part undecided."""
    tell(f"looking for the highest rate: {_FIRST_PARTS} parts at {_FIRST_RATE:g} a second")
    first = _run(order, _FIRST_RATE, _FIRST_PARTS, work / "first", stop, tell)
    busy_ms = sum(first["stages_ms"][stage]["p50"] for stage in _STAGES[1:])
    rate = _FIRST_RATE
    for share in _TRIED_SHARES:
        rate = 1e3 / busy_ms * share
        tell(f"{_TRIED_PARTS} parts at {rate:.1f} a second")
        run = _run(order, rate, _TRIED_PARTS, work / f"try-{share}", stop, tell)
        tried.append({"belt_per_s": round(rate, 2), "undecided": run["verdicts"]["undecided"]})
        if run["verdicts"]["undecided"] == 0:
            break
    return rate


def _run(order: LoopOrder, rate: float, parts: int, folder: Path, stop: threading.Event, tell: Tell) -> dict[str, Any]:
    """One run of the belt; its account."""
    plant = _plant(order, rate, parts, folder)
    memory = _Memory()
    with Crew(plant) as crew:
        crew.start("twin")
        _wait_for_scenes(plant, crew, stop)
        crew.start("line")
        _let_pass(plant, crew, memory, parts, stop, tell)
        if stop.is_set():
            raise DeviceError("bench", "stopped before all parts had passed; there are no figures", retry=False)
        _wait_for_the_book(plant, crew, parts)
    twin, status = read_json(plant.run_dir / "twin_report.json"), read_json(plant.run_dir / "status.json")
    return {
        "runtime": status["model"]["runtime"],
        "parts": parts,
        **_account(_inspections(plant)),
        "wrong_ejections": twin["wrong_ejections"],
        "missed_ejections": twin["missed_ejections"],
        "memory": memory.figures(),
        "cpu_ms_per_part": memory.cpu_ms_per_part,
    }


def _plant(order: LoopOrder, rate: float, parts: int, folder: Path) -> Plant:
    """A station on the simulated line, with the usual deadline and an ejector far enough away for it."""
    speed = rate * _SPACING_MM
    size = Size(
        parts=parts, seed=1, width=order.width, height=order.height, pool=order.pool,
        spacing_mm=_SPACING_MM, speed_mm_s=speed,
    )  # fmt: skip
    plant = found(folder, size)
    usual = StationTable()
    path = plant.config / "stations" / f"{STATION}.toml"
    station: dict[str, Any] = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
    station["station"] |= {"deadline_ms": usual.deadline_ms, "grab_timeout_ms": usual.grab_timeout_ms}
    if order.runtime:
        station["runtime"] = {"kind": order.runtime}
    station["sink"] = []
    passage_mm = max(speed * (usual.deadline_ms / 1e3 + _MARGIN_S), _SPACING_MM)
    station["twin"] |= {"ejector_distance_mm": passage_mm, "defect_rate": _DEFECT_RATE}
    path.write_text(tomlkit.dumps(station), encoding="utf-8")
    return plant


def _wait_for_scenes(plant: Plant, crew: Crew, stop: threading.Event) -> None:
    while read_json(plant.run_dir / "twin.json").get("state") in {None, "rendering"}:
        crew.must_run("twin")
        if stop.wait(_LOOK_S):
            return


def _let_pass(plant: Plant, crew: Crew, memory: _Memory, parts: int, stop: threading.Event, tell: Tell) -> None:
    """Wait until all parts have passed, looking at the line's memory meanwhile."""
    before, moved_at = -1, time.monotonic()
    while not stop.is_set():
        crew.must_run("line")
        memory.look(read_json(plant.run_dir / "status.json"))
        twin = read_json(plant.run_dir / "twin.json")
        if crew.ended("twin") is not None:
            if twin.get("state") == "finished":
                return
            crew.must_run("twin")
        passed = int(twin.get("passed", 0)) + int(twin.get("ejected", 0))
        if passed != before:
            before, moved_at = passed, time.monotonic()
            tell(f"{passed} of {parts} parts, load {machine.load():.1f}")
        if time.monotonic() - moved_at > _STUCK_S:
            raise DeviceError("bench", f"no part passed for {_STUCK_S:g} s; logs are in {plant.folder}", retry=False)
        stop.wait(_LOOK_S)


def _wait_for_the_book(plant: Plant, crew: Crew, parts: int) -> None:
    """Pictures and records of the last parts are written after the gate was told."""
    until = time.monotonic() + _SETTLE_S
    with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as journal:
        while True:
            counts = journal.counts()
            if counts["inspections"] >= parts and not counts["open"]:
                return
            crew.must_run("line")
            if time.monotonic() > until:
                raise DeviceError(
                    "bench", f"{counts['inspections']} of {parts} parts are in the book after {_SETTLE_S:g} s",
                    retry=False,
                )  # fmt: skip
            time.sleep(_LOOK_S)


def _inspections(plant: Plant) -> list[Inspection]:
    found_: list[Inspection] = []
    with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as journal:
        seen = 0
        while page := journal.after(seen):
            found_ += [entry.event for entry in page if isinstance(entry.event, Inspection)]
            seen = page[-1].journal_seq
    return found_


def _account(inspections: Sequence[Inspection]) -> dict[str, Any]:
    """What the book says: pace, latency, stages, verdicts, pictures."""
    looked = [i.timings for i in inspections if i.timings.infer > 0]
    opened = sorted(i.opened_utc for i in inspections)
    lasted = (opened[-1] - opened[0]).total_seconds()
    outcomes = Counter(i.verdict.outcome for i in inspections)
    undecided = [i.verdict.decision.rule for i in inspections if i.verdict.outcome is Outcome.UNDECIDED]
    return {
        "parts_per_s": round((len(opened) - 1) / lasted, 2) if lasted else 0.0,
        "verdicts": {outcome.name.lower(): outcomes[outcome] for outcome in Outcome},
        "undecided_by_rule": dict(Counter(undecided)),
        "verdict_ms": spread([t.total for t in looked]).as_dict(),
        "stages_ms": {stage: spread([getattr(t, stage) for t in looked]).as_dict() for stage in _STAGES},
        "evidence": sum(1 for i in inspections if i.evidence is not None),
    }
