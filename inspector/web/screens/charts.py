"""Charts: yield by shift and hour, and which defects are most frequent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from inspector.domain.account import Access
from inspector.domain.shifts import Span, hours
from inspector.ports.figures import ClassCount, CountedSpan, Selection
from inspector.web.access import Here, Routes
from inspector.web.screen import N_, Screen
from inspector.web.searching import key_of

_ROUTES = Routes("charts")
_SHIFTS = 12
WIDTH, HEIGHT = 1000.0, 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One column of the trend, in the drawing's units; ``share``: of parts passed, None for a span without parts."""

    x: float
    width: float
    height: float
    span: Span
    parts: int
    passed: int
    share: float | None


def trend_bars(counted: Sequence[CountedSpan]) -> list[Bar]:
    """Columns as high as the share that passed, side by side."""
    step = WIDTH / max(1, len(counted))
    return [
        Bar(
            x=round(at * step + step * 0.1, 2),
            width=round(step * 0.8, 2),
            height=round(HEIGHT * (one.counted.share_passed or 0.0), 2),
            span=one.span,
            parts=one.counted.parts,
            passed=one.counted.passed,
            share=one.counted.share_passed,
        )
        for at, one in enumerate(counted)
    ]


def pareto_rows(found: Sequence[ClassCount]) -> list[tuple[ClassCount, float, float]]:
    """Each class with its bar's length and its overruled share's, in percent of the longest."""
    most = max((one.defects for one in found), default=1)
    rows = []
    for one in found:
        overruled = one.false_calls / one.reviewed if one.reviewed else 0.0
        length = 100 * one.defects / most
        rows.append((one, round(length, 2), round(length * overruled, 2)))
    return rows


@_ROUTES.get("/charts", Access.ANYONE)
def charts(
    visit: Here,
    shift: Annotated[str, Query(max_length=200)] = "",
    recipe: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Yield of the latest shifts, of the hours of one shift, and its Pareto."""
    station = visit.station
    latest = station.site.shifts.latest(station.now(), _SHIFTS)
    chosen = next((one for one in latest if key_of(one) == shift), latest[-1])
    selection = Selection(span=chosen.span, recipe=recipe)
    return visit.page(
        "charts.html",
        here="charts",
        shifts=latest,
        chosen=chosen,
        recipe=recipe,
        recipes=station.names.recipes(),
        key_of=key_of,
        total=station.figures.count(selection),
        by_shift=trend_bars(station.figures.trend([one.span for one in latest], selection)),
        by_hour=trend_bars(station.figures.trend(hours(chosen.span), selection)),
        pareto=pareto_rows(station.figures.pareto(selection)),
        drawing=(WIDTH, HEIGHT),
    )


SCREEN = Screen(name="charts", path="/charts", title=N_("Charts"), access=Access.ANYONE, routes=_ROUTES, tab=True)
