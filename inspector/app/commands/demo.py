"""`inspector demo`: watch a whole line."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from inspector.app import options, service
from inspector.app.demo import account, show
from inspector.app.demo.crew import Crew
from inspector.app.demo.plant import Plant, Size, found
from inspector.app.demo.run import Audience, balances, run
from inspector.app.exits import EX_FINDINGS, speaking_plainly
from inspector.app.first_admin import FIRST_ADMIN
from inspector.domain.errors import ConfigError
from inspector.twin.settings import TwinSettings

EX_INTERRUPTED = 130
_SHOW_CURSOR = b"\x1b[?25h\n"


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
    The exit code is 0 if the final account balances, else 1; 130 if it was ended before the first part.

    Example: inspector demo --parts 40
    """
    service.configure_logs()
    console = Console(stderr=as_json)
    endless = console.is_terminal and not as_json and sys.stdin.isatty()
    size = Size(parts=0 if endless else parts, seed=seed)
    with speaking_plainly():
        plant = _plant(folder, size)
        crew = Crew(plant)

        def insist() -> None:
            crew.kill()
            if console.is_terminal:
                os.write(console.file.fileno(), _SHOW_CURSOR)

        with service.stop_on_signals(insist=insist) as stop, _watching(console, size, parts=parts) as audience:
            figures = run(plant, crew, parts=parts, endless=endless, stop=stop, audience=audience)
        if figures is None:
            sys.stderr.write("inspector: demo: ended before the first part; there is no account\n")
            raise SystemExit(EX_INTERRUPTED)
        good = balances(figures)
        if as_json:
            sys.stdout.write(json.dumps(figures) + "\n")
        else:
            show.final(console, account.summary(figures), good=good)
        raise SystemExit(0 if good else EX_FINDINGS)


def _plant(folder: Path | None, size: Size) -> Plant:
    """The demonstration's files, in a folder that only it uses."""
    try:
        if folder is not None and folder.is_dir() and any(folder.iterdir()):
            raise ConfigError(
                f"--dir {folder}: is not empty; name a new folder, so that its figures are this run's only"
            )
        return found((folder or Path(tempfile.mkdtemp(prefix="inspector-demo-"))).resolve(), size)
    except OSError as error:
        where = f"--dir {folder}" if folder else f"temporary folder {tempfile.gettempdir()}"
        raise ConfigError(
            f"{where}: cannot be made: {error.strerror or error}; name a folder that can be written"
            + ("" if folder else " with --dir")
        ) from error


def _say_station(address: str, password: str) -> None:
    _say(f"inspector demo: operators' station at {address}, sign in as {FIRST_ADMIN} with password {password}\n")


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


@contextmanager
def _watching(console: Console, size: Size, *, parts: int) -> Iterator[Audience]:
    """A live picture on a terminal, else a line now and then on stderr."""
    if not console.is_terminal:
        words = show.Words(
            parts=parts,
            scenes_mb=size.pool * size.width * size.height >> 20,
            cache=TwinSettings(width=size.width, height=size.height).cache,
            say=_say,
        )
        yield Audience(look=words.look, so_far=lambda _: None, ending=lambda: None, station=_say_station)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as screen:

        def look(twin: dict[str, Any], status: dict[str, Any], received: int) -> None:
            screen.update(show.live(twin, status, parts=parts, received=received, columns=console.width))

        def so_far(figures: dict[str, Any]) -> None:
            right = figures["wrong_ejections"] == figures["missed_ejections"] == 0
            show.final(screen.console, account.so_far(figures), good=right)
            screen.console.print("The line runs on; Ctrl-C ends it.")

        def ending() -> None:
            screen.console.print("Ending in order (up to 20 s); Ctrl-C again kills.")

        def station(address: str, password: str) -> None:
            screen.console.print(
                f"Operators' station: {address}\n  name      {FIRST_ADMIN}\n  password  {password}", soft_wrap=True
            )

        yield Audience(look=look, so_far=so_far, ending=ending, station=station)
