"""`inspector check`: is the configuration right, where does each value come from, and what does the recipe let pass?"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isinf
from typing import Any

from inspector.app import build, options, surroundings
from inspector.app.exits import speaking_plainly
from inspector.app.parts import Parts, check_parts
from inspector.domain.leniency import Leniency, worst_passing


def check(config: options.Config = None, station: options.StationName = None, *, as_json: options.Json = False) -> None:
    """Check a station's settings, recipes, model and plug-ins; the model is loaded, no device is opened.

    Prints every effective value with the file it came from, and for each recipe the worst single defect that passes.

    Example: inspector check --station left
    """
    with speaking_plainly():
        parts = check_parts(options.load(config, station))
        with build.open_detectors(parts):
            pass  # a graph that is not what its card says is refused here, before a line is stopped for it
        warnings = _warnings(parts)
        if as_json:
            sys.stdout.write(json.dumps({**_as_json(parts), "warnings": warnings}, default=str) + "\n")
        else:
            sys.stdout.write("\n".join(_as_text(parts, warnings)) + "\n")


def _warnings(parts: Parts) -> list[str]:
    """What is allowed, though the line will not start or judge as it is meant to; a device is not tried."""
    findings = [*surroundings.camera(parts), *surroundings.doubts(parts, datetime.now(UTC).date())]
    return [f"{finding.found}; {finding.remedy}" for finding in findings if finding.level != "ok"]


def _passing(parts: Parts) -> dict[str, tuple[Leniency, ...]]:
    return {
        recipe.recipe.name: worst_passing(recipe.recipe, parts.cards[recipe.recipe.model].labels, parts.scale)
        for recipe in parts.recipes
    }


def _as_json(parts: Parts) -> dict[str, Any]:
    return {
        "station": parts.loaded.name,
        "settings": {key: {"value": value, "from": source} for key, value, source in parts.loaded.effective()},
        "settings_sha256": parts.loaded.sha256,
        "model": {
            "name": parts.card.name,
            "version": parts.card.version,
            "sha256": parts.card.sha256,
            "signed_by": parts.card.signed_by or None,
        },
        "recipes": [
            {"slot": slot, "name": one.recipe.name, "sha256": one.sha256, "activated": not one.path.is_file()}
            for slot, one in zip(parts.slots, parts.recipes, strict=True)
        ],
        "worst_single_defect_that_passes": {
            name: {row.label: _figures(row) for row in rows} for name, rows in _passing(parts).items()
        },
    }


def _figures(row: Leniency) -> dict[str, float | str | None]:
    """JSON has no infinity: "any" stands for every size."""
    length = row.length_mm if row.length_mm is not None else row.length_px
    return {
        "confidence_at_any_size": row.score_any_size,
        "length_mm_at_full_confidence": "any" if length is not None and isinf(length) else row.length_mm,
    }


def _as_text(parts: Parts, warnings: Sequence[str]) -> list[str]:
    lines = [f"station {parts.loaded.name}", ""]
    rows = [(key, json.dumps(value, default=str), source) for key, value, source in parts.loaded.effective()]
    keys, values = max(len(row[0]) for row in rows), min(max(len(row[1]) for row in rows), 40)
    lines += [f"  {key:{keys}}  {value:{values}}  {source}" for key, value, source in rows]
    card = parts.card
    signed = f"signed by {card.signed_by}" if card.signed_by else "not signed"
    lines += ["", f"model {card.name} {card.version}  sha256 {card.sha256[:12]}  fits its card, {signed}"]
    lines += [f"  it cannot: {sentence}" for sentence in card.cannot]
    if parts.scale is not None:
        due = f"due {parts.scale.due}" if parts.scale.due else "without a due date"
        lines += ["", f"scale {parts.scale.id}  {parts.scale.px_per_mm:.4f} px/mm, {due}"]
    lines.append("")
    for slot, recipe in zip(parts.slots, parts.recipes, strict=True):
        whence = f"from {recipe.path}" if recipe.path.is_file() else f"activated; {slot}.toml is not used"
        lines.append(f"recipe {recipe.recipe.name} revision {recipe.sha256[:12]}, {whence}")
    for name, passing in _passing(parts).items():
        lines += ["", f"recipe {name}: the worst single defect that passes"]
        lines += [f"  {row.label:10} {_in_words(row)}" for row in passing]
    return [*lines, "", *(f"warn  {warning}" for warning in warnings), "everything fits together"]


def _in_words(row: Leniency) -> str:
    if row.length_px is not None and isinf(row.length_px):
        return "ANY size, at any confidence"
    words = []
    if row.length_px is not None:
        size = f"{row.length_mm:.2f} mm" if row.length_mm is not None else f"{row.length_px:.0f} px"
        words.append(f"up to {size} long at full confidence")
    if row.score_any_size is not None:
        words.append(f"any size up to confidence {row.score_any_size:.2f}")
    return "; ".join(words) or "none"
