"""The camera of the simulated line: every frame in order, whole, and an honest word about those that are lost."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from inspector.adapters.camera_twin import PLUGIN, SHM, CameraTwin, CameraTwinSettings
from inspector.domain.errors import DeviceError, FrameError
from inspector.ports.camera import SelfWatching
from inspector.ports.plugin import Context
from inspector.twin.ring import RingWriter, open_ring

CONTEXT = Context(station="s", data_dir="", run_dir="")
WIDTH, HEIGHT = 320, 256
FAST_WRITER = """
import sys, time, numpy as np
from inspector.twin.ring import open_ring
frames = np.arange(256, dtype=np.uint8)[:, None, None] * np.ones((1, 256, 320), np.uint8)
with open_ring(sys.argv[1], slots=3, width=320, height=256) as ring:
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(1, int(sys.argv[2]) + 1):
        ring.write(frames[n % 256], taken_at=time.monotonic(), part_seq=n)
        if n % 40 == 0:
            time.sleep(0.002)
    sys.stdin.readline()
"""


@pytest.fixture
def name(tmp_path: Path) -> Iterator[str]:
    ring = f"camera-test-{os.getpid()}-{tmp_path.name}"[:64]
    yield ring
    (SHM / ring).unlink(missing_ok=True)


@contextmanager
def ring_of(name: str, *, slots: int = 4, width: int = WIDTH) -> Iterator[RingWriter]:
    with open_ring(name, slots=slots, width=width, height=HEIGHT) as ring:
        yield ring


@contextmanager
def camera_of(name: str) -> Iterator[CameraTwin]:
    with PLUGIN.open(CameraTwinSettings(ring=name, attach_timeout_s=0.0), CONTEXT) as camera:
        yield camera


def put(ring: RingWriter, *values: int) -> None:
    for value in values:
        ring.write(np.full((HEIGHT, ring_width(ring)), value, np.uint8), taken_at=float(value), part_seq=1000 + value)


def ring_width(ring: RingWriter) -> int:
    return ring._shape[1]


def buffer() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.empty((HEIGHT, WIDTH), np.uint8)


def test_frames_come_in_order_with_the_cameras_own_number_and_time(name: str) -> None:
    with ring_of(name) as ring, camera_of(name) as camera:
        put(ring, 1, 2, 3)
        into = buffer()
        for value in (1, 2, 3):
            capture = camera.grab(into, 1.0)
            assert (capture.frame_no, capture.taken_at) == (value, float(value))
            assert (capture.pixels == value).all()
            assert np.shares_memory(capture.pixels, into)
            assert not capture.pixels.flags.writeable
        assert abs((datetime.now(UTC) - capture.taken_utc).total_seconds()) > 1


def test_frames_of_before_the_opening_or_a_flush_are_not_given(name: str) -> None:
    with ring_of(name) as ring:
        put(ring, 1)
        with camera_of(name) as camera:
            put(ring, 2, 3)
            camera.flush()
            put(ring, 4)
            assert camera.grab(buffer(), 1.0).frame_no == 4


def test_no_frame_in_time_is_a_device_error(name: str) -> None:
    with ring_of(name), camera_of(name) as camera, pytest.raises(DeviceError, match=r"no frame within 0\.01 s") as said:
        camera.grab(buffer(), 0.01)
    assert said.value.retry
    assert not said.value.lost


def test_overwritten_frames_are_one_frame_error_that_counts_them(name: str) -> None:
    with ring_of(name, slots=4) as ring, camera_of(name) as camera:
        put(ring, *range(1, 11))
        with pytest.raises(FrameError, match=r"7 frame\(s\) from no. 1 on were overwritten"):
            camera.grab(buffer(), 1.0)
        assert [camera.grab(buffer(), 1.0).frame_no for _ in range(3)] == [8, 9, 10]


def test_no_ring_is_said_with_what_to_start(name: str) -> None:
    with pytest.raises(DeviceError, match="start `inspector twin` first"), camera_of(name):
        pass


def test_a_strangers_segment_is_refused(name: str) -> None:
    (SHM / name).write_bytes(b"something else" * 100)
    with pytest.raises(DeviceError, match="is no frame ring of version 1") as said, camera_of(name):
        pass
    assert not said.value.retry


def test_an_empty_segment_is_refused(name: str) -> None:
    (SHM / name).write_bytes(b"")
    with pytest.raises(DeviceError, match="cannot be read"), camera_of(name):
        pass


def test_a_restarted_line_is_found_again_and_all_its_frames_are_new(name: str) -> None:
    with ring_of(name) as ring:
        camera = CameraTwin(CameraTwinSettings(ring=name))
        put(ring, 1)
        assert camera.grab(buffer(), 1.0).frame_no == 1
    with pytest.raises(DeviceError, match="is gone") as said:
        camera.grab(buffer(), 1.0)
    assert said.value.retry
    assert said.value.lost
    with ring_of(name) as ring:
        put(ring, 5, 6)
        assert camera.trouble() == ""
        assert [camera.grab(buffer(), 1.0).frame_no for _ in range(2)] == [1, 2]
    camera.close()


def test_a_line_that_comes_back_with_another_size_is_refused(name: str) -> None:
    with ring_of(name):
        camera = CameraTwin(CameraTwinSettings(ring=name))
    with ring_of(name, width=512) as ring:
        put(ring, 1)
        with pytest.raises(DeviceError, match="came back with 512 x 256 px"):
            camera.grab(buffer(), 1.0)
    camera.close()


def test_a_killed_line_is_noticed_although_its_ring_is_still_there(name: str) -> None:
    with fast_writer(name, frames=1) as process, camera_of(name) as camera:
        process.kill()
        process.wait()
        assert (SHM / name).exists()
        assert isinstance(camera, SelfWatching)
        assert f"pid {process.pid}) is gone" in camera.trouble()
        with pytest.raises(DeviceError, match=rf"pid {process.pid}\) is gone"):
            camera.grab(buffer(), 5.0)


def test_a_fast_writer_never_gives_a_torn_frame(name: str) -> None:
    frames, lost, good, last = 6000, 0, 0, 0
    into = buffer()
    with fast_writer(name, frames=frames) as process, camera_of(name) as camera:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        while last < frames:
            try:
                capture = camera.grab(into, 10.0)
            except FrameError as error:
                lost += int(str(error).split(": ")[1].split()[0])
                last = frames if camera._next > frames else last
                continue
            assert capture.frame_no is not None
            assert capture.frame_no > last
            assert (capture.pixels == capture.frame_no % 256).all()
            last, good = capture.frame_no, good + 1
    assert good + lost == frames
    assert good > 0


@contextmanager
def fast_writer(name: str, *, frames: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", FAST_WRITER, name, str(frames)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_the_sample_states_every_setting() -> None:
    sample = Path(__file__).parents[2] / "config" / "samples" / "camera_twin.toml"
    table = tomllib.loads(sample.read_text())["camera"]
    assert table.pop("kind") == "twin"
    assert set(table) == set(CameraTwinSettings.model_fields)
    assert CameraTwinSettings(**table) == CameraTwinSettings()
