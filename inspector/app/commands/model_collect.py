"""`inspector model collect`: lossless frames of the running line, to teach a model from."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from inspector.app import asking, collecting, options, service
from inspector.app.collecting import Wish
from inspector.app.exits import speaking_plainly
from inspector.domain.request import Answer, RequestState
from inspector.pipeline.collect import MOST_FRAMES


def collect(
    *,
    count: Annotated[int, typer.Option("--count", min=1, max=MOST_FRAMES, help="Frames to store, one a part.")] = 20,
    into: Annotated[
        Path | None, typer.Option("--into", help="New or empty folder [default: a new one below data_dir].")
    ] = None,
    every: Annotated[bool, typer.Option("--every-part", help="Of every part, not only of those that passed.")] = False,
    recipe: Annotated[str, typer.Option("--recipe", help="Only of parts that this recipe judged.")] = "",
    config: options.Config = None,
    station: options.StationName = None,
    as_json: options.Json = False,
) -> None:
    """Store lossless frames of a running line while it goes on judging; manifest.jsonl says what each of them shows.

    A frame that comes while the one before is being written is skipped and counted; no verdict waits. Ctrl-C takes
    the request back, and what is stored stays.

    Example: inspector model collect --station left --count 20
    """
    service.configure_logs()
    with speaking_plainly(), service.stop_on_signals() as stop:
        loaded = options.load(config, station)
        folder = into.absolute() if into is not None else collecting.default_folder(loaded)
        wish = Wish(count=count, folder=folder, every=every, recipe=recipe)
        last = collecting.collect(loaded, wish, stop=stop, tell=_tell)
        _tell(last)
        if as_json:
            told = {"state": last.state.value, "text": last.text, "folder": str(folder), **last.figures}
            sys.stdout.write(json.dumps(told) + "\n")
        elif last.state is RequestState.DONE:
            sys.stdout.write(f"{last.text}\nteach from them: inspector model teach --good {folder} --name NAME\n")
        else:
            sys.stderr.write(f"inspector: {last.state.value}: {last.text}\n")
        raise SystemExit(asking.ENDINGS[last.state])


def _tell(answer: Answer) -> None:
    figures = answer.figures
    if not figures:
        return
    line = f"{figures['stored']} of {figures['asked']} frames stored"
    if figures["skipped"]:
        line += f", {figures['skipped']} skipped: they came while one was being written"
    end = "\n" if answer.state.final or not sys.stderr.isatty() else ""
    sys.stderr.write(f"\r{line}{end}" if sys.stderr.isatty() else f"{line}{end}")
    sys.stderr.flush()


def register(app: typer.Typer) -> None:
    """Add the verb to ``inspector model``."""
    app.command("collect")(collect)
