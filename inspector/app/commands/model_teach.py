"""`inspector model teach` and `release`: a model from pictures of good parts, and the word that lets a line run it."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inspector.app import options, service
from inspector.app.exits import speaking_plainly
from inspector.app.teach import package
from inspector.app.teach.package import Place
from inspector.app.teach.teaching import Order, Outcome, sentences
from inspector.app.teach.teaching import teach as teach_it
from inspector.domain.errors import ConfigError

_SHRINKS = {"auto": 0, "1": 1, "1/2": 2, "1/4": 4}
_NAME = re.compile(r"[A-Za-z0-9_-]+")

Models = Annotated[Path | None, typer.Option("--models", help="Folder of model packages [default: the station's].")]


def teach(  # noqa: PLR0913 - one option each
    *,
    good: Annotated[Path, typer.Option("--good", help="Folder with 5 to 50 pictures of different good parts.")],
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the new model and its recipe.")],
    bad: Annotated[
        Path | None, typer.Option("--bad", help="Folder with pictures of bad parts; one sub-folder for each name.")
    ] = None,
    promise: Annotated[
        float, typer.Option("--promise", min=0.001, max=0.5, help="Share of good parts that may be rejected.")
    ] = 0.05,
    scale: Annotated[str, typer.Option("--scale", help="Working scale: auto, 1, 1/2 or 1/4.")] = "auto",
    keep_odd: Annotated[bool, typer.Option("--keep-odd", help="Teach pictures that look odd as well.")] = False,
    models: Models = None,
    recipes: Annotated[
        Path | None, typer.Option("--recipes", help="Folder of recipes [default: the station's].")
    ] = None,
    config: options.Config = None,
    station: options.StationName = None,
    as_json: options.Json = False,
) -> None:
    """Teach an anomaly model from pictures of good parts; no labels, no training, no network.

    Writes a model package (a candidate until `inspector model release`) and a recipe of the same name. Pictures that
    cannot be used, and those that look odd among the others, are named.

    Example: inspector model teach --good good/ --bad bad/ --name bracket --station left
    """
    service.configure_logs()
    with speaking_plainly():
        if not _NAME.fullmatch(name):
            raise ConfigError(f"--name {name!r}: letters, digits, - and _ are right")
        if scale not in _SHRINKS:
            raise ConfigError(f"--scale {scale!r} is unknown; there are: {', '.join(_SHRINKS)}")
        place = Place(
            name=name,
            models=models or options.load(config, station).path("models_dir"),
            recipes=recipes or options.load(config, station).path("recipes_dir"),
        )
        order = Order(good=good, bad=bad, place=place, promise=promise, shrink=_SHRINKS[scale], keep_odd=keep_odd)
        _print(order, teach_it(order, _tell), as_json=as_json)


def release(
    name: Annotated[str, typer.Argument(help="Name of the candidate.")],
    *,
    key: Annotated[Path | None, typer.Option("--key", help="Private key: sign the released package.")] = None,
    models: Models = None,
    config: options.Config = None,
    station: options.StationName = None,
) -> None:
    """Release a candidate: from now on lines may run it.

    Example: inspector model release bracket --station left
    """
    with speaking_plainly():
        folder = (models or options.load(config, station).path("models_dir")) / name
        fresh = package.release(folder, key)
        sys.stdout.write(f"{name}: {'released' if fresh else 'was released before'}\n")


def register(app: typer.Typer) -> None:
    """Add the verbs to ``inspector model``."""
    app.command("teach")(teach)
    app.command("release")(release)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _print(order: Order, outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(_as_json(order, outcome)) + "\n")
        return
    lines = [f"taught {order.place.package} in {outcome.seconds:.1f} s", f"recipe {order.place.recipe}"]
    lines += [f"  {line}" for line in sentences(outcome)]
    lines.append(f"try it:     inspector inspect PICTURE --model {order.place.package} --recipe {order.place.recipe}")
    lines.append(f"release it: inspector model release {order.place.name}")
    sys.stdout.write("\n".join(lines) + "\n")


def _as_json(order: Order, outcome: Outcome) -> dict[str, Any]:
    lesson = outcome.lesson
    return {
        "package": str(order.place.package),
        "recipe": str(order.place.recipe),
        "seconds": round(outcome.seconds, 2),
        "working_scale": 1 / outcome.shrink,
        "scale_chosen": outcome.chosen,
        "taught": [str(path) for path in lesson.taught],
        "scores_over_limit": [round(score / lesson.limit.value, 4) for score in lesson.scores],
        "promise": lesson.limit.promise,
        "support": lesson.limit.support,
        "odd": [{"file": str(one.path), "times_typical": one.times, "chance": one.chance} for one in lesson.odd],
        "skipped": [{"file": str(one.path), "reason": one.reason} for one in (*lesson.skipped, *outcome.skipped_bad)],
        "bad": [{"label": one.label, "pictures": one.pictures, "above_limit": one.found} for one in outcome.tried],
        "names": None
        if outcome.names is None
        else {"labels": outcome.names.labels, "right": outcome.names.right, "tried": outcome.names.tried},
    }
