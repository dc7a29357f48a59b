"""`inspector recipe`: choose a threshold, try another recipe, teach it to find its part, give it back to its file."""

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from inspector.adapters import journal_sql
from inspector.app import options, reviewed
from inspector.app.commands import recipe_fixture, recipe_release, recipe_whatif
from inspector.app.exits import EX_FINDINGS, speaking_plainly
from inspector.app.parts import check_parts
from inspector.app.recipe_file import find_recipe, fit, load_recipe
from inspector.app.reviewed import Reviewed
from inspector.domain.recipe import Recipe
from inspector.domain.tuning import Price, Tuning, tune

app = typer.Typer(no_args_is_help=True, help="Recipes: what is good and what is not.")
app.command("what-if")(recipe_whatif.what_if_recipe)
app.command("release")(recipe_release.release_recipe)


@app.callback()
def root() -> None:
    """Work on recipes."""


app.command("fixture")(recipe_fixture.fixture)


@app.command("tune")
def tune_recipe(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Name of a shipped recipe, or a file.")] = "critical",
    reviews: Annotated[
        Path | None,
        typer.Option("--reviews", help="CSV of score, truth, sampling_probability [default: the station's journal]."),
    ] = None,
    alpha: Annotated[
        float, typer.Option("--alpha", min=0.0001, max=0.5, help="Highest share of bad parts that may escape.")
    ] = 0.008,
    confidence: Annotated[
        float, typer.Option("--confidence", min=0.5, max=0.9999, help="How sure the promise must be.")
    ] = 0.95,
    as_json: options.Json = False,
) -> None:
    """Choose the confidence from which a part is rejected, so that escapes stay under ALPHA; show its price.

    Exit 1 where the reviewed parts cannot prove it, with the number that would be needed. Nothing is changed.

    Example: inspector recipe tune --recipe critical --station left --alpha 0.008
    """
    with speaking_plainly():
        loaded = load_recipe(find_recipe(recipe))
        current = reviewed.current_threshold(loaded.recipe)
        if reviews is not None:
            parts = reviewed.from_table(reviews, current=current)
        else:
            parts = _from_station(config, station, recipe)
        answer = tune(parts.parts, alpha=alpha, confidence=confidence, current=current)
        if as_json:
            sys.stdout.write(json.dumps(_as_json(loaded.recipe, parts, answer, alpha, confidence)) + "\n")
        else:
            sys.stdout.write("\n".join(_as_text(loaded.recipe, parts, answer, alpha, confidence)) + "\n")
        raise SystemExit(EX_FINDINGS if answer.chosen is None else 0)


def _from_station(config: Path | None, station: str | None, recipe: str) -> Reviewed:
    parts = check_parts(options.load(config, station))
    loaded = load_recipe(find_recipe(recipe))
    fit(loaded, parts.card, parts.scale)
    with ExitStack() as stack:
        journal = stack.enter_context(
            journal_sql.open_journal(parts.journal, station=parts.loaded.name, read_only=True)
        )
        return reviewed.from_journal(
            journal, recipe=loaded.recipe, scale=parts.scale, model=(parts.card.sha256, parts.card.version)
        )


def _as_json(recipe: Recipe, parts: Reviewed, answer: Tuning, alpha: float, confidence: float) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "alpha": alpha,
        "confidence": confidence,
        "kept": answer.chosen is not None,
        "refusal": answer.refusal,
        "reviewed": {
            "good": sum(not part.bad for part in parts.parts),
            "bad": sum(part.bad for part in parts.parts),
            "let_pass": sum(part.let_pass for part in parts.parts),
            "bad_counted": round(answer.counted, 1),
            "bad_needed": answer.needed,
            "left_out": dict(parts.left_out),
        },
        "chosen": asdict(answer.chosen) if answer.chosen else None,
        "current": asdict(answer.current) if answer.current else None,
        "prices": [asdict(price) for price in answer.prices],
        "classes": _classes(recipe),
    }


def _classes(recipe: Recipe) -> list[str]:
    return [rule_id for rule_id, rule in recipe.class_rules() if rule.any_fails]


def _as_text(recipe: Recipe, parts: Reviewed, answer: Tuning, alpha: float, confidence: float) -> list[str]:
    bad, good = (sum(part.bad is truth for part in parts.parts) for truth in (True, False))
    passed = sum(part.let_pass for part in parts.parts)
    lines = [
        f"recipe {recipe.name}: {bad} bad and {good} good parts reviewed, {passed} of them let pass by the machine"
    ]
    lines += [f"  left out: {count} {reason}" for reason, count in parts.left_out.items()]
    if answer.current:
        lines += ["", "as it is", _row(answer.current, confidence)]
    if answer.chosen is None:
        return [*lines, "", f"refused: {answer.refusal}"]
    lines += [
        "",
        f"escapes <= {alpha:.2%} at {confidence:.0%} confidence",
        *(_row(p, confidence) for p in answer.prices),
    ]
    chosen = answer.chosen
    return [*lines, "", f"chosen: {chosen.threshold:g}", *_advice(recipe)]


def _advice(recipe: Recipe) -> tuple[str, ...]:
    return (
        "From this confidence on a part must not pass: set it as `doubt`, or as `confidence` where there is no doubt,",
        f"in {', '.join(_classes(recipe))}.",
        "It holds for parts like those reviewed; tune again after any change of model, camera or light.",
    )


def _row(price: Price, confidence: float) -> str:
    return (
        f"  from {price.threshold:5.3f}  {price.missed:4} of {price.bad} bad escape: {price.escapes:7.3%}, "
        f"at most {price.escapes_high:7.3%}   false rejects {price.false_rejects:7.3%} "
        f"({price.false_rejects_low:.2%} to {price.false_rejects_high:.2%} at {confidence:.0%}, {price.good} good)"
    )
