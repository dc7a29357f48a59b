"""`inspector recipe what-if`: which parts of the archive another recipe would have judged otherwise."""

import json
import sys
import time
from typing import Annotated, Any

import typer

from inspector.adapters import journal_sql
from inspector.app import options
from inspector.app.exits import speaking_plainly
from inspector.app.parts import check_parts
from inspector.app.recipe_file import find_recipe, fit, load_recipe
from inspector.domain.difference import difference
from inspector.domain.whatif import Flip, WhatIf, what_if

_LISTED = 20


def what_if_recipe(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Name of a shipped recipe, or a file.")],
    parts: Annotated[int, typer.Option("--parts", min=1, help="How many of the newest parts.")] = 10_000,
    as_json: options.Json = False,
) -> None:
    """Judge the newest parts of the journal again by another recipe; show what it would change. Nothing is changed.

    Answered from the stored detections, without pictures; parts that no recipe judged (late, missed) are left out.

    Example: inspector recipe what-if --station left --recipe /etc/inspector/recipes/critical-2.toml
    """
    with speaking_plainly():
        station_parts = check_parts(options.load(config, station))
        candidate = load_recipe(find_recipe(recipe))
        fit(candidate, station_parts.card, station_parts.scale)
        started = time.perf_counter()
        with journal_sql.open_for_people(
            station_parts.journal, station=station_parts.loaded.name, read_only=True
        ) as book:
            found = what_if(candidate.recipe, book.archive.judged(parts), station_parts.scale)
        took = time.perf_counter() - started
        if as_json:
            sys.stdout.write(json.dumps(_as_json(candidate.recipe.name, found)) + "\n")
            return
        current = station_parts.recipes[0].recipe
        for change in difference(current, candidate.recipe):
            sys.stdout.write(f"{change.key:34} {change.before or '-':>12} -> {change.after or '-'}\n")
        sys.stdout.write(f"\n{found.parts} parts judged again in {took:.1f} s, {found.left_out} left out\n")
        for (was, now), many in sorted(found.moved.items()):
            sys.stdout.write(f"  {was.name:9} -> {now.name:9} {many:8}\n")
        for flip in found.flips[:_LISTED]:
            sys.stdout.write(f"  {_line(flip)}\n")
        if len(found.flips) > _LISTED:
            sys.stdout.write(f"  and {len(found.flips) - _LISTED} more: --json lists all\n")


def _line(flip: Flip) -> str:
    part = flip.part.part
    name = part.serial or f"{part.series}/{part.part_seq}"
    return f"{name}: {flip.part.outcome.name} -> {flip.now.outcome.name}: {flip.now.reason}"


def _as_json(recipe: str, found: WhatIf) -> dict[str, Any]:
    return {
        "recipe": recipe,
        "parts": found.parts,
        "left_out": found.left_out,
        "moved": {f"{was.name}>{now.name}": many for (was, now), many in sorted(found.moved.items())},
        "flips": [
            {
                "result_id": str(flip.part.result_id),
                "series": flip.part.part.series,
                "part_seq": flip.part.part.part_seq,
                "serial": flip.part.part.serial,
                "was": flip.part.outcome.name,
                "now": flip.now.outcome.name,
                "reason": flip.now.reason,
            }
            for flip in found.flips
        ],
    }
