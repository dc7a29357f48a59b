"""What a person sees while the demonstration runs, and the table at its end."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_STYLE = {"PASS": "bold blue", "FAIL": "bold white on red3", "UNDECIDED": "bold black on orange1"}
_GLYPH = {"PASS": "✔ OK", "FAIL": "✘ NG", "UNDECIDED": "? ??"}
_BELT = 12
_WIDE = 100
_EVERY_S = 10.0
_STATES = {"waiting for run_permit": "the line is warming up"}


def live(
    twin: Mapping[str, Any], status: Mapping[str, Any], *, parts: int, received: int, columns: int = 120
) -> RenderableType:
    """One picture of the running line. It leaves the last columns free: the terminal writes ``^C`` there."""
    width = max(columns - 4, 20)
    state = _STATES.get(str(twin.get("state", "starting")), str(twin.get("state", "starting")))
    if state == "rendering":
        ready, asked = int(twin.get("rendered", 0)), max(int(twin.get("pool", 1)), 1)
        head = Text(f"painting the parts of the simulated line: {ready} of {asked} (kept for the next time)")
        return Panel(Group(head, _bar(ready, asked, width)), title="inspector demo", width=width)
    settled = int(twin.get("passed", 0)) + int(twin.get("ejected", 0))
    last = list(status.get("last_parts", []))[-_BELT:]
    lines: list[RenderableType] = [_belt(last), _bar(settled, parts, width)]
    lines += _tally(twin, status, received, settled, parts, short=columns < _WIDE)
    lines += [
        Text(
            f"part {part['partSeq']:>4}  {part['outcome']:9}  {part['reason']}",
            style="dim" if part is not last[-1] else "",
        )
        for part in last[-4:]
    ]
    return Panel(Group(*lines), title=f"inspector demo · {state}", width=width)


def _bar(done: int, asked: int, width: int) -> RenderableType:
    bar = Table.grid()
    bar.add_row(ProgressBar(total=max(asked, 1), completed=min(done, asked), width=min(60, width - 4)))
    return bar


def _belt(last: Sequence[Mapping[str, Any]]) -> Text:
    belt = Text("belt ")
    for part in reversed(last):
        outcome = str(part["outcome"])
        belt.append(f" {_GLYPH[outcome]} ", style=_STYLE[outcome])
        belt.append(" ")
    return belt


def _tally(
    twin: Mapping[str, Any],
    status: Mapping[str, Any],
    received: int,
    settled: int,
    parts: int,
    *,
    short: bool,
) -> list[RenderableType]:
    """The counters: one line, or two short ones."""
    counters, latency = status.get("counters", {}), status.get("latency_ms", {})
    verdicts = [f"{outcome} {counters.get(outcome.lower(), 0)}" for outcome in _GLYPH]
    passed = f"past the ejector {settled}" + (f" of {parts}" if settled <= parts else "")
    rest = [
        f"ejected {twin.get('ejected', 0)}",
        f"MQTT {received}",
        f"verdict p50 {latency.get('p50', 0):.0f} ms",
    ]
    rows = [[*verdicts, f"MQTT {received}"], [passed, rest[0], rest[2]]] if short else [[passed, *verdicts, *rest]]
    return [Text("   ".join(row), no_wrap=True, overflow="ellipsis") for row in rows]


class Words:
    """The same where no terminal is: a line at the start of each stage, and one every ten seconds."""

    def __init__(self, *, parts: int, scenes_mb: int, cache: Path, say: Callable[[str], None]) -> None:
        self._parts = parts
        self._scenes = f"once ({scenes_mb} MB in {cache})"
        self._say = say
        self._stage = ""
        self._next = time.monotonic() + _EVERY_S

    def look(self, twin: Mapping[str, Any], status: Mapping[str, Any], received: int) -> None:
        """Say what is new, or that it goes on."""
        ready, asked = int(twin.get("rendered", 0)), int(twin.get("pool", 0))
        if twin.get("state") == "rendering":
            stage, going = f"rendering {asked} scenes, {self._scenes}", f"rendering: {ready} of {asked} scenes"
            if ready >= asked:
                return
        elif "passed" in twin and int(twin.get("triggers", 0)):
            settled = int(twin["passed"]) + int(twin["ejected"])
            stage, going = f"the line runs: {self._parts} parts", f"{settled} of {self._parts} parts past the ejector"
            counters = status.get("counters", {})
            going += "".join(f", {counters.get(outcome.lower(), 0)} {outcome}" for outcome in _GLYPH)
            going += f", {received} received by MQTT"
        else:
            stage, going = "", "the line is warming up"
        if stage and stage != self._stage:
            self._stage = stage
            self._tell(stage)
        elif time.monotonic() >= self._next:
            self._tell(going)

    def _tell(self, text: str) -> None:
        self._next = time.monotonic() + _EVERY_S
        self._say(f"inspector demo: {text}\n")


def final(console: Console, rows: Sequence[tuple[str, str]], *, good: bool) -> None:
    """The account, as a table."""
    table = Table(title="One part in, one Inspection out", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for what, how in rows:
        table.add_row(what, how)
    console.print(table)
    if not good:
        console.print("The account does NOT balance: see the lines above and the logs in the folder.", style="bold red")
