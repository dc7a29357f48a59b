"""Measure the operators' station beside a running line: ``python -m tools.station_figures``.

    python -m tools.station_figures                             all five, into docs/station/figures.json
    python -m tools.station_figures live loss --json            some; what the file holds of the others stays
    python -m tools.station_figures pages --parts 20000 --file /tmp/figures.json

live    from the commit of a verdict to its pixels in a real browser
loss    line or station stopped and killed: how old the last sign of life is when the lamp is hatched
busy    trigger to verdict of the line, station idle against five busy clients, in turns
pages   pages of a book of a million parts, by a client that is signed in, while the line runs
whatif  which of 10 000 archived parts another recipe would have judged otherwise, by its page, while the line runs

The line is real, and so are the simulated PLC's Modbus, the station and the browser; all share this PC's cores and its
clock. ``python -m tools.station_page`` writes docs/station.md from the file.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from inspector.app.bench import machine
from inspector.app.demo.plant import STATION
from tools import bulk_journal
from tools.station import live, loss, pages, turns, whatif
from tools.station.plant import running

SCHEMA = "inspector.station-figures/1"
FILE = Path("docs/station/figures.json")
_SECONDS_A_PART = 0.5


def _live(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with running(folder / "plant") as it:
        return live.measure(it, asked.shown)


def _loss(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with running(folder / "plant") as it:
        return loss.measure(it, asked.losses)


def _busy(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    with running(folder / "plant") as it:
        return turns.measure(it, pairs=asked.pairs, block_s=asked.block_s, think_s=asked.think_s)


def _pages(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    book, parts = folder / "book" / "journal.sqlite3", asked.parts
    begin = (datetime.now(UTC) - timedelta(seconds=parts * _SECONDS_A_PART)).replace(second=0, microsecond=0)
    bulk_journal.make(book, parts=parts, seed=1, station=STATION, begin=begin)
    with running(folder / "plant", book=book) as it:
        return pages.measure(it, parts=parts, begin=begin, times=asked.times)


def _whatif(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    book, parts = folder / "book" / "journal.sqlite3", asked.archive
    begin = (datetime.now(UTC) - timedelta(seconds=parts * _SECONDS_A_PART)).replace(second=0, microsecond=0)
    held = whatif.make(book, parts=parts, seed=1, begin=begin)
    with running(folder / "plant", book=book) as it:
        return whatif.measure(it, parts=parts, detections=held, times=asked.replays)


MEASURES: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    "live": _live,
    "loss": _loss,
    "busy": _busy,
    "pages": _pages,
    "whatif": _whatif,
}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.station_figures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("measure", nargs="*", choices=[*MEASURES, []], help="which [default: all]")
    parser.add_argument("--file", type=Path, default=FILE, help=f"where figures are kept [default: {FILE}]")
    parser.add_argument("--json", action="store_true", help="print what was measured, too")
    parser.add_argument("--shown", type=int, default=200, help="live: parts [default: 200]")
    parser.add_argument("--losses", type=int, default=5, help="loss: times of each way [default: 5]")
    parser.add_argument("--pairs", type=int, default=20, help="busy: pairs of blocks [default: 20]")
    parser.add_argument("--block-s", type=float, default=12.0, help="busy: seconds of a block [default: 12]")
    parser.add_argument("--think-s", type=float, default=0.2, help="busy: between two pages of a client [default: 0.2]")
    parser.add_argument("--parts", type=int, default=1_000_000, help="pages: parts in the book [default: 1000000]")
    parser.add_argument("--times", type=int, default=20, help="pages: rounds [default: 20]")
    parser.add_argument("--archive", type=int, default=10_000, help="whatif: parts in the book [default: 10000]")
    parser.add_argument("--replays", type=int, default=5, help="whatif: times the page is asked [default: 5]")
    asked = parser.parse_args()
    measured: dict[str, Any] = {}
    for name in asked.measure or MEASURES:
        _say(f"{name} ...")
        with tempfile.TemporaryDirectory(prefix="inspector-station-") as folder:
            about, found = machine.describe(), MEASURES[name](asked, Path(folder))
        measured[name] = {"machine": about, **found}
        _keep(asked.file, name, measured[name])
    if asked.json:
        print(json.dumps({"schema": SCHEMA, **measured}, indent=1))


def _keep(file: Path, name: str, found: dict[str, Any]) -> None:
    """Put one measurement into the file; the others stay as they are."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept = {"schema": SCHEMA, **{key: value for key, value in kept.items() if key in MEASURES}, name: found}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    _say(f"{name}: in {file}")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
