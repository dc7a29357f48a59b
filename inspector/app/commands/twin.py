"""`inspector twin`: a simulated line to commission and test against."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from inspector.app import options, service, toml_file
from inspector.app.exits import EX_FINDINGS, speaking_plainly
from inspector.app.recipe_file import load_recipe
from inspector.twin import faults
from inspector.twin.pool import Progress
from inspector.twin.run import run_twin
from inspector.twin.settings import TwinSettings


def twin(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    parts: Annotated[int | None, typer.Option("--parts", min=0, help="Parts to run; 0: endless.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of scenes and spacing.")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", help=f"Commit this fault, repeatable: {faults.GRAMMAR}. See --list-faults."),
    ] = None,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Explain every fault, and end.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Folder for twin.json and twin_report.json.")] = None,
    as_json: options.Json = False,
) -> None:
    """Run the simulated line of a station: belt, light gate, camera ring, PLC and ejector.

    The station's [twin] table sets speed, spacing, defect rate, frame size and ports.

    Example: inspector twin --station twin --parts 100 --seed 7 --fault trigger-lost@12 --fault belt-stop@5s:2
    """
    if list_faults:
        sys.stdout.write(faults.table() + "\n")
        raise SystemExit(0)
    service.configure_logs()
    with speaking_plainly(), service.stop_on_signals() as stop:
        loaded = options.load(config, station)
        table = dict(loaded.settings.twin)
        if fault:
            table["faults"] = [*table.get("faults", ()), *fault]
        table |= {key: value for key, value in (("parts", parts), ("seed", seed)) if value is not None}
        settings = toml_file.validate(TwinSettings, table, origin=loaded.origin, prefix=("twin",))
        recipe = load_recipe(loaded.path("recipes_dir") / f"{loaded.settings.station.recipe}.toml").recipe
        folder = report or loaded.path("run_dir") / loaded.name
        account = run_twin(settings, recipe, report_dir=folder, stop=stop, on_progress=_announcer(settings))
        figures = account.figures()
        if as_json:
            sys.stdout.write(json.dumps(figures) + "\n")
        else:
            sys.stdout.write("\n".join(f"{key:18} {value}" for key, value in figures.items()) + "\n")
        raise SystemExit(EX_FINDINGS if account.wrong_ejections or account.missed_ejections else 0)


def _announcer(settings: TwinSettings) -> Progress:
    """Says once, before it begins, that scenes are rendered and what they take."""
    said = False

    def progress(ready: int, asked: int) -> None:
        nonlocal said
        if ready < asked and not said:
            size_mb = (asked - ready) * settings.width * settings.height / 2**20
            sys.stderr.write(f"rendering {asked - ready} scenes, once ({size_mb:.0f} MB in {settings.cache})\n")
        said = True

    return progress
