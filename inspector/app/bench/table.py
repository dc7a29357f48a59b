"""Shows a measurement to a person: a table for each question, the machine above, the load beside."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from inspector.app.bench.worker import STAGES

_WHOLE_FROM = 200
_LINEAR_WITHIN = 0.15
"""How far the cost of a megapixel may move from that at 12 MP and still be called linear."""


def show(console: Console, found: Mapping[str, Any]) -> None:
    """The stages and the growth, by runtime."""
    about(console, found)
    console.print(_stages(found["stages"]))
    console.print(_growth(found["stages"]))
    if found["components"]:
        console.print(_components(found["components"], found["deadline_ms"]))
    for entry in found["not_measured"]:
        console.print(f"not measured: {entry['runtime']}: {entry['why']}", style="yellow")
    for row in found["stages"]:
        if row["trouble"]:
            console.print(f"{row['runtime']} at {row['size']:g} MP failed: {row['trouble']}", style="red")


def about(console: Console, found: Mapping[str, Any]) -> None:
    """Machine and model."""
    machine, model = found["machine"], found["model"]
    has = ", ".join(flag for flag, there in machine["flags"].items() if there and flag != "hypervisor")
    lacks = ", ".join(flag for flag, there in machine["flags"].items() if not there and flag != "hypervisor")
    guest = ", virtual machine" if machine["flags"]["hypervisor"] else ""
    console.print(f"[bold]{machine['cpu']}[/bold], {machine['cores']} cores{guest}, {machine['memory_gb']:g} GB")
    console.print(f"has {has or 'no vector units'}; lacks {lacks or 'nothing'}")
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    console.print(f"{machine['at']}  {machine['system']}, Python {machine['python']}, {versions}")
    console.print(f"model {model['name']} {model['version']}  sha256 {model['sha256']}")


def spread_cells(figures: Mapping[str, float] | None) -> list[str]:
    """p50, p99 and max of a spread."""
    if figures is None:
        return ["", "", ""]
    return [_short(figures[key]) for key in ("p50", "p99", "most")]


def _short(value: float) -> str:
    """Three or four figures, whatever the size."""
    decimals = 0 if value >= _WHOLE_FROM else 1 if value >= 1 else 2
    return f"{value:.{decimals}f}"


def load_cell(load: Mapping[str, float]) -> str:
    """Load average before and after."""
    return f"{load['before']:.1f}>{load['after']:.1f}" if load else ""


def _table(title: str, heads: Sequence[str], *, words: Sequence[str]) -> Table:
    """A table whose columns are numbers but for ``words``."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in heads:
        table.add_column(head, justify="left" if head in words else "right", no_wrap=True)
    return table


def _stages(rows: Sequence[Mapping[str, Any]]) -> Table:
    heads = ("ms", "p50", "p99", "max", "CPU ms", "frames/s", "peak MB", "load")
    table = _table("Pixels to verdict", heads, words=("ms",))
    for row in rows:
        if "wall_ms" not in row:
            continue
        table.add_row(f"{row['runtime']} {row['megapixels']:.1f} MP", style="bold")
        for stage in STAGES[:-1]:
            table.add_row(f"  {stage}", *spread_cells(row["stages_ms"].get(stage)))
        table.add_row(
            f"  {STAGES[-1]}, n {row['frames']}",
            *spread_cells(row["stages_ms"][STAGES[-1]]),
            f"{row['cpu_ms']['p50']:.1f}",
            f"{row['frames_per_s']:.1f}",
            f"{row['peak_memory_mb']:.0f}",
            load_cell(row["load"]),
            style="bold",
            end_section=True,
        )
    return table


def _growth(rows: Sequence[Mapping[str, Any]]) -> Table:
    heads = ("runtime", "MP", "ms a MP", "to 12 MP", "CPU ms a MP", "CPU to 12 MP")
    table = _table("Does cost grow with pixels alone? (1.00: yes)", heads, words=("runtime",))
    for row in rows:
        if "ms_per_mp" in row:
            table.add_row(
                row["runtime"],
                f"{row['megapixels']:.1f}",
                f"{row['ms_per_mp']:.2f}",
                _multiple(row.get("ms_per_mp_to_12")),
                f"{row['cpu_ms_per_mp']:.2f}",
                _multiple(row.get("cpu_ms_per_mp_to_12")),
            )
    return table


def _multiple(value: float | None) -> str:
    if value is None:
        return ""
    text = f"{value:.2f}"
    return text if abs(value - 1.0) <= _LINEAR_WITHIN else f"[yellow]{text}[/yellow]"


def _components(rows: Sequence[Mapping[str, Any]], deadline_ms: float) -> Table:
    title = f"How much there is to see: components made in the model's map; deadline {deadline_ms:g} ms"
    heads = ("runtime", "there", "found", "verdict", "p50", "p99", "max", "CPU ms", "in time", "n")
    table = _table(title, heads, words=("runtime", "verdict"))
    for row in rows:
        if "wall_ms" not in row:
            continue
        table.add_row(
            row["runtime"],
            str(row["components"]),
            "too many" if row["outcome"] == "UNDECIDED" else str(row["found"]),
            row["outcome"],
            *spread_cells(row["wall_ms"]),
            f"{row['cpu_ms']['p50']:.1f}",
            "yes" if row["wall_ms"]["most"] < deadline_ms else "[red]NO[/red]",
            str(row["frames"]),
        )
    return table


def show_loop(console: Console, found: Mapping[str, Any]) -> None:
    """The whole loop, as figures one below the other."""
    about(console, found)
    table = Table(title="The whole loop", title_justify="left", title_style="bold", show_header=False, box=box.SIMPLE)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, how in loop_rows(found):
        table.add_row(what, how)
    console.print(table)


def _spoken(figures: Mapping[str, float]) -> str:
    p50, p99, most = spread_cells(figures)
    return f"p50 {p50}  p99 {p99}  max {most} ms"


def loop_rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What, and how it was."""
    latency, memory, verdicts = found["verdict_ms"], found["memory"], found["verdicts"]
    reasons = ", ".join(f"{count} x {rule}" for rule, count in found["undecided_by_rule"].items()) or "none"
    return [
        ("runtime", found["runtime"]),
        ("frames", f"{found['width']} x {found['height']} px, {found['parts']} parts"),
        ("sustained", f"{found['parts_per_s']:.1f} parts/s (belt {found['belt_per_s']:.1f})"),
        *(("a rate tried", f"{t['belt_per_s']:.1f}/s: {t['undecided']} undecided") for t in found["tried"]),
        ("verdicts", ", ".join(f"{count} {name.upper()}" for name, count in verdicts.items())),
        ("undecided", reasons),
        ("gate", f"{found['wrong_ejections']} wrong, {found['missed_ejections']} missed ejections"),
        ("trigger to gate", f"{_spoken(latency)}, {latency['count']} parts"),
        *((f"  {stage}", _spoken(figures)) for stage, figures in found["stages_ms"].items()),
        ("evidence", f"{found['evidence']} pictures of {found['parts']} parts, journal synchronous = FULL"),
        ("memory", f"{memory['first_mb']:.0f} to {memory['last_mb']:.0f} MB, highest {memory['highest_mb']:.0f} MB"),
        ("memory slope", f"{memory['mb_per_1000_parts']:+.2f} MB a 1000 parts, over the later {memory['parts']} parts"),
        ("CPU", f"{found['cpu_ms_per_part']:.1f} ms a part (line process)"),
        ("load average", load_cell(found["load"])),
    ]
