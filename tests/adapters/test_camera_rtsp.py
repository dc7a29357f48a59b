"""A network stream against a real RTSP server on the loopback: lost, hung, and back."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from inspector.adapters.camera_opencv import PLUGIN, CameraOpencvSettings
from inspector.domain.errors import DeviceError
from inspector.ports.camera import Camera
from inspector.ports.plugin import Context
from tests.camera_outage import in_time
from tests.camera_peers import HEIGHT, WIDTH, Peer, buffer_for, grab_until, grab_until_said, own_network
from tests.camera_table import RTSP

pytestmark = [pytest.mark.camera, pytest.mark.peer("rtsp"), pytest.mark.xdist_group("cameras")]
CONTEXT = Context(station="s", data_dir="", run_dir="")
SERVER = Path(__file__).parents[1] / "rtsp_peer.py"
PORT = "8554"
URL = f"rtsp://127.0.0.1:{PORT}/cam"
PATIENCE_S = 60.0
Shows = Callable[[str, str, str], None]


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    with own_network():
        yield


def server(*, width: int = 640, height: int = 480, rate: int = 20) -> Peer:
    return Peer("/usr/bin/python3", str(SERVER), PORT, str(width), str(height), str(rate))


@contextmanager
def opened(**wanted: object) -> Iterator[Camera]:
    """Open once the server answers, which may take long."""
    values = {"source": URL, "open_timeout_s": 20.0, "silent_s": 5.0, **wanted}
    with PLUGIN.open(CameraOpencvSettings(**values), CONTEXT) as camera:
        yield camera


@pytest.fixture
def peer() -> Iterator[Peer]:
    with server() as peer:
        peer.listening(int(PORT))
        yield peer


def test_twelve_megapixels_come_as_a_stream(shows: Shows) -> None:
    with server(width=WIDTH, height=HEIGHT, rate=2) as peer:
        peer.listening(int(PORT))
        with opened(read_timeout_s=20.0, silent_s=20.0) as camera:
            info = camera.describe()
            assert (info.width, info.height) == (WIDTH, HEIGHT)
            into = buffer_for(info)
            captures = [grab_until(camera, into, PATIENCE_S)[0] for _ in range(30)]
            times = [capture.taken_at for capture in captures]
            rate = 8 / (times[-1] - times[-9])  # the first ones waited while the stream was looked into
            shows(RTSP, "fps", f"{rate:.0f} ({WIDTH} x {HEIGHT}, 2 asked)")
    assert times == sorted(set(times))
    assert captures[0].frame_no is None


@pytest.mark.parametrize(("column", "trouble"), [("lost", "killed"), ("hung", "stopped")])
def test_by_its_default_settings_a_loss_is_noticed_and_mended_in_time(
    peer: Peer, tmp_path: Path, column: str, trouble: str, shows: Shows
) -> None:
    shows(RTSP, column, trouble)

    def start() -> None:
        peer.start()
        peer.listening(int(PORT))

    lose, give_back = (peer.kill, start) if column == "lost" else (peer.freeze, peer.thaw)
    took = in_time(tmp_path, patiently, lambda _camera: lose(), give_back, away_s=4.0)
    shows(RTSP, column, f"{trouble}: {took}")


def patiently() -> AbstractContextManager[Camera]:
    """By the default settings, opened once the server is quick enough for them."""
    settings = CameraOpencvSettings(source=URL, pixel_format="Mono8")
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            with PLUGIN.open(settings, CONTEXT) as camera:
                camera.describe()
            return PLUGIN.open(settings, CONTEXT)
        except DeviceError:
            assert time.monotonic() < until


@pytest.mark.parametrize("trouble", ["killed", "hung"])
def test_a_lost_server_is_a_lost_camera_and_its_stream_comes_back(peer: Peer, trouble: str) -> None:
    lose, give_back = (peer.kill, peer.start) if trouble == "killed" else (peer.freeze, peer.thaw)
    with opened() as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into, PATIENCE_S)
        lose()
        grab_until_said(camera, into, lambda error: error.lost, PATIENCE_S)
        give_back()
        grab_until(camera, into, PATIENCE_S)
