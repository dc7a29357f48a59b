"""Write docs/station.md from docs/station/figures.json: ``python -m tools.station_page``.

    python -m tools.station_figures

No figure on the page is typed by hand. A measurement that is not there is said to be missing.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from inspector.domain.errors import ConfigError
from tools.performance_page import machine
from tools.station_figures import FILE, SCHEMA

PAGE = Path("docs/station.md")
_INTRO = """# The station beside a running line

<!-- Written by `python -m tools.station_page` from docs/station/figures.json. Do not edit. -->

Everything runs on the PC that is named: the simulated line with its 12-megapixel frames, the line that judges them, the
station, and whoever looks at it. In a plant the browsers stand elsewhere; here they share the line's cores. The station
runs 5 steps of niceness beneath the line, as its systemd unit has it. Measured with `python -m tools.station_figures`.
"""


def page(found: Mapping[str, Any]) -> str:
    """Write the page."""
    sections = {
        "live": ("From the verdict to the eye", _live),
        "loss": ("When signs of life fail", _loss),
        "busy": ("What five busy clients cost the line", _busy),
        "pages": ("A book of a million parts", _pages),
        "whatif": ("Another recipe over the archive", _whatif),
    }
    lines = [_INTRO.rstrip()]
    for kind, (title, section) in sections.items():
        lines += ["", f"## {title}", ""]
        if kind not in found:
            lines.append("Not measured yet.")
            continue
        lines += [*machine(found[kind]["machine"]), "", *section(found[kind])]
    return "\n".join(lines) + "\n"


def _met(value: float, target: float) -> str:
    return "yes" if value < target else "**no**"


def _live(found: Mapping[str, Any]) -> Iterator[str]:
    commit, verdict = found["after_commit_ms"], found["after_verdict_ms"]
    yield (
        f"Live in {found['browser']}, an operator signed in: {found['parts']} parts, {found['shown']} of "
        f"them seen on the lamp ({found['rejects']} rejects). From when another process could first read "
        "the commit (asked each millisecond) to the end of the frame that holds the lamp's change. Load average at the "
        f"start {found['load']:.1f}."
    )
    yield "\n| from | median ms | p95 ms | p99 ms | most ms | median < 300 ms |\n|---|---|---|---|---|---|"
    for name, one in (("the commit", commit), ("the verdict, before the commit", verdict)):
        figures = " | ".join(f"{one[key]:.0f}" for key in ("p50", "p95", "p99", "most"))
        yield f"| {name} | {figures} | {_met(one['p50'], found['target_ms'])} |"


def _loss(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Each way {found['times']} times. How old the last sign of life was when the hatched lamp was painted (the "
        "stream's heartbeat for the station, the status file for the line), and how soon the lamp was lit again after "
        f"the process went on or answered again. Load average at the start {found['load']:.1f}."
    )
    yield "\n| way | hatched after, s (median / most) | < 4 s | back after, s (median / most) |\n|---|---|---|---|"
    names = {
        "station stopped": "station: SIGSTOP, the connection stands",
        "station killed": "station: kill -9, started anew on its port",
        "line stopped": "line: SIGSTOP",
        "line killed": "line: kill -9, started anew",
    }
    for way, one in found["ways"].items():
        hatched, back = one["hatched_after_s"], one["back_after_s"]
        yield (
            f"| {names[way]} | {hatched['p50']:.2f} / {hatched['most']:.2f} | "
            f"{_met(hatched['most'], found['target_s'])} | {back['p50']:.2f} / {back['most']:.2f} |"
        )


def _busy(found: Mapping[str, Any]) -> Iterator[str]:
    rates = ", ".join(f"{name} {rate:.1f}" for name, rate in found["answers_per_s"].items())
    cpu = found["station_cpu_share"]
    yield (
        f"{found['pairs']} pairs of blocks of {found['block_s']:g} s, idle and busy in turn, in one run. Busy: "
        f"two clients with Live's stream, three that turn pages, {found['think_s']:g} s after the last came (answers "
        f"or events a second: {rates}; {found['failed_answers']} failed). The clients' own work is done on the same "
        f"cores. The station used {cpu['idle']:.0%} of a core idle, {cpu['busy']:.0%} busy. Load average "
        f"{found['load']['before']:.1f} before, {found['load']['after']:.1f} after."
    )
    yield "\n| trigger to verdict | parts | p50 ms | p99 ms | most ms |\n|---|---|---|---|---|"
    for name in ("idle", "busy"):
        one = found[f"{name}_ms"]
        yield f"| station {name} | {one['count']} | {one['p50']:.1f} | {one['p99']:.1f} | {one['most']:.1f} |"
    yield "\n| busy to idle | ratio | 95 % interval (pairs of blocks drawn anew) |\n|---|---|---|"
    for name, one in found["ratios"].items():
        yield f"| {name} | {one['ratio']:.2f} | {one['low']:.2f} to {one['high']:.2f} |"


def _pages(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{found['parts']} parts in the book ({found['waiting']} wait for a review); {found['times']} rounds by a "
        f"client that is signed in, while the line judges {found['line_parts_per_s']:.1f} parts a second into the same "
        f"book. Whole pages, rendered, from request to last byte. Load average at the start {found['load']:.1f}."
    )
    yield "\n| page | asked | kB | median ms | p95 ms | most ms | median < 100 ms |\n|---|---|---|---|---|---|---|"
    for name, one in sorted(found["pages"].items()):
        yield (
            f"| {name} | `{one['address']}` | {one['kb']:.0f} | {one['median_ms']:.0f} | {one['p95_ms']:.0f} | "
            f"{one['most_ms']:.0f} | {_met(one['median_ms'], found['target_ms'])} |"
        )
    yield "\nHow SQLite goes about the questions behind them on this very book (EXPLAIN QUERY PLAN):\n"
    for name, steps in found["plans"].items():
        yield f"- {name}: {'; '.join(steps)}"
    yield (
        "\n`SCAN inspection` and `SCAN minute` go backwards along the primary key and end when the page is full; "
        "`SCAN setup` reads the few combinations of recipe and model; `SCAN mark` the marks of one review."
    )


def _whatif(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "Which parts would have ended otherwise, had one limit been twice as wide: the whole page, rendered, from "
        f"request to last byte, {found['times']} times, while the line judges {found['line_parts_per_s']:.1f} parts a "
        f"second into the same book. {found['flips']} parts would have ended otherwise. Load average at the start "
        f"{found['load']:.1f}."
    )
    yield "\n| archived parts | detections in them | median s | most s | median < 10 s |\n|---|---|---|---|---|"
    yield (
        f"| {found['parts']} | {found['detections']} | {found['median_s']:.1f} | {found['most_s']:.1f} | "
        f"{_met(found['median_s'], found['target_s'])} |"
    )


def main() -> None:
    """Read the command line, write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.station_page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--page", type=Path, default=PAGE)
    asked = parser.parse_args()
    found = json.loads(asked.file.read_text(encoding="utf-8"))
    if found.get("schema") != SCHEMA:
        raise ConfigError(f"{asked.file}: schema = {found.get('schema')!r}; {SCHEMA!r} is right: measure again")
    asked.page.write_text(page(found), encoding="utf-8")
    print(f"{asked.page}: {', '.join(key for key in found if key != 'schema')}")


if __name__ == "__main__":
    main()
