"""Basler's library against its own emulator."""

import time
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from inspector.app import plugins
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.pipeline.preprocess import picture
from inspector.pipeline.steady import open_camera
from inspector.ports.camera import Camera
from inspector.ports.model import InputSpec
from inspector.ports.plugin import Context, Plugin
from tests.camera_outage import in_time
from tests.camera_peers import HEIGHT, WIDTH, buffer_for, grab_until, grab_until_said
from tests.camera_table import PYLON
from tests.fakes import wait_until

pytestmark = [pytest.mark.camera, pytest.mark.peer("pylon"), pytest.mark.xdist_group("cameras")]
CONTEXT = Context(station="s", data_dir="", run_dir="")
SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "camera_pylon.toml"
Shows = Callable[[str, str, str], None]
SMALL = {"width": 640, "height": 480}


def plugin() -> Plugin:
    return plugins.find("camera", "pylon", where="here", key="camera")


def settings_of(**values: object) -> BaseModel:
    model: type[BaseModel] = plugin().settings_model
    return model(**values)


def opened(**wanted: object) -> AbstractContextManager[Camera]:
    values = {"emulated": True, "trigger": "free", "fps": 20.0, "silent_s": 10.0, **SMALL, **wanted}
    return open_camera(plugin(), settings_of(**values), CONTEXT)


def feed_of(camera: Camera) -> Any:
    return camera._feed  # type: ignore[attr-defined]


def node(camera: Camera, name: str) -> Any:
    return feed_of(camera)._camera.GetNodeMap().GetNode(name)


@pytest.fixture
def mosaics(tmp_path: Path) -> tuple[Path, list[np.ndarray[Any, np.dtype[np.uint8]]]]:
    """Two raw mosaics of twelve megapixels in grey files, as a defect may be replayed."""
    random = np.random.default_rng(7)
    pictures = [random.integers(0, 256, (HEIGHT, WIDTH), np.uint8) for _ in range(2)]
    for number, mosaic in enumerate(pictures):
        assert cv2.imwrite(str(tmp_path / f"{number}.bmp"), mosaic)
    return tmp_path, pictures


def replaying(folder: Path) -> dict[str, object]:
    return {"TestImageSelector": "Off", "ImageFilename": str(folder), "ImageFileMode": "On"}


@pytest.mark.parametrize(
    ("wire", "wanted", "delivered"),
    [
        ("Mono8", {}, PixelFormat.MONO8),
        ("BayerRG8", {}, PixelFormat.BAYER_RG8),
        ("RGB8", {}, PixelFormat.BGR8),
        ("Mono12", {"window": (0, 4095)}, PixelFormat.MONO8),
        ("BayerGB12", {"window": (0, 4095)}, PixelFormat.BAYER_GB8),
    ],
)
def test_twelve_megapixels_come_in_order_in_every_format(
    wire: str, wanted: dict[str, object], delivered: PixelFormat
) -> None:
    with opened(width=WIDTH, height=HEIGHT, pixel_format=wire, fps=5.0, exposure_us=1000.0, **wanted) as camera:
        info = camera.describe()
        assert (info.width, info.height, info.pixel_format) == (WIDTH, HEIGHT, delivered)
        into = buffer_for(info)
        captures = [grab_until(camera, into)[0] for _ in range(3)]
    numbers = [capture.frame_no for capture in captures]
    assert numbers == sorted(set(numbers))
    assert captures[0].camera.exposure_us == 1000.0
    assert captures[0].device_timestamp_ns is None, "the emulator's clock stands at 0"
    assert captures[0].camera.serial.startswith("0815-")
    assert into.std() > 0


def test_its_rate_at_twelve_megapixels_is_told(shows: Shows) -> None:
    with opened(width=WIDTH, height=HEIGHT, fps=100.0) as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        begun = time.monotonic()
        for _ in range(10):
            grab_until(camera, into)
        rate = 10 / (time.monotonic() - begun)
    shows(PYLON, "fps", f"{rate:.0f} ({WIDTH} x {HEIGHT}, 100 asked)")


