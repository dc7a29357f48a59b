"""Cameras that OpenCV opens: a video file frame by frame, a live source by its newest frame."""

import contextlib
import http.server
import os
import re
import socket
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from inspector.adapters.camera_opencv import PLUGIN, CameraOpencvSettings
from inspector.adapters.camera_opencv.stream import Stream
from inspector.domain.errors import ConfigError, DeviceError, FrameError
from inspector.domain.frame import Capture, PixelFormat, Pixels
from inspector.ports.camera import Camera, SelfWatching
from inspector.ports.plugin import Context
from tests.camera_peers import grab_until
from tests.fakes import wait_until

CONTEXT = Context(station="s", data_dir="", run_dir="")
SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "camera_opencv.toml"


def values() -> list[int]:
    return [20 * n + 10 for n in range(10)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "parts.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (160, 120))
    assert writer.isOpened()
    for value in values():
        writer.write(np.full((120, 160, 3), value, np.uint8))
    writer.release()
    return path


@contextmanager
def opened(source: object, **wanted: object) -> Iterator[Camera]:
    with PLUGIN.open(CameraOpencvSettings(source=str(source), **wanted), CONTEXT) as camera:
        yield camera


def test_every_frame_of_a_file_comes_in_order_and_then_it_ends(video: Path) -> None:
    into = np.empty((120, 160, 3), np.uint8)
    with opened(video) as camera:
        assert (camera.describe().width, camera.describe().height) == (160, 120)
        for number, value in enumerate(values(), 1):
            capture = camera.grab(into, 1.0)
            assert capture.frame_no is None, "it is read on demand: its count says nothing of parts"
            assert capture.source.endswith(f"#{number}")
            assert abs(int(np.median(capture.pixels)) - value) <= 2
        with pytest.raises(DeviceError, match=r"file read, 10 frame\(s\) of 10 announced") as said:
            camera.grab(into, 1.0)
    assert not said.value.retry
    assert not said.value.lost


def test_a_file_can_be_read_as_grey(video: Path) -> None:
    with opened(video, pixel_format="Mono8") as camera:
        assert camera.describe().pixel_format is PixelFormat.MONO8
        assert camera.grab(np.empty((120, 160), np.uint8), 1.0).pixels.shape == (120, 160)


@pytest.mark.parametrize("content", [None, b"", b"no video at all"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.avi"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DeviceError, match=r"no such file|no frame can be decoded") as said, opened(path):
        pass
    assert not said.value.retry


@pytest.mark.parametrize("hangs", [False, True])
def test_a_dead_stream_is_a_device_error_that_may_be_tried_again(hangs: bool) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if hangs:
            server.listen()
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam"
        with (
            pytest.raises(DeviceError, match="does not answer or gives no picture") as said,
            opened(url, open_timeout_s=0.5, read_timeout_s=0.5),
        ):
            pass
    assert said.value.retry


def test_a_device_that_is_not_there_is_a_device_error(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
    monkeypatch.delenv(limit, raising=False)
    missing = opened("/dev/video97", read_timeout_s=1.5)
    with pytest.raises(DeviceError, match="does not answer or gives no picture"), missing:
        pass
    assert os.environ[limit] == "2", "a read of a device that hangs ends then, not after OpenCV's ten seconds"


class MjpegServer(http.server.ThreadingHTTPServer):
    """A network camera: serves JPEG frames over HTTP; ``number`` is painted into each; ``gone`` cuts it off."""

    daemon_threads = True

    def __init__(self) -> None:
        self.number = 0
        self.gone = threading.Event()
        self.size = (120, 160)
        super().__init__(("127.0.0.1", 0), MjpegHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/cam.mjpg"


class MjpegHandler(http.server.BaseHTTPRequestHandler):
    server: MjpegServer

    def do_GET(self) -> None:
        if self.server.gone.is_set():
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            while not self.server.gone.wait(0.02):
                self.server.number += 1
                image = np.full((*self.server.size, 3), self.server.number % 250, np.uint8)
                jpeg = cv2.imencode(".jpg", image)[1].tobytes()
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
                self.wfile.write(b"Content-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg))
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        return


@pytest.fixture
def network_camera() -> Iterator[MjpegServer]:
    with MjpegServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.gone.set()
        server.shutdown()
        thread.join()


def grab_many(camera: Camera, into: Pixels, timeout_s: float = 1.0) -> None:
    for _ in range(50):
        camera.grab(into, timeout_s)


def grab_past_losses(camera: Camera, into: Pixels) -> None:
    while True:
        with contextlib.suppress(DeviceError):
            camera.grab(into, 10.0)


def level(capture: Capture) -> float:
    return float(np.median(capture.pixels))


def test_a_stream_gives_the_frame_nearest_to_the_moment_of_asking_and_counts_nothing(
    network_camera: MjpegServer,
) -> None:
    into = np.empty((120, 160, 3), np.uint8)
    with opened(network_camera.url) as camera:
        info = camera.describe()
        assert (info.counts_frames, info.paced) == (False, True)
        first = camera.grab(into, 5.0)
        first_level = level(first)
        sent = network_camera.number
        while network_camera.number < sent + 10:
            threading.Event().wait(0.01)
        asked = time.monotonic()
        second = camera.grab(into, 5.0)
        assert second.taken_at >= asked - 0.1
        assert (level(second) - first_level) % 250 > 5, "those nobody asked for are skipped"
        third = camera.grab(into, 5.0)
        assert third.taken_at > second.taken_at
        camera.flush()
        assert camera.grab(into, 5.0).taken_at > third.taken_at
        assert {first.frame_no, second.frame_no, third.frame_no} == {None}


def test_a_lost_stream_is_said_and_comes_back_by_itself(network_camera: MjpegServer) -> None:
    into = np.empty((120, 160, 3), np.uint8)
    with opened(network_camera.url, open_timeout_s=1.0, read_timeout_s=0.5, reopen_max_s=0.3) as camera:
        camera.grab(into, 5.0)
        network_camera.gone.set()
        with pytest.raises(DeviceError, match="no frame within") as said:
            grab_many(camera, into)
        assert said.value.retry
        assert said.value.lost
        network_camera.gone.clear()
        grab_until(camera, into)


def test_a_stream_that_comes_back_with_another_size_gives_frame_errors(network_camera: MjpegServer) -> None:
    into = np.empty((120, 160, 3), np.uint8)
    with opened(network_camera.url, reopen_max_s=0.3) as camera:
        camera.grab(into, 5.0)
        network_camera.gone.set()
        with pytest.raises(DeviceError):
            grab_many(camera, into)
        network_camera.size = (240, 320)
        network_camera.gone.clear()
        with pytest.raises(FrameError, match="320 x 240 px, uint8, where 160 x 120 px"):
            grab_past_losses(camera, into)


class Clockwork:
    """A capture of ten lines: gives a frame each 20 ms, or fails as its maker says; ``values``: what it tells."""

    def __init__(
        self, *, frames: int, trouble: Exception | None = None, values: dict[int, float] | None = None
    ) -> None:
        self.left = frames
        self.trouble = trouble
        self.values = values or {}

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def grab(self) -> bool:
        threading.Event().wait(0.02)
        self.left -= 1
        if self.left < 0 and self.trouble is not None:
            raise self.trouble
        return self.left >= 0

    def retrieve(self) -> tuple[bool, Pixels]:
        return True, np.zeros((120, 160, 3), np.uint8)

    def get(self, prop: int) -> float:
        return self.values.get(prop, 0.0)

    def release(self) -> None:
        return


def made_of(*captures: Clockwork) -> Callable[[CameraOpencvSettings, str], cv2.VideoCapture]:
    """Opens these, one after the other."""
    coming = iter(captures)
    return lambda _settings, _address: cast("cv2.VideoCapture", next(coming))


def test_a_frame_that_is_not_due_yet_is_no_lost_camera() -> None:
    into = np.empty((120, 160, 3), np.uint8)
    with Stream(CameraOpencvSettings(source="0"), opener=made_of(Clockwork(frames=10_000))) as camera:
        camera.grab(into, 5.0)
        camera.flush()
        with pytest.raises(DeviceError, match="not due yet") as said:
            grab_many(camera, into, 0.0)
        assert not said.value.lost


class Hanging(Clockwork):
    """A capture whose read hangs after its frames, until it is released into giving none."""

    def __init__(self, *, frames: int) -> None:
        super().__init__(frames=frames)
        self.over = threading.Event()

    def grab(self) -> bool:
        if not self.left:
            self.over.wait(20)
            return False
        return super().grab()


def test_a_read_that_hangs_is_a_lost_camera_before_it_ends_and_also_while_nobody_asks() -> None:
    hanging = Hanging(frames=5)
    with Stream(CameraOpencvSettings(source="0"), opener=made_of(hanging, Clockwork(frames=10_000))) as camera:
        assert isinstance(camera, SelfWatching)
        assert wait_until(lambda: "silent for" in camera.trouble())
        assert not hanging.over.is_set()
        with pytest.raises(DeviceError, match="silent for") as said:
            camera.grab(np.empty((120, 160, 3), np.uint8), 5.0)
        assert said.value.lost
        hanging.over.set()
        assert wait_until(lambda: not camera.trouble())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_an_unforeseen_error_ended_is_said_and_started_again() -> None:
    into = np.empty((120, 160, 3), np.uint8)
    opener = made_of(Clockwork(frames=3, trouble=RuntimeError("a bug")), Clockwork(frames=10_000))
    with Stream(CameraOpencvSettings(source="0"), opener=opener) as camera:
        with pytest.raises(DeviceError, match="ended by an error nobody foresaw") as said:
            grab_many(camera, into)
        assert said.value.lost
        assert grab_until(camera, into)[0].pixels.shape == (120, 160, 3)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((1280.0, 720.0, 30.0), "asked for 1920 x 1080 px, it gives 1280 x 720 px; set camera.width"),
        ((1920.0, 1080.0, 5.0), "asked for 30 frames a second, it gives 5; set camera.width"),
        ((640.0, 480.0, 15.0), "asked for 1920 x 1080 px, it gives 640 x 480 px; asked for 30 frames"),
    ],
)
def test_a_device_that_gives_another_size_or_rate_is_refused(given: tuple[float, ...], says: str) -> None:
    props = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
    capture = Clockwork(frames=10, values=dict(zip(props, given, strict=True)))
    settings = CameraOpencvSettings(source="0", width=1920, height=1080, fps=30.0)
    with (
        pytest.raises(DeviceError, match=re.escape(says)) as said,
        Stream(settings, opener=lambda _settings, _address: cast("cv2.VideoCapture", capture)),
    ):
        pass
    assert said.value.lost


@pytest.mark.parametrize("rate", [30.0, 29.97, 0.0])
def test_a_device_that_does_as_asked_or_tells_no_rate_is_taken(rate: float) -> None:
    values = {cv2.CAP_PROP_FRAME_WIDTH: 160.0, cv2.CAP_PROP_FRAME_HEIGHT: 120.0, cv2.CAP_PROP_FPS: rate}
    settings = CameraOpencvSettings(source="0", width=160, height=120, fps=30.0)
    with Stream(settings, opener=made_of(Clockwork(frames=10_000, values=values))) as camera:
        assert (camera.describe().width, camera.describe().height) == (160, 120)


def test_a_password_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text("user:p@ss/word\n")
    login.chmod(0o600)
    settings = CameraOpencvSettings(source="rtsp://192.0.2.5/s1", login_file=login)
    assert settings.address() == "rtsp://user:p%40ss%2Fword@192.0.2.5/s1"
    login.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        settings.address()
    login.chmod(0o600)
    login.write_text("only one word")
    with pytest.raises(ConfigError, match="one line 'user:password'"):
        settings.address()
    login.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        settings.address()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"source": "rtsp://user:secret@192.0.2.5/s1"}, "source holds a password"),
        ({"source": "0", "login_file": "x"}, "for a URL only"),
        ({"source": "0", "width": 640}, "set both or none"),
        ({"source": "0", "fourcc": "MJPEG"}, "fourcc"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        CameraOpencvSettings(**wrong)


def test_the_sample_explains_every_setting() -> None:
    table = tomllib.loads(SAMPLE.read_text())["camera"]
    assert table.pop("kind") == "opencv"
    CameraOpencvSettings(**table)
    text = SAMPLE.read_text()
    assert all(f"\n{name} =" in text or f"\n# {name} =" in text for name in CameraOpencvSettings.model_fields)
