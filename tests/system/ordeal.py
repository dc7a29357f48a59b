"""A run of many triggers under many faults, and what must be true of it afterwards (R1 and R2)."""

import json
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit

from inspector.app.demo.plant import STATION, Plant
from inspector.domain.inspection import Inspection
from inspector.domain.verdict import Outcome
from tests.peers.st_block import compile_block
from tests.system.bench import Bench, polled, small_plant, wait_for
from tests.system.judge import by_law, inspections, told_apart, unexplained, wrong_parts
from tests.system.slow_runtime import install
from tests.system.tracked import commission, tracked_plant

OF_THE_LINE = ("kill", "freeze", "delay")
OF_THE_TWIN = {
    "camera-gone": 0.5,
    "camera-silent": 0.6,
    "plc-stall": 0.7,
    "plc-reset": 0.0,
    "plc-garbage": 3.0,
    "plc-noise": 3.0,
    "frame-lost": 0.0,
    "frame-late": 400.0,
    "trigger-lost": 0.0,
    "trigger-doubled": 30.0,
    "trigger-bounced": 5.0,
}
SLACK = 3
SETTLE_S = 2.5
"""A fault's window ends this long after the fault: links are dead for 1 s at most, then found again."""


@dataclass(kw_only=True)
class Ordeal:
    """What is run. ``triggers``: parts; ``faults``: injected, of all kinds, at places drawn by ``seed``.

    ``tracking``: "encoder", "time", "plc", or "polled": the same with a PLC that polls the station.
    ``structured_text``: the simulated PLC runs what `inspector plc symbols --format st` prints for this station.
    """

    tracking: str
    triggers: int
    faults: int
    seed: int
    pitch_ms: float
    width: int = 640
    height: int = 480
    structured_text: bool = False
    windows: list[tuple[int, int]] = field(default_factory=list)
    part_windows: list[tuple[int, int]] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)

    def plan(self) -> tuple[list[str], list[tuple[int, str]]]:
        """Faults of the twin, as its command line takes them, and those of the line: (trigger, kind)."""
        chance = random.Random(self.seed)
        twins, lines = [], []
        kinds = [*OF_THE_LINE, *OF_THE_LINE, *OF_THE_TWIN]
        for place in range(self.faults):
            at = int((place + 1) * self.triggers / (self.faults + 1))
            kind = kinds[place % len(kinds)] if place < len(kinds) else chance.choice(kinds)
            self.injected[kind] += 1
            if kind in OF_THE_LINE:
                lines.append((at, kind))
            else:
                twins.append(f"{kind}@{at}" if kind in {"plc-reset", "frame-lost", "trigger-lost"} else _with(kind, at))
                lasts_s = OF_THE_TWIN[kind] if kind in {"camera-gone", "camera-silent", "plc-stall"} else 0.5
                self.part_windows.append((at - SLACK, at + self.parts_in(lasts_s + SETTLE_S) + SLACK))
        lasts_s = int(self.triggers * self.pitch_ms / 1e3 * 4) + 60
        presses = [f"plc-clear-error@{at}s" for at in range(5, lasts_s, 5)]  # a person acknowledges what stops the belt
        return [*twins, *presses], lines

    def parts_in(self, seconds: float) -> int:
        return math.ceil(seconds * 1e3 / self.pitch_ms)

    def window(self, first: int, last: int) -> None:
        """A fault of the line, by the trigger's numbers."""
        self.windows.append((first - SLACK, last + self.parts_in(SETTLE_S) + SLACK))

    def place_windows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Faults of the twin stand at parts; numbers are shifted by triggers that were lost or doubled."""
        numbers = [number for row in rows for number in row["numbers"]]
        for first, last in self.part_windows:
            inside = [number for row in rows[max(first - 1, 0) : last] for number in row["numbers"]]
            self.windows.append((min(inside, default=0), max(inside, default=max(numbers, default=0))))

    def outside(self, number: int) -> bool:
        return not any(first <= number <= last for first, last in self.windows)

    def plant(self, folder: Path, faults: list[str]) -> Plant:
        twin: dict[str, Any] = {
            "faults": faults,
            "defect_rate": 0.6,
            "width": self.width,
            "height": self.height,
            "pool": 32,
        }
        if self.structured_text:  # it has a permit to give: the belt stands while the line is dead
            twin["stop_without_permit"] = True
        station = {"min_pitch_ms": self.pitch_ms / 3}
        if self.tracking in {"plc", "polled"}:
            plant = small_plant(folder, parts=self.triggers, pitch_ms=self.pitch_ms)
            path = plant.config / "stations" / f"{STATION}.toml"
            content: dict[str, Any] = tomlkit.parse(path.read_text()).unwrap()
            content["twin"] |= twin
            content["station"] |= station
        else:
            plant = tracked_plant(folder, tracking=self.tracking, parts=self.triggers, pitch_ms=self.pitch_ms)
            path = plant.config / "stations" / f"{STATION}.toml"
            content = tomlkit.parse(path.read_text()).unwrap()
            content["twin"] |= twin
            content["station"] |= station
        content["runtime"] = {"kind": "slow"}
        path.write_text(tomlkit.dumps(content))
        if self.tracking == "polled":
            polled(plant)
        return plant

    def run(self, folder: Path) -> tuple[dict[str, Any], dict[int, Inspection], Path]:
        """Run it; prove the book; give the twin's report, the book, and where the book is."""
        twins, lines = self.plan()
        environment = install(folder / "slow")
        os.environ.update(environment)
        plant = self.plant(folder / "plant", twins)
        with Bench(plant) as bench:
            if self.tracking not in {"plc", "polled"}:
                commission(bench)
            self._start_twin(bench, folder)
            wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
            bench.start("line")
            bench.line_ready()
            for at, kind in lines:
                self._inject(bench, at, kind, Path(environment["INSPECTOR_TEST_DELAY"]))
            assert bench.end("twin", patience_s=self.triggers * self.pitch_ms / 1e3 * 2 + 120) == 0
            report = json.loads((plant.run_dir / "twin_report.json").read_text())
            wait_for("the book", lambda: len(inspections(plant.journal)) >= report["triggers"])
            assert bench.stop("line") == 0
            proof = bench.command("journal", "verify", "--plc-count", str(report["last_trigger"]), "--json")
            assert proof.returncode == 0, proof.stdout
            assert json.loads(proof.stdout)["inspections"] == report["triggers"]
        return report, inspections(plant.journal), plant.journal

    def _start_twin(self, bench: Bench, folder: Path) -> None:
        if not self.structured_text:
            bench.start("twin")
            return
        printed = bench.command("plc", "symbols", "--format", "st")
        assert printed.returncode == 0, printed.stderr
        library = compile_block(printed.stdout, folder / "st")
        station = bench.plant.config / "stations" / f"{STATION}.toml"
        words = [str(station), str(library), str(bench.plant.run_dir)]
        bench.spawn("twin", [sys.executable, "-m", "tests.system.twin_with_program", *words])

    def _inject(self, bench: Bench, at: int, kind: str, delay: Path) -> None:
        wait_for(f"trigger {at}", lambda: _triggers(bench) >= at, patience_s=self.triggers * self.pitch_ms / 1e3 + 120)
        begun = _triggers(bench)
        chance = random.Random(self.seed * 1_000_003 + at)
        match kind:
            case "kill":
                bench.kill("line")
                bench.start("line")
                bench.line_ready()
            case "freeze":
                process = bench.running["line"]
                process.send_signal(signal.SIGSTOP)
                time.sleep(chance.uniform(0.1, 1.5))
                process.send_signal(signal.SIGCONT)
            case _:
                delay.write_text(str(chance.uniform(0.2, 1.2)))
        self.window(begun, _triggers(bench) + self.parts_in(1.5 if kind == "delay" else 0.5))

    def judge(self, report: Mapping[str, Any], book: Mapping[int, Inspection], journal: Path) -> dict[str, Any]:
        """Assert the law; give the figures."""
        rows = report["rows"]
        self.place_windows(rows)
        wrong, missed = told_apart(rows, book)
        lost_words = [number for number in missed if book[number].verdict.decision.rule == "law.interrupted"]
        late = [number for number, one in book.items() if one.verdict.decision.rule == "law.late"]
        fate = {number: row["ejected"] for row in rows for number in row["numbers"]}
        calm = [one for number, one in book.items() if self.outside(number)]
        band = [one for one in calm if one.verdict.outcome is Outcome.UNDECIDED and not by_law(one)]
        judged = [one for one in calm if not by_law(one) and one.verdict.outcome is not Outcome.UNDECIDED]
        share = len(judged) / max(len(calm) - len(band), 1)
        figures = {
            "tracking": self.tracking,
            "parts": report["parts"],
            "triggers": report["triggers"],
            "faults": dict(self.injected),
            "passed": report["passed"],
            "ejected": report["ejected"],
            "undecided": Counter(one.verdict.decision.rule for one in book.values() if by_law(one)),
            "unverdicted_passes": [number for number in missed if number not in lost_words],
            "passed_and_its_record_lost_by_a_kill": lost_words,
            "passes_ejected": len(wrong),
            "passes_ejected_outside_windows": [number for number in wrong if self.outside(number)],
            "of_which_the_book_does_not_say_why": unexplained(
                journal, [number for number in wrong if self.outside(number)]
            ),
            "wrong_parts": wrong_parts(rows, book),
            "late": len(late),
            "late_passed": [number for number in late if not fate.get(number, True)],
            "outside_windows": len(calm),
            "judged_in_time_outside": round(share, 5),
            "not_judged_outside": Counter(one.verdict.decision.rule for one in calm if by_law(one)),
            "refused_ok": [row["part_seq"] for row in rows if row["ejected"] and row["code"] == "ok"],
            "witness": {"wrong": report["wrong_ejections"], "missed": report["missed_ejections"]},
            "light_gate_late_ms": report["light_gate_late_ms"],
            "refused": report["refused"],
        }
        print(json.dumps(figures))
        assert figures["unverdicted_passes"] == []
        if self.tracking in {"encoder", "time"}:  # there no PLC bears witness to a pass whose record a kill has taken
            assert lost_words == []
        assert figures["wrong_parts"] == []
        assert figures["late_passed"] == []
        if self.structured_text:  # it decides what is open as soon as the line is dead, as docs/plc.md asks
            assert report["missed_ejections"] == 0
            assert [number for number in figures["refused_ok"] if self.outside(number)] == []
        else:
            assert figures["witness"] == {"wrong": 0, "missed": 0}
        assert figures["of_which_the_book_does_not_say_why"] == []
        assert figures["passes_ejected_outside_windows"] == []
        assert sum(self.injected.values()) == self.faults
        assert calm, "the windows leave nothing to judge by"
        assert share >= 0.995
        return figures


def _with(kind: str, at: int) -> str:
    return f"{kind}@{at}:{OF_THE_TWIN[kind]:g}"


def _triggers(bench: Bench) -> int:
    return int(bench.twin().get("triggers", 0))
