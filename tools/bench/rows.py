"""Turns one run into rows: milliseconds of a whole frame, ratios to the anchor and to the tuned peer. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspector.app.bench.spread import ratio, spread
from inspector.app.bench.turns import Series
from tools.bench.peers import ANCHOR, TUNED, Contender

COST_ONLY = "cost only"
_DECIMALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A contender, what its process said of itself, and its turns. ``trouble``: why it never began."""

    contender: Contender
    series: Series
    hello: Mapping[str, Any]
    trouble: str = ""


def rows_of(measured: Sequence[Measurement]) -> list[dict[str, Any]]:
    """One row each, fastest last as the peers come first; ratios within the run."""
    rows = [_row(measurement) for measurement in measured]
    by_name = {row["name"]: row for row in rows if "wall_ms" in row}
    anchor, best = by_name.get(ANCHOR), by_name.get(tuned_of(rows))
    for row in by_name.values():
        row["times_faster_than_sahi"] = _faster(anchor, row, "wall_ms")
        row["times_less_cpu_than_sahi"] = _faster(anchor, row, "cpu_ms")
        row["times_faster_than_tuned"] = _faster(best, row, "wall_ms")
        row["times_less_cpu_than_tuned"] = _faster(best, row, "cpu_ms")
    return rows


def tuned_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """The fastest of the tuned peers, by its median; "" where none was measured."""
    known = {row["name"]: row["wall_ms"]["p50"] for row in rows if row["name"] in TUNED and "wall_ms" in row}
    return min(known, key=lambda name: known[name], default="")


def _faster(reference: Mapping[str, Any] | None, row: Mapping[str, Any], key: str) -> float | None:
    return ratio(reference[key]["p50"], row[key]["p50"]) if reference is not None else None


def _row(measurement: Measurement) -> dict[str, Any]:
    contender, series = measurement.contender, measurement.series
    row: dict[str, Any] = {
        "name": contender.name,
        "what": contender.what,
        "licence": contender.licence,
        "sha256": contender.sha256,
        "package": contender.package.rsplit("/", 1)[-1],
        "looked_at": f"1 of {contender.share} tiles, the rest computed" if contender.share > 1 else "whole frame",
        "versions": measurement.hello.get("versions", {}),
        "runtime": measurement.hello.get("runtime", ""),
        "looks": len(series.looks),
        "load": series.load,
        "recall": None,
        "accuracy": COST_ONLY,
        "trouble": measurement.trouble or series.trouble,
    }
    if not series.looks or row["trouble"]:
        return row
    for key in ("wall_ms", "cpu_ms"):
        row[key] = spread([value * contender.share for value in series.values(key)]).as_dict()
    return row


def with_recall(rows: Sequence[dict[str, Any]], recalls: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the recall of each package beside its speed; both are of the file with this digest."""
    for row in rows:
        found = recalls.get(row["sha256"])
        if row["sha256"] and found is not None:
            row["recall"] = {width: entry["recall"] for width, entry in found["package"]["widths"].items()}
            row["accuracy"] = (
                f"recall of cracks 1, 2, 3 px wide at {found['package']['false_alarms_per_mp']:g} false alarms a MP"
            )