def test_pictures_are_replayed_bit_for_bit_as_a_mosaic_one_for_each_trigger(
    mosaics: tuple[Path, list[np.ndarray[Any, np.dtype[np.uint8]]]], shows: Shows
) -> None:
    shows(PYLON, "software", "one frame for each, replayed bit for bit")
    folder, pictures = mosaics
    wanted = {"width": WIDTH, "height": HEIGHT, "pixel_format": "BayerRG8", "trigger": "software"}
    with opened(**wanted, features=replaying(folder)) as camera:
        into = buffer_for(camera.describe())
        for number in range(3):
            called_at = time.monotonic()
            capture = camera.grab(into, 20.0)
            assert (capture.pixels == pictures[number % 2]).all()
            assert capture.pixel_format is PixelFormat.BAYER_RG8
            assert capture.taken_at >= called_at


def test_a_picture_that_cannot_be_read_is_one_torn_frame(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with (
        opened(features=replaying(tmp_path), trigger="software") as camera,
        pytest.raises(FrameError, match="a torn frame"),
    ):
        camera.grab(buffer_for(camera.describe()), 10.0)


def test_failed_buffers_are_torn_frames_with_a_number_each(shows: Shows) -> None:
    shows(PYLON, "bad", "failed buffers, unreadable picture: torn frames, each told")
    with opened() as camera:
        into = buffer_for(camera.describe())
        numbers = [grab_until(camera, into)[0].frame_no]
        node(camera, "ForceFailedBufferCount").SetValue(3)
        node(camera, "ForceFailedBuffer").Execute()
        torn = 0
        while torn < 3 or len(numbers) < 6:
            try:
                numbers.append(camera.grab(into, 10.0).frame_no)
            except FrameError as error:
                torn += "incompletely grabbed" in str(error)
                numbers.append(error.frame_no)
    assert torn == 3
    assert numbers == sorted(set(numbers))


def test_a_wire_that_nobody_pulses_is_no_lost_camera() -> None:
    with (
        opened(trigger="line", line="Line1", fps=None) as camera,
        pytest.raises(DeviceError, match="does the wire trigger it") as said,
    ):
        camera.grab(buffer_for(camera.describe()), 0.3)
    assert not said.value.lost


@pytest.mark.parametrize("trigger", ["free", "software", "line"])
def test_a_removed_camera_is_lost_at_once_though_frames_still_come_and_is_opened_anew(
    trigger: str,
) -> None:
    with opened(trigger=trigger) as camera:
        into = buffer_for(camera.describe())
        feed = feed_of(camera)
        node(camera, "FirePnPCallback").Execute()
        said = grab_until_said(camera, into, lambda error: error.lost)
        assert "unplugged" in said
        assert wait_until(lambda: feed_of(camera) not in {feed, None})
        if trigger != "line":
            assert grab_until(camera, into)[0].pixels.shape == (480, 640)


def test_by_its_default_settings_a_removal_is_noticed_and_mended_in_time(tmp_path: Path, shows: Shows) -> None:
    shows(PYLON, "lost", "removed")
    settings = settings_of(emulated=True, trigger="software", **SMALL)
    took = in_time(
        tmp_path,
        lambda: open_camera(plugin(), settings, CONTEXT),
        lambda camera: node(camera, "FirePnPCallback").Execute(),
        away_s=0.0,
    )
    shows(PYLON, "lost", f"removed: {took}")


def test_a_stream_that_pylon_ended_is_a_lost_camera_also_where_a_wire_triggers() -> None:
    with opened(trigger="line", line="Line1", fps=None) as camera:
        feed = feed_of(camera)
        feed._camera.StopGrabbing()
        into = buffer_for(camera.describe())
        assert "its stream has ended" in grab_until_said(camera, into, lambda error: error.lost)
        assert wait_until(lambda: feed_of(camera) not in {feed, None})


def test_live_gives_the_frame_nearest_to_the_moment_of_asking() -> None:
    with opened(trigger="live") as camera:
        into = buffer_for(camera.describe())
        for _ in range(5):
            called_at = time.monotonic()
            capture = camera.grab(into, 10.0)
            assert capture.frame_no is None
            assert capture.taken_at >= called_at - 0.1


def test_the_size_of_its_packets_is_set() -> None:
    with opened(packet_size=9000) as camera:
        assert node(camera, "GevSCPSPacketSize").GetValue() == 9000


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"width": 9000}, "Width = 9000 is refused (1 to 4096 would be right)"),
        ({"trigger": "line", "line": "Line7"}, "camera.line = 'Line7': it has not got it; it has Software"),
        (
            {"pixel_format": "BayerRG14", "window": (0, 9)},
            "camera.pixel_format = 'BayerRG14': it has not got it; it has ",
        ),
        ({"emulated": False, "serial": "123"}, "cannot be opened (is it on, plugged in, and free of other programs?)"),
        ({"features": {"Blacklevel": 3}}, "it has no feature 'Blacklevel'"),
        ({"features": {"TestImageSelector": "Parrot"}}, "TestImageSelector = 'Parrot' is refused (Off, Testimage1"),
    ],
)
def test_a_wrong_setting_names_itself_and_what_would_be_right(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(DeviceError) as said, opened(**wrong):
        pass
    assert says in str(said.value)


def test_a_mosaic_of_more_than_8_bits_shows_what_one_of_8_bits_shows() -> None:
    def shown(pixel_format: str, window: tuple[int, int] | None) -> Any:
        wanted = {"pixel_format": pixel_format, "window": window, "features": {"TestImageSelector": "Testimage1"}}
        with opened(**wanted) as camera:
            into = buffer_for(camera.describe())
            grab_until(camera, into)
        return into.astype(int)

    plain = shown("BayerRG8", None)
    for pixel_format, top in (("BayerRG10", 1023), ("BayerRG12", 4095), ("BayerRG16", 65535)):
        assert abs(shown(pixel_format, (0, top)) - plain).max() <= 1


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 1)])
def test_the_colours_of_a_mosaic_are_those_that_pylon_makes_of_it(place: tuple[int, int]) -> None:
    """One of red, green, blue is lit: BayerRG8 is red, green in the first row, and green, blue in the second."""
    plugin()  # imports the library in the way that it bears
    from pypylon import pylon

    mosaic = np.zeros((16, 16), np.uint8)
    mosaic[place[0] :: 2, place[1] :: 2] = 200
    image, converter = pylon.PylonImage(), pylon.ImageFormatConverter()
    image.AttachArray(mosaic, pylon.PixelType_BayerRG8)
    converter.OutputPixelFormat = pylon.PixelType_BGR8packed
    theirs = converter.Convert(image).GetArray()[8, 8]
    spec = InputSpec(name="image", dtype="float32", layout="NCHW", channels=3, multiple=1, colour="bgr")
    ours = picture(mosaic, PixelFormat.BAYER_RG8, spec)[8, 8]
    assert int(ours.argmax()) == int(theirs.argmax())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"serial": "1"}, "one of them"),
        ({"pixel_format": "BayerRG12"}, "needs a window"),
        ({"pixel_format": "Mono7"}, "is not read; Mono8, "),
        ({"pixel_format": "Mono10p", "window": (0, 9), "width": 642, "height": 480}, "multiples of 4"),
        ({"emulated": False}, "one of them"),
        ({"width": 640}, "set both or none"),
        ({"window": (0, 100)}, "has 8 bits"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings_of(**{"emulated": True, **wrong})


def test_the_sample_explains_every_setting() -> None:
    text = SAMPLE.read_text()
    table = tomllib.loads(text)["camera"]
    assert table.pop("kind") == "pylon"
    settings = settings_of(**table)
    assert all(f"\n{name} =" in text or f"\n# {name} =" in text for name in type(settings).model_fields)
