"""`inspector bench`: how fast is this PC?"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inspector.app import options, service
from inspector.app.bench import frames, loop, measure, table
from inspector.app.bench.turns import Tell
from inspector.app.exits import speaking_plainly
from inspector.app.model_package import load_card
from inspector.app.recipe_file import load_recipe
from inspector.app.share import share_dir
from inspector.domain.errors import ConfigError

_MOST_MP = 200.0
_LEAST_MP = 0.2


def bench(
    *,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="Model package [default: the shipped one].")
    ] = None,
    runtime: Annotated[
        list[str] | None, typer.Option("--runtime", help="Only this runtime; may be given again [default: all].")
    ] = None,
    count: Annotated[int, typer.Option("--frames", min=5, max=100_000, help="Frames for each runtime and size.")] = 60,
    megapixels: Annotated[str, typer.Option("--megapixels", help="Frame sizes.")] = "5,12,20",
    threads: Annotated[int, typer.Option("--threads", min=0, max=64, help="Threads; 0: one per core.")] = 0,
    whole_loop: Annotated[
        bool, typer.Option("--loop", help="Run the whole line on 12-megapixel parts: gate, book, pictures, memory.")
    ] = False,
    parts: Annotated[int, typer.Option("--parts", min=10, help="With --loop: parts.")] = 2000,
    rate: Annotated[float, typer.Option("--rate", min=0.0, help="With --loop: parts a second; 0: the highest.")] = 0.0,
    as_json: options.Json = False,
) -> None:
    """Measure this PC: every stage from pixels to verdict, by runtime and frame size, and what it costs to see much.

    Every runtime and size has a process of its own; they work in turn, one at a time, in one run, so that a busy
    neighbour meets all of them. A quiet PC is still needed for figures to quote: the load average stands beside each.

    Example: inspector bench --frames 100 --megapixels 5,12,20,50
    """
    service.configure_logs()
    console = Console()
    with speaking_plainly(), _telling(quiet=as_json) as tell, tempfile.TemporaryDirectory(prefix="inspector-") as work:
        folder = model or _shipped()
        if whole_loop:
            if model is not None:
                raise ConfigError("--model cannot be combined with --loop, which runs the model of the shipped recipe")
            kinds = tuple(runtime or ())
            if len(kinds) > 1:
                raise ConfigError("--loop runs one line: give --runtime once, or not at all for what a new station has")
            measure.installed(load_card(folder), kinds)
            width, height = frames.sides(12)
            order = loop.LoopOrder(
                model=folder, runtime="".join(kinds), parts=parts, rate=rate, width=width, height=height
            )
            with service.stop_on_signals() as stop:
                found = loop.run_loop(order, Path(work), stop, tell)
            show = table.show_loop
        else:
            sizes = _sizes(megapixels)
            found = measure.measure(
                measure.Order(
                    model=folder, runtimes=tuple(runtime or ()), megapixels=sizes, frames=count, threads=threads
                ),
                Path(work),
                tell,
            )
            show = table.show
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        show(console, found)


def _shipped() -> Path:
    """The package of the recipe that new stations start from."""
    share = share_dir()
    return share / "models" / load_recipe(share / "config" / "recipes" / "critical.toml").recipe.model


def _sizes(text: str) -> tuple[float, ...]:
    try:
        sizes = tuple(dict.fromkeys(float(word) for word in text.split(",")))
    except ValueError:
        sizes = ()
    if not sizes or not all(_LEAST_MP <= size <= _MOST_MP for size in sizes):
        raise ConfigError(f"--megapixels {text!r}: numbers from {_LEAST_MP:g} to {_MOST_MP:g} are right, as 5,12,20")
    return sizes


@contextmanager
def _telling(*, quiet: bool) -> Iterator[Tell]:
    """Says on standard error how far it is; on a terminal in one line that goes away."""
    screen = Console(stderr=True)
    if quiet or not screen.is_terminal:
        yield lambda _: None
        return
    with screen.status("measuring") as status:
        yield status.update
