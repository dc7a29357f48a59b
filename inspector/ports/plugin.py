"""How a stranger's package adds a camera, gate, sink ...: an entry point that names a Plugin."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every plug-in may need to know of the station it is opened for.

    ``checksum``: 16 bits that change with any edit of its recipes, models or settings.
    """

    station: str
    data_dir: str
    run_dir: str
    topic_root: str = ""
    software: str = ""
    checksum: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCamera:
    """One camera that a library sees. ``setting``: the line of TOML that names it; "" where no setting does."""

    model: str
    serial: str
    setting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """``settings_model``: a pydantic model class (frozen, extra="forbid"), instantiated by the app from TOML.

    ``open(settings, context)`` gives a context manager of the port's object: what is opened is closed by
    ``with``, and ends safe. For runtimes and decoders ``open(settings, context, card)``.
    ``vendor``: the distribution, as the package index names it, whose version decides how the plug-in does its work.
    ``replayable``: of a sink: whether a replay goes to it unless it is named (not to a file that has it all).
    ``feeds``: of a camera: ``open`` gives a Feed (``ports/feed.py``), of which the line makes a Camera.
    ``tracks``: of a gate: ``open`` gives a FieldIo (``ports/field_io.py``), of which the line makes a Gate.
    ``find``: of a camera: names every camera that this library can see now, for people; it may ask the whole network.
    """

    settings_model: Any
    open: Callable[..., AbstractContextManager[Any]]
    replayable: bool = True
    vendor: str = ""
    feeds: bool = False
    tracks: bool = False
    find: Callable[[], Sequence[FoundCamera]] | None = None
