"""Shows a comparison to a person, as one table."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from inspector.app.bench.table import load_cell, spread_cells

HEADS = ("", "p50 ms", "p99", "max", "CPU ms", "x SAHI", "CPU x", "x tuned", "n", "load", "recall 1/2/3 px")


def show(console: Console, found: Mapping[str, Any]) -> None:
    """The machine, the rows, what failed."""
    machine = found["machine"]
    has = ", ".join(flag for flag, there in machine["flags"].items() if there and flag != "hypervisor")
    console.print(f"[bold]{machine['cpu']}[/bold], {machine['cores']} cores ({has})")
    console.print(
        f"{machine['at']}  {found['rounds']} rounds, {found['frames']} rendered parts of {found['width']} x "
        f"{found['height']} px, one run in turns; the tuned peer here: {found['tuned'] or 'not measured'}"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in HEADS:
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    for row in found["rows"]:
        if "wall_ms" in row:
            table.add_row(*cells(row), style="bold" if row["package"] else "")
    console.print(table)
    for row in found["rows"]:
        if row["trouble"]:
            console.print(f"{row['name']} failed: {row['trouble']}", style="red")
        elif row["sha256"]:
            console.print(f"{row['name']}: {row['runtime']}, sha256 {row['sha256']}, {row['accuracy']}")
    computed = [row["name"] for row in found["rows"] if row["looked_at"] != "whole frame"]
    if computed:
        console.print(f"computed from a share of their tiles: {', '.join(computed)}")


def cells(row: Mapping[str, Any]) -> Sequence[str]:
    """One row of the table, in the order of ``HEADS``."""
    return (
        row["name"],
        *spread_cells(row["wall_ms"]),
        f"{row['cpu_ms']['p50']:.1f}",
        times(row["times_faster_than_sahi"]),
        times(row["times_less_cpu_than_sahi"]),
        times(row["times_faster_than_tuned"]),
        str(row["looks"]),
        load_cell(row["load"]),
        recall(row),
    )


def times(value: float | None) -> str:
    """A ratio as a person reads it."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"  # noqa: PLR2004 - two figures are enough from ten on


def recall(row: Mapping[str, Any]) -> str:
    """Recall by width, or that there is none."""
    if row["recall"] is None:
        return str(row["accuracy"]) if not row["sha256"] else "not measured"
    return " / ".join(f"{value:.3f}" for value in row["recall"].values())
