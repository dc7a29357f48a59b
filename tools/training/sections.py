"""What a training's report shows beside an evaluation: how it went, what was written, what it gained."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from tools.evaluation.charts import Axis, Curve, chart
from tools.export import Exported


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The same training without its start or its teacher, judged on the same pictures."""

    without: str
    image_auroc: float
    image_ap: float
    pictures: int
    own_auroc: float
    own_ap: float


def course(losses: Sequence[tuple[int, float]]) -> str:
    """The loss, step by step."""
    if not losses:
        return ""
    top = float(np.quantile([loss for _, loss in losses], 0.98)) * 1.1
    last = losses[-1][0]
    ticks = [round(last * share) for share in (0, 0.25, 0.5, 0.75, 1)]
    heights = [round(top * share, 2) for share in (0, 0.25, 0.5, 0.75, 1)]
    curve = Curve(name="loss, running mean", points=[(step, min(loss, top)) for step, loss in losses])
    svg = chart([curve], Axis(name="step", high=last, ticks=ticks), Axis(name="loss", high=top, ticks=heights))
    return f"<h2>How training went</h2><div class='charts'><figure>{svg}</figure></div>"


def forms(found: Exported) -> str:
    """The forms of the net side by side."""
    head = (
        "<tr><th>form</th><th>size</th><th>processor time, 1 MP, one thread</th><th>image AUROC</th><th>image AP</th>"
        "<th>verdicts that differ from float</th><th>largest difference of a logit</th></tr>"
    )
    rows = "".join(
        f"<tr><td>{escape(form.name)}</td><td>{form.kilobytes:.0f} KB</td><td>{form.cpu_ms_per_mp:.1f} ms</td>"
        f"<td>{_number(form.image_auroc)}</td><td>{_number(form.image_ap)}</td>"
        f"<td>{form.flips} of {form.pictures}</td><td>{form.largest_logit_difference:.2f}</td></tr>"
        for form in found.forms
    )
    return (
        "<h2>What was written</h2><p class='soft'>The line runs <b>int8</b>. Accuracy is that on the pictures held "
        f"back; torch and the folded float graph differ by at most {found.fold_difference:.1e} in a logit.</p>"
        f"<table>{head}{rows}</table>{_limits(found)}"
    )


def _limits(found: Exported) -> str:
    if not found.limits:
        return (
            "<p class='warn'>No pictures were held back: 0.5 is where training left it, and nothing is known of it.</p>"
        )
    rows = "".join(
        f"<tr><td>{escape(limit.label)}</td><td>{limit.goods}</td><td>{limit.bads}</td><td>{_number(limit.sound)}</td>"
        f"<td>{_number(limit.defect)}</td><td>{limit.logit:.2f}</td></tr>"
        for limit in found.limits
    )
    return (
        "<h2>Where 0.5 lies</h2><p class='soft'>At what sound parts reach, or midway between that and what nine of ten "
        "defective ones exceed, where these stand far above; on pictures held back, as logits of the untouched net. "
        "With fewer than ten sound parts 0.5 stays where training left it.</p><table><tr><th>class</th><th>sound</th>"
        f"<th>defective</th><th>sound reach</th><th>defects exceed</th><th>limit</th></tr>{rows}</table>"
    )


def gains(found: Sequence[Gain]) -> str:
    """What a start or a teacher was worth; plainly, where it was worth nothing."""
    if not found:
        return ""
    lines = []
    for gain in found:
        difference = gain.own_ap - gain.image_ap
        word = "gained" if difference > 0 else "gained nothing: it lost" if difference < 0 else "changed nothing:"
        lines.append(
            f"<p>Against the same training without {escape(gain.without)}, on {gain.pictures} pictures, this one "
            f"{word} {abs(difference):.3f} image AP ({gain.image_ap:.3f} to {gain.own_ap:.3f}); image AUROC "
            f"{gain.image_auroc:.3f} to {gain.own_auroc:.3f}.</p>"
        )
    return f"<h2>What it gained</h2>{''.join(lines)}"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"
