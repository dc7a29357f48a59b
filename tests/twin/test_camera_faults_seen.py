"""A simulated camera that hangs or tears is told by its pictures: nothing of them is the new part's."""

import os
import time

import numpy as np
import pytest

from inspector.adapters import camera_twin
from inspector.domain.frame import PixelFormat
from inspector.pipeline.sight import Glance, glance, stale_rows
from inspector.ports.plugin import Context
from inspector.twin.camera import open_camera
from inspector.twin.scenes import SceneSettings, render
from inspector.twin.settings import TwinSettings

WIDTH, HEIGHT = 640, 480
RING = f"inspector-faults-{os.getpid()}"


def told(faults: dict[str, float]) -> tuple[int, int] | None:
    """Which rows of the second part's picture are the first one's."""
    scenes = [render(seed, SceneSettings(width=WIDTH, height=HEIGHT)).pixels for seed in (1, 2)]
    settings = TwinSettings(width=WIDTH, height=HEIGHT, ring=RING)
    seen: list[Glance] = []
    with (
        open_camera(settings) as exposing,
        camera_twin.PLUGIN.open(
            camera_twin.CameraTwinSettings(ring=RING), Context(station="s", data_dir="", run_dir="")
        ) as camera,
    ):
        for number, (scene, wrong) in enumerate(zip(scenes, ({}, faults), strict=True), start=1):
            exposing.expose(scene, wrong, now=time.monotonic(), part_seq=number)
            exposing.deliver(time.monotonic() + 1)
            into = np.zeros((HEIGHT, WIDTH), np.uint8)
            camera.grab(into, 5.0)
            seen.append(glance(into, PixelFormat.MONO8))
    return stale_rows(seen[1], seen[0])


def test_a_good_picture_is_all_new() -> None:
    assert told({}) is None


@pytest.mark.parametrize(("fault", "first"), [("frame-frozen", 0), ("frame-torn", HEIGHT // 2)])
def test_what_is_the_picture_before_is_said_with_its_rows(fault: str, first: int) -> None:
    rows = told({fault: 1.0})
    assert rows is not None
    assert first <= rows[0] <= first + 64
    assert rows[1] >= HEIGHT - 64
