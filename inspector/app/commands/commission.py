"""`inspector commission`: what was tried on the line itself, by whom, and when."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from inspector.app import commissioning, options
from inspector.app.commissioning import Record, Seen
from inspector.app.exits import EX_FINDINGS, speaking_plainly

app = typer.Typer(no_args_is_help=True, help="What was tried on the line itself, by whom, and when.")


@app.callback()
def root() -> None:
    """Record and show what was tried on the line itself."""


@app.command()
def record(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    killed: Annotated[Seen, typer.Option("--killed", help="The line process was killed: what did the parts do?")],
    cable: Annotated[Seen, typer.Option("--cable", help="The module's cable was pulled: what did the parts do?")],
    by: Annotated[str, typer.Option("--by", help="Who made the trial.")],
    note: Annotated[str, typer.Option("--note", help="Anything else: how long it took, which relay.")] = "",
    as_json: options.Json = False,
) -> None:
    """Record that a dead process stops the belt or diverts the parts. It unlocks gate.tracking = "time" | "encoder".

    Try both on this line, with its settings of today and parts on the belt; any later change of [gate] or [ejector]
    locks it again.

    Example: inspector commission record --station left --killed stopped --cable stopped --by "A. Smith"
    """
    with speaking_plainly():
        loaded = options.load(config, station)
        _tell(
            commissioning.write(loaded, killed=killed, cable=cable, by=by, note=note, at=datetime.now(UTC)),
            as_json=as_json,
        )


@app.command()
def show(config: options.Config = None, station: options.StationName = None, *, as_json: options.Json = False) -> None:
    """Show the record, and whether it fits the settings; exit 1 without one where none is needed.

    Example: inspector commission show --station left
    """
    with speaking_plainly():
        loaded = options.load(config, station)
        commissioning.require(loaded)
        found = commissioning.read(loaded)
        if found is None:
            sys.stdout.write('no record, and none is needed: gate.tracking = "plc"\n')
            raise SystemExit(EX_FINDINGS)
        _tell(found, as_json=as_json)


def _tell(found: Record, *, as_json: bool) -> None:
    content = asdict(found)
    if as_json:
        sys.stdout.write(json.dumps(content) + "\n")
    else:
        sys.stdout.write("".join(f"{key:10} {value}\n" for key, value in content.items()))
