"""Aravis against a fake camera by another hand: modern names, chunks, and a control that is taken away."""

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from inspector.app import plugins
from inspector.domain.errors import DeviceError
from inspector.pipeline.steady import open_camera
from inspector.ports.camera import Camera
from inspector.ports.plugin import Context
from tests.camera_outage import in_time
from tests.camera_peers import buffer_for, grab_until, grab_until_said, own_network
from tests.camera_table import VIVA

pytestmark = [
    pytest.mark.camera,
    pytest.mark.peer("aravis"),
    pytest.mark.peer("viva"),
    pytest.mark.xdist_group("cameras"),
]
CONTEXT = Context(station="s", data_dir="", run_dir="")


Shows = Callable[[str, str, str], None]


@pytest.fixture(scope="module")
def network() -> Iterator[None]:
    """One for all: the peer's threads stay in the network that they were born in."""
    with own_network():
        yield


@pytest.fixture
def peer(network: None) -> Iterator[Any]:
    """A camera of 640 x 480 px in this very process, on the loopback of a network of its own."""
    testing = importlib.import_module("viva_genicam.testing")
    camera = testing.FakeGigeCamera(width=640, height=480, fps=20, bind_ip="127.0.0.1")
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()


def opened(**wanted: object) -> AbstractContextManager[Camera]:
    plugin = plugins.find("camera", "aravis", where="here", key="camera")
    values = {"address": "127.0.0.1", "trigger": "free", "exposure_us": 5000.0, "silent_s": 5.0, **wanted}
    return open_camera(plugin, plugin.settings_model(**values), CONTEXT)


def test_each_frame_tells_its_own_exposure_in_a_chunk(peer: Any, shows: Shows) -> None:
    with opened() as camera:
        feed = camera._feed  # type: ignore[attr-defined]
        told = [delivery.exposure_us for delivery in (feed.next(10.0) for _ in range(3)) if not delivery.fault]
        assert told
        assert set(told) == {5000.0}
        into = buffer_for(camera.describe())
        begun = time.monotonic()
        captures = [grab_until(camera, into)[0] for _ in range(10)]
        shows(VIVA, "fps", f"{10 / (time.monotonic() - begun):.0f} (640 x 480, 20 asked)")
        assert {capture.camera.exposure_us for capture in captures} == {5000.0}


def test_by_software_the_camera_counts_as_many_triggers_as_frames_were_asked_for(peer: Any, shows: Shows) -> None:
    shows(VIVA, "software", "one frame for each, counted by both")
    with opened(trigger="software") as camera:
        into = buffer_for(camera.describe())
        for _ in range(5):
            camera.grab(into, 10.0)
        assert peer.software_triggers() == 5


def test_by_its_default_settings_a_revoked_control_is_noticed_and_mended_in_time(
    peer: Any, tmp_path: Path, shows: Shows
) -> None:
    shows(VIVA, "lost", "control revoked")
    plugin = plugins.find("camera", "aravis", where="here", key="camera")
    settings = plugin.settings_model(address="127.0.0.1", trigger="software", exposure_us=5000.0)
    took = in_time(
        tmp_path, lambda: open_camera(plugin, settings, CONTEXT), lambda _camera: peer.revoke_control(), away_s=0.0
    )
    shows(VIVA, "lost", f"control revoked: {took}")


def test_a_control_that_was_taken_away_is_a_lost_camera_that_is_opened_anew(peer: Any) -> None:
    with opened() as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        peer.revoke_control()
        assert "lost: " in grab_until_said(camera, into, lambda error: error.lost)
        grab_until(camera, into)
        assert peer.controller() is not None


def test_a_modern_camera_is_set_by_its_modern_names(peer: Any) -> None:
    with opened(fps=10.0, pixel_format="Mono8", width=320, height=240) as camera:
        assert (camera.describe().width, camera.describe().height) == (320, 240)
        feed = camera._feed  # type: ignore[attr-defined]
        assert feed._native.get_float_feature_value("ExposureTime") == 5000.0
        assert feed._native.get_float_feature_value("AcquisitionFrameRate") == 10.0
        assert not feed._native.is_feature_available("ExposureTimeAbs")


def test_lost_packets_are_asked_for_again(peer: Any, shows: Shows) -> None:
    shows(VIVA, "packets", "asked for again, frame whole")
    testing = importlib.import_module("viva_genicam.testing")
    peer.stop()
    lossy = testing.FakeGigeCamera(
        width=640, height=480, fps=20, bind_ip="127.0.0.1", drop_packets=[(block, 7) for block in range(1, 200)]
    )
    lossy.start()
    try:
        with opened(resend=True) as camera:
            assert grab_until(camera, buffer_for(camera.describe()))[0].pixels.std() > 0
    finally:
        lossy.stop()


def test_a_camera_that_is_switched_off_is_lost(peer: Any) -> None:
    with opened() as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        peer.stop()
        grab_until_said(camera, into, lambda error: error.lost)
        with pytest.raises(DeviceError):
            camera.grab(into, 0.1)
