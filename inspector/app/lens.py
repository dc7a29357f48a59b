"""A station's camera in an engineer's hands: opened as its line would open it, while that does not run."""

from contextlib import AbstractContextManager
from typing import Annotated

import numpy as np
import typer

from inspector.app import plugins
from inspector.app.camera_link import running
from inspector.app.devices import camera_of
from inspector.app.parts import context_of, run_dir_of
from inspector.app.settings import Loaded
from inspector.domain.errors import BusyError, ConfigError
from inspector.domain.frame import Capture, Pixels
from inspector.pipeline.steady import open_camera
from inspector.ports.camera import Camera

Trigger = Annotated[
    str | None,
    typer.Option("--trigger", help="Expose in another manner than the station's: software, free or live."),
]
GRAB_S = 5.0


def free(loaded: Loaded) -> Loaded:
    """The same settings, if no line of theirs runs.

    Raises:
        BusyError: its line runs and has the camera.
    """
    if running(run_dir_of(loaded)):
        raise BusyError(
            f"the line of station {loaded.name} runs and has the camera; "
            f"systemctl stop inspector-line@{loaded.name} first"
        )
    return loaded


def opened(loaded: Loaded, trigger: str | None) -> AbstractContextManager[Camera]:
    """The station's camera, exposing in its own manner or another.

    Raises:
        ConfigError: its settings are wrong, or it has no trigger.
    """
    plugin, settings = camera_of(loaded)
    if trigger is not None:
        if "trigger" not in type(settings).model_fields:
            raise ConfigError(f"--trigger {trigger}: this kind of camera has no trigger; leave it out")
        table = {key: value for key, value in loaded.settings.camera.items() if key != "kind"}
        changed = {**table, "trigger": trigger}
        settings = plugins.settings(plugin, changed, origin=lambda _: "--trigger", prefix=("camera",))
    return open_camera(plugin, settings, context_of(loaded))


def take(camera: Camera, timeout_s: float = GRAB_S) -> Capture:
    """One picture, in a buffer of its own; for what is raised see the port."""
    info = camera.describe()
    shape = (info.height, info.width, info.pixel_format.channels)[: 2 + (info.pixel_format.channels > 1)]
    into: Pixels = np.zeros(shape, info.pixel_format.dtype)
    return camera.grab(into, timeout_s)
