"""The command line: one verb a module in ``commands``."""

from typing import Annotated

import typer

from inspector import __version__
from inspector.app.commands import (
    bench,
    camera,
    check,
    commission,
    demo,
    doctor,
    follow,
    inspect,
    journal,
    line,
    listen,
    model,
    plc,
    recipe,
    twin,
    web,
)

app = typer.Typer(
    name="inspector",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Industrial quality inspection: one part in, one Inspection out, always.\n\n"
    "First steps:  inspector demo          watch a simulated line\n\n"
    "              inspector inspect A.png judge a picture\n\n"
    "              inspector check         is my configuration right?",
)


def _version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"inspector {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=lambda v: _version(asked=v), is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Set nothing up: every verb opens what it needs."""
    del version


app.command("demo")(demo.demo)
app.command("line")(line.line)
app.command("follow")(follow.follow)
app.command("twin")(twin.twin)
app.command("inspect")(inspect.inspect)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.command("listen")(listen.listen)
app.add_typer(journal.app, name="journal")
app.add_typer(camera.app, name="camera")
app.add_typer(plc.app, name="plc")
app.add_typer(commission.app, name="commission")
app.add_typer(recipe.app, name="recipe")
app.add_typer(model.app, name="model")
app.add_typer(web.app, name="web")


def main() -> None:
    """Entry point."""
    app()
