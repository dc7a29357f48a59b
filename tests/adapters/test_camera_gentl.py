"""The GenTL way against a real producer: the one that comes with the GenICam libraries."""

import importlib
import time
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from inspector.app import plugins
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PixelFormat
from inspector.pipeline.steady import open_camera
from inspector.ports.camera import Camera
from inspector.ports.pixel_wire import unpacked, wire_format
from inspector.ports.plugin import Context, Plugin
from tests.camera_outage import in_time
from tests.camera_peers import buffer_for, grab_until, grab_until_said
from tests.camera_table import GENTL
from tests.fakes import wait_until

pytestmark = [pytest.mark.camera, pytest.mark.peer("gentl"), pytest.mark.xdist_group("cameras")]
CONTEXT = Context(station="s", data_dir="", run_dir="")
SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "camera_gentl.toml"
Shows = Callable[[str, str, str], None]
LARGEST = 800
"""Pixels a side: the peer has no more."""


def plugin() -> Plugin:
    return plugins.find("camera", "gentl", where="here", key="camera")


def settings_of(**values: object) -> BaseModel:
    model: type[BaseModel] = plugin().settings_model
    return model(**values)


def producer() -> Path:
    plugin()  # imports the library in the way that it bears
    return next(Path(importlib.import_module("genicam").__path__[0]).glob("*.cti"))


def opened(**wanted: object) -> AbstractContextManager[Camera]:
    size = {"width": LARGEST, "height": LARGEST}
    values = {"producer": producer(), "serial": "1", "trigger": "free", "fps": 20.0, "silent_s": 10.0, **size, **wanted}
    return open_camera(plugin(), settings_of(**values), CONTEXT)


def test_frames_come_in_order_at_the_peers_largest_size(shows: Shows) -> None:
    with opened() as camera:
        info = camera.describe()
        assert (info.width, info.height, info.pixel_format) == (LARGEST, LARGEST, PixelFormat.MONO8)
        assert (info.serial, info.counts_frames, info.paced) == ("1", True, True)
        into = buffer_for(info)
        begun = time.monotonic()
        captures = [grab_until(camera, into)[0] for _ in range(8)]
        shows(GENTL, "fps", f"{8 / (time.monotonic() - begun):.0f} ({LARGEST} x {LARGEST}, 20 asked)")
    numbers = [capture.frame_no for capture in captures]
    assert numbers == sorted(set(numbers))
    assert {one.device_timestamp_ns for one in captures} == {None}, "this producer tells no time of its camera"
    assert into.std() > 0
    assert [one.taken_at for one in captures] == sorted(one.taken_at for one in captures)


def test_live_gives_the_frame_nearest_to_the_moment_of_asking_not_one_that_waited() -> None:
    with opened(trigger="live") as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        begun = time.monotonic()
        assert wait_until(lambda: time.monotonic() > begun + 0.5), "frames pile up meanwhile"
        called_at = time.monotonic()
        assert camera.grab(into, 10.0).taken_at >= called_at - 0.1


def break_stream(camera: Camera) -> None:
    feed = camera._feed  # type: ignore[attr-defined]
    feed._acquirer.stop()
    feed._trouble = "its stream broke"


def test_by_its_default_settings_a_broken_stream_is_noticed_and_mended_in_time(tmp_path: Path, shows: Shows) -> None:
    shows(GENTL, "lost", "stream broken by hand")
    settings = settings_of(producer=producer(), serial="1", trigger="live", width=LARGEST, height=LARGEST)
    took = in_time(tmp_path, lambda: open_camera(plugin(), settings, CONTEXT), break_stream, away_s=0.0)
    shows(GENTL, "lost", f"stream broken by hand: {took}")


def test_a_stream_that_breaks_is_a_lost_camera_that_is_opened_anew() -> None:
    with opened() as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        break_stream(camera)
        _, said = grab_until(camera, into)
        assert any("lost: its stream broke" in one for one in said)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_an_unforeseen_error_ended_is_a_lost_camera_that_is_opened_anew() -> None:
    with opened() as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        feed = camera._feed  # type: ignore[attr-defined]
        feed._delivery = None  # not callable: what a bug in the reader would raise
        assert wait_until(lambda: not feed._reader.is_alive())
        said = grab_until_said(camera, into, lambda error: "nobody foresaw" in str(error))
        assert "lost: the thread that reads its frames ended" in said
        assert grab_until(camera, into)[0].pixels.shape == into.shape


def test_a_camera_that_another_opened_is_said_to_be_in_use() -> None:
    with opened(), pytest.raises(DeviceError, match="free of other programs"), opened():
        pass


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"width": 9000}, "Width = 9000 is refused (100 to 800 would be right)"),
        ({"pixel_format": "BayerRG8"}, "pixel_format = 'BayerRG8': it has not got it; it has RGBa8, Mono8"),
        ({"serial": "77"}, "is not there; the producer sees: 0, 1, 2. Is it on"),
        ({"trigger": "software"}, 'camera.trigger = "software": it has no trigger; "live" is right'),
        ({"exposure_us": 9.0}, "exposure_us = 9: it has none of ExposureTime, ExposureTimeAbs"),
        ({"producer": Path("/nowhere/x.cti")}, "there is no such file"),
    ],
)
def test_a_wrong_setting_names_itself_and_what_would_be_right(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(DeviceError) as said, opened(**wrong):
        pass
    assert says in str(said.value)


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValidationError, match="set both or none"):
        settings_of(producer=Path("x.cti"), serial="1", width=640)


def test_the_sample_explains_every_setting() -> None:
    text = SAMPLE.read_text()
    table = tomllib.loads(text)["camera"]
    assert table.pop("kind") == "gentl"
    settings = settings_of(**table)
    assert all(f"\n{name} =" in text or f"\n# {name} =" in text for name in type(settings).model_fields)


@pytest.mark.parametrize(
    "name",
    ["Mono10p", "Mono12p", "Mono10Packed", "Mono12Packed", "BayerRG10p", "BayerRG12p", "BayerGB12Packed"],
)
def test_our_unpacking_agrees_with_that_of_harvesters(name: str) -> None:
    plugin()  # imports the library in the way that it bears
    from harvesters.util.pfnc import Dictionary

    wire = wire_format(name)
    rows = np.random.default_rng(1).integers(0, 256, (6, wire.row_bytes(16)), np.uint8)
    theirs = Dictionary.get_proxy(symbolic=name).expand(rows.ravel()).reshape(6, 16)
    assert (unpacked(rows, wire, 16) == theirs & (1 << wire.bits) - 1).all()
