"""What every camera promises, whatever gives its pictures."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.adapters import camera_folder, camera_opencv, camera_twin
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.ports.camera import Camera, CameraInfo
from inspector.ports.plugin import Context, Plugin
from inspector.twin.ring import open_ring

CONTEXT = Context(station="s", data_dir="", run_dir="")
FRAMES = 3
Opener = Callable[[], AbstractContextManager[Camera]]


def pictures() -> list[Pixels]:
    return [np.full((256, 320), 40 * n + 20, np.uint8) for n in range(FRAMES)]


def open_plugin(plugin: Plugin, **settings: object) -> AbstractContextManager[Camera]:
    return plugin.open(plugin.settings_model(**settings), CONTEXT)


@contextmanager
def folder(tmp_path: Path, mode: str) -> Iterator[Camera]:
    for number, picture in enumerate(pictures()):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    with open_plugin(camera_folder.PLUGIN, path=tmp_path, mode=mode) as camera:
        yield camera


@contextmanager
def watched(tmp_path: Path) -> Iterator[Camera]:
    wanted = {"path": tmp_path, "mode": "watch", "width": 320, "height": 256, "pixel_format": "Mono8"}
    with open_plugin(camera_folder.PLUGIN, **wanted) as camera:
        for number, picture in enumerate(pictures()):
            cv2.imwrite(str(tmp_path / f".{number}.png"), picture)
            (tmp_path / f".{number}.png").rename(tmp_path / f"{number}.png")
        yield camera


@contextmanager
def video(tmp_path: Path, pixel_format: str) -> Iterator[Camera]:
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (320, 256))
    for picture in pictures():
        writer.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    writer.release()
    with open_plugin(camera_opencv.PLUGIN, source=str(path), pixel_format=pixel_format) as camera:
        yield camera


@contextmanager
def ring(tmp_path: Path) -> Iterator[Camera]:
    name = f"contract-{os.getpid()}-{tmp_path.name}"[:64]
    with (
        open_ring(name, slots=8, width=320, height=256) as writer,
        open_plugin(camera_twin.PLUGIN, ring=name) as camera,
    ):
        for number, picture in enumerate(pictures()):
            writer.write(picture, taken_at=1000.0 + number, part_seq=7)
        yield camera


CAMERAS: dict[str, Callable[[Path], AbstractContextManager[Camera]]] = {
    "folder once": lambda tmp_path: folder(tmp_path, "once"),
    "folder loop": lambda tmp_path: folder(tmp_path, "loop"),
    "folder watch": watched,
    "opencv colour file": lambda tmp_path: video(tmp_path, "BGR8"),
    "opencv grey file": lambda tmp_path: video(tmp_path, "Mono8"),
    "twin": ring,
}


@pytest.fixture(params=CAMERAS)
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Camera]:
    with CAMERAS[request.param](tmp_path) as opened:
        yield opened


def new_buffer(info: CameraInfo) -> Pixels:
    shape = (info.height, info.width, 3) if info.pixel_format is PixelFormat.BGR8 else (info.height, info.width)
    return np.zeros(shape, info.pixel_format.dtype)


def test_a_capture_is_a_read_only_view_of_the_lent_buffer(camera: Camera) -> None:
    info = camera.describe()
    into = new_buffer(info)
    capture = camera.grab(into, 5.0)
    assert np.shares_memory(capture.pixels, into)
    assert not capture.pixels.flags.writeable
    assert into.flags.writeable
    assert (capture.pixels.shape, capture.pixels.dtype) == (into.shape, info.pixel_format.dtype)
    assert capture.pixel_format is info.pixel_format
    assert capture.camera.serial == info.serial


def test_frames_come_in_order_each_once_and_stay_as_they_were(camera: Camera) -> None:
    info = camera.describe()
    captures = [camera.grab(new_buffer(info), 5.0) for _ in range(FRAMES)]
    levels = [int(np.median(capture.pixels)) for capture in captures]
    assert all(abs(level - (40 * n + 20)) <= 2 for n, level in enumerate(levels))
    assert [capture.taken_at for capture in captures] == sorted(capture.taken_at for capture in captures)


def test_a_frame_has_a_number_exactly_where_the_camera_counts(camera: Camera) -> None:
    info = camera.describe()
    numbers = [camera.grab(new_buffer(info), 5.0).frame_no for _ in range(FRAMES)]
    assert numbers == ([1, 2, 3] if info.counts_frames else [None] * FRAMES)


def test_the_time_for_the_record_is_utc(camera: Camera) -> None:
    assert camera.grab(new_buffer(camera.describe()), 5.0).taken_utc.utcoffset() == timedelta(0)


def test_what_it_describes_does_not_change_by_grabbing(camera: Camera) -> None:
    before = camera.describe()
    camera.grab(new_buffer(before), 5.0)
    assert camera.describe() == before


def test_after_the_last_frame_a_device_error_says_whether_to_try_again(
    request: pytest.FixtureRequest, camera: Camera
) -> None:
    into = new_buffer(camera.describe())
    for _ in range(FRAMES):
        camera.grab(into, 5.0)
    if "folder loop" in request.node.name:
        assert int(np.median(camera.grab(into, 5.0).pixels)) == 20
        return
    with pytest.raises(DeviceError) as said:
        camera.grab(into, 0.0)
    assert said.value.retry == camera.describe().paced
    assert not said.value.lost, "it is well, it has nothing to give"


def test_a_paced_camera_forgets_what_came_before_a_flush(camera: Camera) -> None:
    camera.flush()
    into = new_buffer(camera.describe())
    if camera.describe().paced:
        with pytest.raises(DeviceError):
            camera.grab(into, 0.0)
    else:
        assert abs(int(np.median(camera.grab(into, 5.0).pixels)) - 20) <= 2
