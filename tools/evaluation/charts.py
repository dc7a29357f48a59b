"""Draw curves and bars as SVG, without a plotting library."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Points = Sequence[tuple[float, float]]
_SIDE, _LEFT, _BOTTOM, _TOP, _RIGHT = 260, 52, 44, 14, 14
WIDTH, HEIGHT = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#8d5a97", "#b08900", "#444444")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line of a chart. ``dots``: radius of a dot at each point; 0 none."""

    name: str
    points: Points
    dots: Sequence[float] = ()
    dashed: bool = False
    step: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Ends and name of an axis."""

    name: str
    low: float = 0.0
    high: float = 1.0
    ticks: Sequence[float] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def chart(curves: Sequence[Curve], x: Axis, y: Axis) -> str:
    """One square chart with its legend below."""
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y.name)} over {escape(x.name)}">',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" class="field"/>',
    ]
    for tick in x.ticks:
        place = _across(tick, x)
        parts.append(f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{_TOP}" y2="{_TOP + _SIDE}" class="grid"/>')
        parts.append(f'<text x="{place:.1f}" y="{_TOP + _SIDE + 15}" text-anchor="middle">{tick:g}</text>')
    for tick in y.ticks:
        place = _up(tick, y)
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _SIDE}" y1="{place:.1f}" y2="{place:.1f}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{place + 4:.1f}" text-anchor="end">{tick:g}</text>')
    middle = _TOP + _SIDE / 2
    parts.append(
        f'<text x="{_LEFT + _SIDE / 2}" y="{HEIGHT - 8}" text-anchor="middle" class="name">{escape(x.name)}</text>'
    )
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" class="name" '
        f'transform="rotate(-90 14 {middle})">{escape(y.name)}</text>'
    )
    for index, curve in enumerate(curves):
        parts += _drawn(curve, COLOURS[index % len(COLOURS)], x, y)
    return "".join([*parts, "</svg>", _legend(curves)])


def _across(value: float, axis: Axis) -> float:
    return _LEFT + _SIDE * (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)


def _up(value: float, axis: Axis) -> float:
    return _TOP + _SIDE * (1 - (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low))


def _drawn(curve: Curve, colour: str, x: Axis, y: Axis) -> list[str]:
    places = [(_across(a, x), _up(b, y)) for a, b in curve.points]
    if curve.step:
        places = [corner for i, place in enumerate(places) for corner in _corner(places, i, place)]
    text = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    dash = ' stroke-dasharray="4 4"' if curve.dashed else ""
    parts = [f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>']
    for (a, b), radius in zip([(_across(a, x), _up(b, y)) for a, b in curve.points], curve.dots, strict=False):
        parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{radius:.1f}" fill="{colour}"/>')
    return parts


def _corner(places: Points, index: int, place: tuple[float, float]) -> list[tuple[float, float]]:
    return [place] if index == 0 else [(places[index - 1][0], place[1]), place]


def _legend(curves: Sequence[Curve]) -> str:
    """Names under the chart, so that they cover no curve."""
    entries = [
        f"<span><i style='background:{COLOURS[index % len(COLOURS)]}'></i>{escape(curve.name)}</span>"
        for index, curve in enumerate(curves)
    ]
    return f"<div class='legend'>{''.join(entries)}</div>"


def confusion(rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A table whose cells are shaded by their share of the row."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = [f"<table class='confusion'><tr><th>truth \\ seen</th>{head}<th>all</th></tr>"]
    for name, row in zip(rows, counts, strict=True):
        total = sum(row)
        cells = []
        for column, count in zip(columns, row, strict=True):
            share = count / total if total else 0.0
            hue = "88,129,87" if column in {name, "nothing" if name == "good" else name} else "200,85,61"
            cells.append(f"<td style='background:rgba({hue},{share * 0.75:.2f})'>{count or ''}</td>")
        lines.append(f"<tr><th>{escape(name)}</th>{''.join(cells)}<td class='total'>{total}</td></tr>")
    return "".join([*lines, "</table>"])
