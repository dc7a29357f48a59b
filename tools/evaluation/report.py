"""The page a person would rather look at than read: figures, curves, confusion, calibration, misses and alarms."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tools.evaluation.charts import Axis, Curve, chart, confusion
from tools.evaluation.evaluate import Evaluation
from tools.evaluation.figures import Table
from tools.evaluation.gallery import data_url, drawn, place_of_interest
from tools.evaluation.looking import Look
from tools.evaluation.table import PLAIN, THRESHOLDS, Floats, Row
from tools.metrics.confidence import reliability
from tools.metrics.ranking import precision_recall

SHOWN = 9
"""How many misses, and how many false alarms, the gallery shows."""
_PLAIN = 0.5
_MOST_FALSE_PER_MP = 4.0
_HEADLINES = (
    "image_auroc",
    "image_ap",
    "escapes at 5% false rejects",
    "component recall at <= 0.1 false/MP",
    "component recall at 0.5",
    "pixel_ap",
    "aupro",
    "coco_map50",
    "calibration_error",
    "control: auroc with the defect removed",
    "control: strongest cell on the defect",
    "control: the same by chance",
)
_STYLE = """
:root{--ink:#1d2730;--soft:#5d6b78;--line:#dde3e8;--paper:#fff;--field:#f6f8f9}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1180px;margin:2rem auto;
padding:0 1.2rem}
h1{font-size:1.6rem;margin:0 0 .2rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}p.soft,td.soft{color:var(--soft)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.25rem .7rem;text-align:right;
border-bottom:1px solid var(--line)}th{font-weight:600}td:first-child,th:first-child{text-align:left}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:1.2rem}
.charts figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:.7rem}
.charts figcaption{font-weight:600;margin-bottom:.3rem}.charts svg{width:100%;max-width:420px;display:block;margin:auto}
svg text{font:11px system-ui,sans-serif;fill:#5d6b78}svg text.name{font-size:12px;fill:#1d2730}
svg .grid{stroke:#e3e8ec}svg .field{fill:#f6f8f9}
.legend{display:flex;flex-wrap:wrap;gap:.1rem .9rem;font-size:12px;color:var(--soft);justify-content:center}
.legend i{display:inline-block;width:.9rem;height:3px;margin-right:.3rem;vertical-align:middle}
.confusion td{min-width:3.4rem;text-align:center}.confusion .total{color:var(--soft)}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(350px,1fr));gap:1rem}
.gallery figure{margin:0;border:1px solid var(--line);border-radius:8px;overflow:hidden;background:var(--field)}
.gallery .frame{height:260px;display:flex;align-items:center;justify-content:center;background:#e9edf0}
.gallery img{max-width:100%;max-height:260px;display:block}
.gallery figcaption{padding:.5rem .7rem;font-size:13px;overflow-wrap:anywhere}
.bar{display:inline-block;height:.6rem;background:#1f6f8b;border-radius:2px;vertical-align:middle}
.warn{background:#fff4e5;border-left:4px solid #c8553d;padding:.5rem .9rem;margin:.6rem 0}
details{margin:.6rem 0}summary{cursor:pointer;font-weight:600}
"""


def chosen(table: Table) -> list[Row]:
    """The pictures of the gallery: bad ones with the weakest scores on them, good ones with the strongest."""
    bad = sorted((row for row in table.rows if not row.record.good), key=_seen)
    good = sorted((row for row in table.rows if row.record.good), key=lambda row: -row.score)
    return [*bad[:SHOWN], *good[:SHOWN]]


def _seen(row: Row) -> tuple[float, float]:
    """Weakest first: pictures with defects that were not found at 0.5, then by score."""
    defects = float(row.defects_c.sum())
    missed = defects - float(row.found_tc[PLAIN].sum())
    return (-missed / defects if defects else 0.0, row.score)


def write_report(path: Path, found: Evaluation, looks: Sequence[Look], sections: Sequence[str] = ()) -> None:
    """Write one self-contained page; ``sections``: ready-made HTML that follows the figures."""
    document, table = found.document, found.table
    model, data = document["model"], document["data"]
    title = f"{model['name']} {model['version']} on {', '.join(data['sources'])}"
    misses = [look for look in looks if not look.record.good]
    alarms = [look for look in looks if look.record.good]
    body = [
        f"<h1>{escape(title)}</h1>",
        _about(document),
        *_warnings(document),
        "<h2>Figures</h2>",
        _figures(document, _HEADLINES),
        "<details><summary>every figure</summary>",
        _figures(document, list(document["figures"])),
        "</details>",
        *sections,
        "<h2>Curves</h2><div class='charts'>",
        *_charts(table),
        "</div><h2>Which class was seen as which (whole pictures, strongest class, from 0.5 on)</h2>",
        _confusion(table),
        "<h2>Recall by size of the defect</h2>",
        _sizes(document),
        f"<h2>Worst misses ({len(misses)} shown)</h2>",
        "<p class='soft'>Left or above: truth in green. Right or below: the model's map and detections in red.</p>",
        _gallery(misses, found.card.labels, "strongest score"),
        f"<h2>Worst false alarms ({len(alarms)} shown)</h2>",
        _gallery(alarms, found.card.labels, "score of a good picture"),
        "<h2>Counts</h2>",
        _counts(document),
    ]
    page = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style>{''.join(body)}</html>"
    )
    path.write_text(page, encoding="utf-8")


def _about(document: dict[str, Any]) -> str:
    model, data = document["model"], document["data"]
    return (
        f"<p class='soft'>{data['pictures']} pictures of {data['parts']} parts, {data['good']} good, "
        f"{data['megapixels']} megapixels; split {escape(', '.join(data['splits']) or '-')}; "
        f"model {model['output_dtype']}, sha256 {model['sha256'][:12]}; list sha256 {data['list_sha256'][:12]}; "
        f"{escape(model['runtime'])}</p>"
    )


def _warnings(document: dict[str, Any]) -> list[str]:
    figures, counts = document["figures"], document["counts"]
    told = []
    auroc, removed = figures.get("image_auroc"), figures.get("control: auroc with the defect removed")
    if auroc and removed and removed["value"] > 0.5 + 0.5 * (auroc["value"] - 0.5):
        told.append(
            f"Image AUROC is {auroc['value']:.3f}, but still {removed['value']:.3f} with the defects removed: most of "
            "it is something else that good and bad pictures differ in. Trust the figures by component."
        )
    if counts["not decodable (undecided)"]:
        told.append(
            f"{counts['not decodable (undecided)']} picture(s) could not be decoded: the line calls them UNDECIDED."
        )
    if document["set_aside"]:
        told.append(
            f"{len(document['set_aside'])} picture(s) were set aside: {escape('; '.join(document['set_aside'][:5]))}"
        )
    if document["thresholds"]["fitted_on"].startswith("the evaluated"):
        told.append("Thresholds were set by the evaluated goods themselves (--fit-split sets them by others).")
    return [f"<div class='warn'>{text}</div>" for text in told]


def _figures(document: dict[str, Any], names: Sequence[str]) -> str:
    rows = []
    for name in names:
        figure = document["figures"].get(name)
        if figure is None:
            continue
        between = f"{figure['low']:.3f} to {figure['high']:.3f}" if "low" in figure else ""
        note = "no resample moved it: see the counts" if figure.get("flat") else ""
        bar = f"<span class='bar' style='width:{max(min(figure['value'], 1), 0) * 9:.2f}rem'></span>"
        rows.append(
            f"<tr><td>{escape(name)}</td><td>{figure['value']:.3f}</td><td>{between}</td>"
            f"<td style='text-align:left'>{bar}</td><td class='soft' style='text-align:left'>{note}</td></tr>"
        )
    return (
        f"<table><tr><th>figure</th><th>value</th><th>95 % interval</th><th></th><th></th></tr>{''.join(rows)}</table>"
    )


def _charts(table: Table) -> list[str]:
    recall, precision = Axis(name="recall"), Axis(name="precision")
    curves = []
    if table.bad.any() and not table.bad.all():
        p, r, _ = precision_recall(table.score, table.bad)
        curves.append(Curve(name="any class", points=[(0.0, float(p[0])), *zip(r.tolist(), p.tolist(), strict=True)]))
    for index, label in enumerate(table.labels):
        kept = table.class_bad[:, index] | ~table.bad
        own = table.class_bad[kept, index]
        if own.any() and not own.all():
            p, r, _ = precision_recall(table.class_score[kept, index], own)
            points = [(0.0, float(p[0])), *zip(r.tolist(), p.tolist(), strict=True)]
            curves.append(Curve(name=f"{label} ({int(own.sum())})", points=points))
    charts = [_figure("Whole pictures: precision and recall", chart(curves, recall, precision))] if curves else []
    charts += [_figure("Defects found against false alarms", _froc(table))] if (~table.bad & table.known).any() else []
    charts.append(_figure("Calibration of the detections", _calibration(table)))
    charts.append(_figure("Scores of good and bad pictures", _scores(table)))
    return charts


def _figure(caption: str, svg: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def _froc(table: Table) -> str:
    goods, ones = (~table.bad & table.known).astype(np.float64), np.ones(len(table.rows))
    false = table.total("wrong_t", goods) / float(goods @ table.megapixels)
    curves = []
    found, all_of = table.total("found_ts", ones).sum(axis=1), table.total("defects_s", ones).sum()
    kinds = [("any class", found, all_of)]
    by_class, of_class = table.total("found_tc", ones), table.total("defects_c", ones)
    kinds += [(f"{label} ({int(of_class[c])})", by_class[:, c], of_class[c]) for c, label in enumerate(table.labels)]
    for name, hits, total in kinds:
        if total:
            curves.append(Curve(name=name, points=_envelope(false, hits / total), step=True))
    x = Axis(name="false pieces a good megapixel", high=_MOST_FALSE_PER_MP, ticks=(0, 1, 2, 3, 4))
    return chart(curves, x, Axis(name="defects found"))


def _envelope(false: Floats, share: Floats) -> list[tuple[float, float]]:
    """The best share at this many false alarms or fewer: pieces that merge at a lower threshold count less."""
    points, best = [(0.0, 0.0)], 0.0
    for x, y in sorted(zip(false.tolist(), share.tolist(), strict=True)):
        if x <= _MOST_FALSE_PER_MP:
            best = max(best, y)
            points.append((x, best))
    return [*points, (_MOST_FALSE_PER_MP, best)]


def _calibration(table: Table) -> str:
    confidences, rights = table.detections
    rows = reliability(confidences, rights, bins=10) if confidences.size else ()
    most = max((row.count for row in rows), default=1.0)
    curves = [
        Curve(
            name=f"{len(confidences)} detections",
            points=[(row.confidence, row.right) for row in rows],
            dots=[2.5 + 6 * float(np.sqrt(row.count / most)) for row in rows],
        ),
        Curve(name="honest", points=[(0, 0), (1, 1)], dashed=True),
    ]
    return chart(curves, Axis(name="confidence"), Axis(name="share that is right"))


def _scores(table: Table) -> str:
    grid = np.concatenate(([0.0], THRESHOLDS, [1.0]))
    curves = []
    for name, kept in (("good", ~table.bad), ("bad", table.bad)):
        if kept.any():
            own = table.score[kept]
            points = [(float(t), float((own >= t).mean())) for t in grid]
            curves.append(Curve(name=f"{name} ({int(kept.sum())})", points=points))
    return chart(curves, Axis(name="threshold on the score"), Axis(name="share rejected"))


def _confusion(table: Table) -> str:
    columns = ["nothing", *table.labels]
    names = ["good", *table.labels]
    counts = np.zeros((len(names), len(columns)), np.int64)
    for row in table.rows:
        seen = 0 if row.score < _PLAIN else int(row.class_scores.argmax()) + 1
        if row.record.good:
            counts[0, seen] += 1
        for index in np.flatnonzero(row.class_bad):
            counts[index + 1, seen] += 1
    kept = [i for i in range(len(names)) if counts[i].any()]
    return confusion([names[i] for i in kept], columns, [counts[i].tolist() for i in kept])


def _sizes(document: dict[str, Any]) -> str:
    sizes = document["counts"]["defects by size px"]
    points = [name for name in document["thresholds"] if name != "fitted_on"]
    head = "".join(f"<th>{escape(point)}</th>" for point in points)
    rows = []
    for size, count in sizes.items():
        if count:
            cells = []
            for point in points:
                figure = document["figures"].get(f"recall of {size} px {point}")
                between = (
                    f" <span class='soft'>({figure['low']:.2f} to {figure['high']:.2f})</span>"
                    if figure and "low" in figure
                    else ""
                )
                cells.append(f"<td>{figure['value']:.3f}{between}</td>" if figure else "<td></td>")
            rows.append(f"<tr><td>{escape(size)} px</td><td>{count}</td>{''.join(cells)}</tr>")
    return f"<table><tr><th>longer side</th><th>defects</th>{head}</tr>{''.join(rows)}</table>"


def _gallery(looks: Sequence[Look], labels: Sequence[str], word: str) -> str:
    figures = []
    for look in looks:
        url = data_url(drawn(look, labels, aim=place_of_interest(look, labels)))
        truth = ", ".join(look.record.classes) or "good"
        told = f"truth: {truth}; {word} {float(look.scores.max()):.2f}"
        if look.undecided:
            told += f"; undecided: {look.undecided}"
        figures.append(
            f"<figure><div class='frame'><img src='{url}' alt=''></div>"
            f"<figcaption><b>{escape(look.record.id)}</b><br>{escape(told)}</figcaption></figure>"
        )
    return f"<div class='gallery'>{''.join(figures)}</div>"


def _counts(document: dict[str, Any]) -> str:
    rows = []
    for name, value in {**document["counts"], "licences": document["data"]["licences"]}.items():
        text = ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else str(value)
        rows.append(f"<tr><td>{escape(name)}</td><td style='text-align:left'>{escape(text)}</td></tr>")
    return f"<table>{''.join(rows)}</table>"
