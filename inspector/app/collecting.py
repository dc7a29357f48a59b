"""Asks a running line to collect frames."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inspector.app.asking import Errand, ask
from inspector.app.settings import Loaded
from inspector.domain.request import Answer
from inspector.pipeline.collect import COLLECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to collect: ``count`` frames into ``folder``; of ``every`` part, or of those that passed; "": any recipe."""

    count: int
    folder: Path
    every: bool
    recipe: str


def default_folder(loaded: Loaded) -> Path:
    """A new folder below data_dir, where the line may write."""
    return loaded.path("data_dir") / loaded.name / "collected" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def collect(loaded: Loaded, wish: Wish, *, stop: threading.Event, tell: Callable[[Answer], None]) -> Answer:
    """Ask, and wait for the last answer; ``tell`` is given each one before it. ``stop`` withdraws the request.

    Raises:
        ConfigError: the station has no book that this program reads.
        DeviceError: no line of this station runs, or it fell silent; the request is withdrawn then.
        JournalError: the book cannot be read or written.
    """
    content = {"count": wish.count, "folder": str(wish.folder), "every": wish.every, "recipe": wish.recipe}
    errand = Errand(
        kind=COLLECT, content=content, verb="model collect", purpose="frames are collected from a running line"
    )
    return ask(loaded, errand, stop=stop, tell=tell)
