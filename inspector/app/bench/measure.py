"""Measures the line's own stages on this PC: every installed runtime and frame size, taking turns in one run."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import psutil

from inspector.app import plugins
from inspector.app.bench import frames, machine
from inspector.app.bench.client import Measured
from inspector.app.bench.frames import COMPONENTS
from inspector.app.bench.spread import ratio, spread
from inspector.app.bench.turns import Series, Tell, Turn, take_turns
from inspector.app.bench.worker import STAGES, runtime_of
from inspector.app.model_package import load_card
from inspector.app.tables import StationTable
from inspector.domain.errors import ConfigError
from inspector.ports.model import ModelCard

SCHEMA = "inspector.bench/1"
REFERENCE_MP = 12
_TIMES = 5
_SHARE_OF_MEMORY = 0.7
_LEAST_LOOKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be measured. ``frames``: looks for each runtime and size; ``threads`` 0: one per core.

    ``mb_per_mp``: memory assumed to be needed until a smaller frame has told.
    """

    model: Path
    runtimes: tuple[str, ...]
    megapixels: tuple[float, ...]
    frames: int
    threads: int
    components: tuple[int, ...] = COMPONENTS
    mb_per_mp: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One runtime at one frame size, its process started and warm."""

    runtime: str
    size: float
    width: int
    height: int
    parts: int
    process: Measured

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def name(self) -> str:
        return f"{self.runtime}-{self.size:g}"


def installed(card: ModelCard, asked: Sequence[str]) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """The runtimes that can be loaded, and why others cannot. ``asked``: only these; empty: all there are.

    Raises:
        ConfigError: a runtime that was asked for by name cannot be loaded, or none can.
    """
    found, missing = [], []
    for kind in asked or plugins.names("runtime"):
        try:
            runtime_of(card, kind, 0)
        except ConfigError as error:
            if asked:
                raise
            missing.append({"runtime": kind, "why": str(error).splitlines()[0]})
        else:
            found.append(kind)
    if not found:
        raise ConfigError(f"no runtime can be loaded: {'; '.join(entry['why'] for entry in missing)}")
    return tuple(found), missing


def measure(order: Order, work: Path, tell: Tell) -> dict[str, Any]:
    """Everything, JSON-ready; its keys are a contract (`inspector bench --json`). ``work``: an empty folder.

    Raises:
        ConfigError: the model or a runtime that was asked for is wrong.
        DeviceError: a measured process could not be started.
    """
    card = load_card(order.model)
    runtimes, missing = installed(card, order.runtimes)
    about = machine.describe()
    with ExitStack() as stack:
        cases, refused = _cases(order, runtimes, work, stack, tell)
        rounds = ceil(order.frames / _TIMES)
        turns = [Turn(name=c.name, process=c.process, frames=range(c.parts), times=_TIMES) for c in cases]
        series = take_turns(turns, rounds, tell)
        rows = [_row(case, series[case.name]) for case in cases]
        strewn = _components(order, cases, work, tell)
    _compare(rows)
    return {
        "schema": SCHEMA,
        "machine": about,
        "model": {"name": card.name, "version": card.version, "sha256": card.sha256},
        "threads": order.threads or about["cores"],
        "deadline_ms": StationTable().deadline_ms,
        "rounds": rounds,
        "stages": rows,
        "components": strewn,
        "not_measured": [*missing, *refused],
    }


def _cases(
    order: Order, runtimes: Sequence[str], work: Path, stack: ExitStack, tell: Tell
) -> tuple[list[_Case], list[dict[str, str]]]:
    """A warm process for each runtime and size, small sizes first: they tell what the next will need."""
    cases: list[_Case] = []
    refused = []
    for size in sorted(order.megapixels):
        width, height = frames.sides(size)
        files: list[Path] = []
        for runtime in runtimes:
            wanted = width * height / 1e6 * _mb_per_mp(cases, runtime, order.mb_per_mp)
            free = psutil.virtual_memory().available / 2**20 * _SHARE_OF_MEMORY
            if wanted > free:
                why = f"{size:g} MP wants about {wanted:.0f} MB, {free:.0f} MB may be used"
                refused.append({"runtime": runtime, "why": why})
                continue
            if not files:
                tell(f"rendering parts of {width} x {height} px")
                files = frames.write_parts(work, width, height)
            tell(f"warming up {runtime} at {size:g} MP")
            process = stack.enter_context(
                Measured(
                    f"{runtime} at {size:g} MP",
                    worker_command(order.model, runtime, order.threads),
                    log=work / f"{runtime}-{size:g}.log",
                )
            )
            process.load(files)
            cases.append(
                _Case(runtime=runtime, size=size, width=width, height=height, parts=len(files), process=process)
            )
    return cases, refused


def worker_command(model: Path, runtime: str, threads: int) -> list[str]:
    """How a process that judges frames is started."""
    options = ["--model", str(model), "--runtime", runtime, "--threads", str(threads)]
    return [sys.executable, "-m", "inspector.app.bench.worker", *options]


def _mb_per_mp(cases: Sequence[_Case], runtime: str, assumed: float) -> float:
    seen = [case.process.peak_mb() / case.megapixels for case in cases if case.runtime == runtime]
    return seen[-1] if seen else assumed


def _row(case: _Case, series: Series) -> dict[str, Any]:
    """The figures of one runtime and size."""
    row: dict[str, Any] = {
        "runtime": case.runtime,
        "description": case.process.hello["runtime"],
        "size": case.size,
        "megapixels": round(case.megapixels, 2),
        "width": case.width,
        "height": case.height,
        "frames": len(series.looks),
        "load": series.load,
        "trouble": series.trouble,
    }
    if len(series.looks) < _LEAST_LOOKS or series.trouble:
        return row
    wall, cpu = series.values("wall_ms"), spread(series.values("cpu_ms"))
    return {
        **row,
        "stages_ms": {stage: spread(values).as_dict() for stage in STAGES if (values := series.values(stage))},
        "wall_ms": spread(wall).as_dict(),
        "cpu_ms": cpu.as_dict(),
        "frames_per_s": round(len(wall) / sum(wall) * 1e3, 1),
        "peak_memory_mb": case.process.peak_mb(),
        "ms_per_mp": round(spread(wall).p50 / case.megapixels, 3),
        "cpu_ms_per_mp": round(cpu.p50 / case.megapixels, 3),
    }


def _compare(rows: Sequence[dict[str, Any]]) -> None:
    """Beside each size: its cost a megapixel as a multiple of that at 12 MP (1 where cost grows with pixels alone)."""
    known = {row["runtime"]: row for row in rows if row["size"] == REFERENCE_MP and "ms_per_mp" in row}
    for row in rows:
        if "ms_per_mp" in row and row["runtime"] in known:
            reference = known[row["runtime"]]
            row["ms_per_mp_to_12"] = ratio(row["ms_per_mp"], reference["ms_per_mp"])
            row["cpu_ms_per_mp_to_12"] = ratio(row["cpu_ms_per_mp"], reference["cpu_ms_per_mp"])


def _components(order: Order, cases: Sequence[_Case], work: Path, tell: Tell) -> list[dict[str, Any]]:
    """How cost grows with what there is to see, at 12 MP or, without it, the largest size."""
    if not cases or not order.components:
        return []
    size = REFERENCE_MP if REFERENCE_MP in order.megapixels else max(order.megapixels)
    chosen = [case for case in cases if case.size == size]
    if not chosen:
        return []
    tell("strewing parts with marks")
    files = frames.write_strewn(work, chosen[0].width, chosen[0].height, order.components)
    turns = []
    for case in chosen:
        case.process.load(files)
        for index, count in enumerate(order.components):
            name = f"{case.runtime} {count}"
            turns.append(Turn(name=name, process=case.process, frames=[case.parts + index], times=_TIMES))
    series = take_turns(turns, max(ceil(order.frames / _TIMES / 2), 1), tell)
    return list(_component_rows(chosen, order.components, series))


def _component_rows(
    cases: Sequence[_Case], counts: Sequence[int], series: Mapping[str, Series]
) -> Iterator[dict[str, Any]]:
    for case in cases:
        for count in counts:
            found = series[f"{case.runtime} {count}"]
            row = {"runtime": case.runtime, "megapixels": round(case.megapixels, 2), "components": count}
            row |= {"frames": len(found.looks), "load": found.load, "trouble": found.trouble}
            if found.looks and not found.trouble:
                last = found.looks[-1]
                row |= {"found": last["detections"], "outcome": last["outcome"], "reason": last["reason"]}
                row |= {"wall_ms": spread(found.values("wall_ms")).as_dict()}
                row |= {"cpu_ms": spread(found.values("cpu_ms")).as_dict()}
            yield row
