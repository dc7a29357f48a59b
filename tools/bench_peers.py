"""Measure what people run today beside this line: ``python -m tools.bench_peers --quick``.

Every contender has one long-lived process; they look at the same rendered parts in turn, one at a time, in one run, so
that each meets the same neighbours. The peers live in throw-away environments below ``--work``, made at the first run
(some minutes and gigabytes, PyPI) and used again. Their weights are random: they are "cost only". Beside our rows
stands the recall of the very file that was timed.

Example: python -m tools.bench_peers --work build/peers --json > docs/performance/peers.json
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from inspector.app.bench import frames, machine
from inspector.app.bench.client import Measured
from inspector.app.bench.turns import Series, Turn, take_turns
from inspector.app.exits import speaking_plainly
from inspector.app.share import share_dir
from inspector.domain.errors import ConfigError, DeviceError
from tools.bench import told
from tools.bench.environments import Environments
from tools.bench.peers import PEERS, Contender, ours, shipped
from tools.bench.rows import Measurement, rows_of, tuned_of, with_recall
from tools.crack_recall import Question, measure_recall

SCHEMA = "inspector.bench-peers/1"
OURS = "ours"
_ROUNDS, _QUICK_ROUNDS = 20, 2
_TIMES, _QUICK_TIMES = 25, 3
_PARTS = 3
_MEGAPIXELS = 12
WORK = Path("build/peers")


def contenders(names: Sequence[str], packages: Sequence[Path], work: Path, *, times: int) -> list[Measurement]:
    """What can take part, and, with its trouble, what cannot."""
    environments = Environments(work, _tell)
    found = []
    for peer in PEERS:
        if peer.name not in names:
            continue
        try:
            row, trouble = peer.contender(environments), ""
        except ConfigError as error:
            row = Contender(name=peer.name, what=peer.what, command=(), licence=peer.licence)
            trouble = str(error)
        found.append(Measurement(contender=row, series=Series(), hello={}, trouble=trouble))
    if OURS in names:
        found += [Measurement(contender=row, series=Series(), hello={}) for row in ours(packages, times=times)]
    return found


def run(entered: Sequence[Measurement], files: Sequence[Path], rounds: int, logs: Path) -> list[Measurement]:
    """One run in turns."""
    with ExitStack() as stack:
        turns, hellos, troubles = [], dict[str, Any](), dict[str, str]()
        for one in entered:
            row = one.contender
            if one.trouble:
                troubles[row.name] = one.trouble
                continue
            _tell(f"starting {row.name}")
            process = Measured(
                row.name, row.command, log=logs / f"{row.name.replace(' ', '-')}.log", environment=row.variables
            )
            try:
                stack.enter_context(process)
                process.load(files)
            except DeviceError as error:
                troubles[row.name] = error.reason
                continue
            hellos[row.name] = process.hello
            turns.append(Turn(name=row.name, process=process, frames=range(len(files)), times=row.times))
        series = take_turns(turns, rounds, _tell)
    return [
        Measurement(
            contender=one.contender,
            series=series.get(one.contender.name, Series()),
            hello=hellos.get(one.contender.name, {}),
            trouble=troubles.get(one.contender.name, ""),
        )
        for one in entered
    ]


def compare(asked: argparse.Namespace) -> dict[str, Any]:
    """Everything, JSON-ready."""
    work = asked.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    about = machine.describe()
    width, height = frames.sides(asked.megapixels)
    packages = asked.model or shipped(share_dir() / "models")
    times = _QUICK_TIMES if asked.quick else _TIMES
    entered = contenders(asked.peers, packages, work, times=times)
    rounds = asked.rounds or (_QUICK_ROUNDS if asked.quick else _ROUNDS)
    _tell("rendering parts")
    files = frames.write_parts(work, width, height, count=_PARTS)
    measured = run(entered, files, rounds, work)
    rows = rows_of(measured)
    recalls = {} if asked.no_recall else _recalls(packages, asked, rows)
    with_recall(rows, recalls)
    return {
        "schema": SCHEMA,
        "machine": about,
        "width": width,
        "height": height,
        "frames": len(files),
        "rounds": rounds,
        "tuned": tuned_of(rows),
        "rows": rows,
        "recall": list(recalls.values()),
    }


def _recalls(
    packages: Sequence[Path], asked: argparse.Namespace, rows: Sequence[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The recall of every package that was timed, by its digest."""
    timed = {row["package"]: row["sha256"] for row in rows if row["sha256"] and "wall_ms" in row}
    found = {}
    for folder in packages:
        if folder.name in timed:
            _tell(f"recall of {folder.name}")
            question = Question.quick() if asked.quick else Question()
            found[timed[folder.name]] = measure_recall(folder, _float_of(folder), question, tell=lambda _: None)
    return found


def _float_of(folder: Path) -> Path | None:
    """The float sibling of a package, where it has one."""
    sibling = folder / "model_fp32.onnx"
    return sibling if sibling.exists() else None


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    names = [peer.name for peer in PEERS]
    made = argparse.ArgumentParser(
        prog="python -m tools.bench_peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--peers", nargs="+", default=[*names, OURS], choices=[*names, OURS], metavar="NAME",
                      help=f"only these: {', '.join([*names, OURS])}")  # fmt: skip
    made.add_argument("--model", type=Path, action="append", help="package; may be given again [default: the shipped]")
    made.add_argument("--work", type=Path, default=WORK, help=f"folder of the environments, kept [default: {WORK}]")
    made.add_argument("--megapixels", type=float, default=_MEGAPIXELS)
    made.add_argument("--rounds", type=int, default=0, help=f"[default: {_ROUNDS}, {_QUICK_ROUNDS} with --quick]")
    made.add_argument("--quick", action="store_true", help="few rounds and few parts: to see it work, not to quote")
    made.add_argument("--no-recall", action="store_true", help="speed alone")
    made.add_argument("--json", action="store_true")
    return made


def main() -> None:
    """Read the command line, compare, print."""
    asked = parser().parse_args()
    with speaking_plainly():
        found = compare(asked)
    if asked.json:
        print(json.dumps(found, indent=1))
    else:
        told.show(Console(), found)


if __name__ == "__main__":
    main()
