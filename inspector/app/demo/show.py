"""What a person sees while the demonstration runs, and the table at its end."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_STYLE = {"PASS": "bold blue", "FAIL": "bold white on red3", "UNDECIDED": "bold black on orange1"}
_GLYPH = {"PASS": "✔ OK", "FAIL": "✘ NG", "UNDECIDED": "? ??"}
_BELT = 12


def live(twin: Mapping[str, Any], status: Mapping[str, Any], *, parts: int, received: int) -> RenderableType:
    """One picture of the running line."""
    state = str(twin.get("state", "starting"))
    if state == "rendering":
        ready, asked = int(twin.get("rendered", 0)), max(int(twin.get("pool", 1)), 1)
        head = Text(f"painting the parts of the simulated line: {ready} of {asked} (kept for the next time)")
        return Panel(Group(head, _bar(ready, asked)), title="inspector demo")
    settled = int(twin.get("passed", 0)) + int(twin.get("ejected", 0))
    last = list(status.get("last_parts", []))[-_BELT:]
    lines: list[RenderableType] = [_belt(last), _bar(settled, parts)]
    lines.append(_tally(twin, status, received, settled, parts))
    lines += [
        Text(
            f"part {part['partSeq']:>4}  {part['outcome']:9}  {part['reason']}",
            style="dim" if part is not last[-1] else "",
        )
        for part in last[-4:]
    ]
    return Panel(Group(*lines), title=f"inspector demo · {state}")


def _bar(done: int, asked: int) -> RenderableType:
    bar = Table.grid()
    bar.add_row(ProgressBar(total=max(asked, 1), completed=min(done, asked), width=60))
    return bar


def _belt(last: Sequence[Mapping[str, Any]]) -> Text:
    belt = Text("belt ")
    for part in reversed(last):
        outcome = str(part["outcome"])
        belt.append(f" {_GLYPH[outcome]} ", style=_STYLE[outcome])
        belt.append(" ")
    return belt


def _tally(
    twin: Mapping[str, Any], status: Mapping[str, Any], received: int, settled: int, parts: int
) -> RenderableType:
    counters, latency = status.get("counters", {}), status.get("latency_ms", {})
    table = Table.grid(padding=(0, 3))
    table.add_row(
        f"past the ejector {settled}" + (f" of {parts}" if settled <= parts else ""),
        f"PASS {counters.get('pass', 0)}",
        f"FAIL {counters.get('fail', 0)}",
        f"UNDECIDED {counters.get('undecided', 0)}",
        f"ejected {twin.get('ejected', 0)}",
        f"MQTT {received}",
        f"verdict p50 {latency.get('p50', 0):.0f} ms",
    )
    return table


def final(console: Console, rows: Sequence[tuple[str, str]], *, good: bool) -> None:
    """The account, as a table."""
    table = Table(title="One part in, one Inspection out", show_header=False, title_justify="left")
    for what, how in rows:
        table.add_row(what, how)
    console.print(table)
    if not good:
        console.print("The account does NOT balance: see the lines above and the logs in the folder.", style="bold red")
