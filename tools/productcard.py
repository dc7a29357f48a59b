"""Write ``MODEL_CARD.md`` of a product's own net from what its training found out; no figure is typed by hand."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tools.card import CardFacts
from tools.data.record import is_shippable
from tools.export import Exported

_SHOWN = (
    "image_auroc",
    "image_ap",
    "escapes at 1% false rejects",
    "escapes at 5% false rejects",
    "component recall at 0.5",
    "component recall at <= 0.1 false/MP",
    "component precision on bad pictures at <= 0.1 false/MP",
    "control: auroc with the defect removed",
    "control: strongest cell on the defect",
    "control: the same by chance",
)


def write_product_card(folder: Path, facts: CardFacts, found: Exported, document: Mapping[str, Any] | None) -> None:
    """Write the page beside the model.

    Args:
        folder: the package.
        facts: what stands in its card.
        found: what its export found out.
        document: the evaluation on pictures that it was not trained on; None: there was none.
    """
    (folder / "MODEL_CARD.md").write_text("\n".join(_lines(facts, found, document)) + "\n", encoding="utf-8")


def _lines(facts: CardFacts, found: Exported, document: Mapping[str, Any] | None) -> Iterator[str]:
    metrics = facts.metrics
    yield f"# {facts.name} {facts.version}"
    yield from ("", "<!-- Written by `python -m tools.train`. Do not edit the figures. -->", "")
    yield f"Finds {', '.join(facts.labels)} on its own product. int8: uint8 pixels in, a map at an eighth out."
    yield from ("", "## What it learned from", "")
    yield (
        f"{metrics['train_pictures']} pictures ({metrics['train_good_pictures']} good), {metrics['train_scenes']} "
        f"rendered scenes; {metrics['held_pictures']} pictures were held back. Licence of the weights: {facts.licence}."
    )
    if not is_shippable(facts.licence):
        yield "**Its pictures' licences do not allow it to be sold or given away in a product.**"
    yield from ("", "```", str(metrics["train_command"]), "```", "", "## Forms", "")
    yield "| form | KB | processor ms a megapixel | image AUROC | image AP | verdicts that differ from float |"
    yield "|---|---|---|---|---|---|"
    for form in found.forms:
        yield (
            f"| {form.name} | {form.kilobytes} | {form.cpu_ms_per_mp} | {_number(form.image_auroc)} "
            f"| {_number(form.image_ap)} | {form.flips} of {form.pictures} |"
        )
    yield from _figures(document)
    yield from ("", "## What it cannot do", *(f"- {line}" for line in facts.cannot))


def _figures(document: Mapping[str, Any] | None) -> Iterator[str]:
    yield from ("", "## Figures", "")
    if document is None:
        yield "No pictures were held back: nothing is known of its accuracy."
        return
    counts = document["counts"]
    yield (
        f"On {counts['good']} good and {counts['bad']} bad pictures that it was not trained on; 95 % intervals, whole "
        "parts resampled."
    )
    yield from ("", "| figure | value | interval |", "|---|---|---|")
    for name in _SHOWN:
        figure = document["figures"].get(name)
        if figure is not None:
            between = f"{figure['low']:.3f} to {figure['high']:.3f}" if "low" in figure else ""
            yield f"| {name} | {figure['value']:.3f} | {between} |"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"
