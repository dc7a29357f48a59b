"""`inspector demo`: watch a whole line."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from inspector.app import options, service
from inspector.app.demo import account, show
from inspector.app.demo.plant import Size, found
from inspector.app.demo.run import balances, run
from inspector.app.exits import EX_FINDINGS, speaking_plainly
from inspector.domain.errors import ConfigError


def demo(
    *,
    parts: Annotated[int, typer.Option("--parts", min=1, help="Parts until the summary.")] = 40,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of parts and spacing.")] = 1,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Where journal, pictures and logs go [default: a new temporary folder]."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Run a simulated plant: parts on a belt, a model, a PLC that ejects, a journal, MQTT. No hardware, no service.

    On a terminal the line runs on after the summary until Ctrl-C; otherwise, and with --json, it ends by itself.

    Example: inspector demo --parts 40
    """
    service.configure_logs()
    console = Console(stderr=as_json)
    endless = console.is_terminal and not as_json and sys.stdin.isatty()
    with speaking_plainly(), service.stop_on_signals() as stop:
        if folder is not None and folder.is_dir() and any(folder.iterdir()):
            raise ConfigError(
                f"--dir {folder}: is not empty; name a new folder, so that its figures are this run's only"
            )
        home = folder or Path(tempfile.mkdtemp(prefix="inspector-demo-"))
        plant = found(home.resolve(), Size(parts=0 if endless else parts, seed=seed))
        good = True
        with Live(console=console, refresh_per_second=4, transient=True) as screen:

            def tell(figures: dict[str, Any]) -> None:
                nonlocal good
                good = endless or balances(figures)
                if as_json:
                    return
                show.final(screen.console, account.summary(figures), good=good)
                if endless:
                    screen.console.print("The line runs on; Ctrl-C ends it.")

            figures = run(
                plant,
                parts=parts,
                endless=endless,
                stop=stop,
                look=lambda twin, status, received: screen.update(
                    show.live(twin, status, parts=parts, received=received)
                ),
                tell=tell,
            )
        if as_json:
            sys.stdout.write(json.dumps(figures) + "\n")
        raise SystemExit(0 if good else EX_FINDINGS)
