"""The frame ring: whole frames only, one living writer, nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inspector.domain.errors import DeviceError
from inspector.ports.frame_ring import ALIGN, HEADER, MAGIC, SLOT, ring_bytes, slot_offset
from inspector.twin.ring import SHM, open_ring

WRITER = """
import sys, numpy as np
from inspector.twin.ring import open_ring
with open_ring(sys.argv[1], slots=2, width=256, height=256) as ring:
    ring.write(np.full((256, 256), 9, np.uint8), taken_at=1.0, part_seq=1)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def name(tmp_path: Path) -> Iterator[str]:
    ring = f"ring-test-{os.getpid()}-{tmp_path.name}"[:64]
    yield ring
    (SHM / ring).unlink(missing_ok=True)


@pytest.fixture
def writer(name: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WRITER, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_frame_stands_where_the_layout_says(name: str) -> None:
    frame = np.arange(256 * 256, dtype=np.uint32).astype(np.uint8).reshape(256, 256)
    with open_ring(name, slots=3, width=256, height=256) as ring:
        assert [ring.write(frame, taken_at=float(n), part_seq=n) for n in (1, 2, 3, 4)] == [1, 2, 3, 4]
        raw = (SHM / name).read_bytes()
    magic, version, slots, width, height, channels, frame_bytes, newest, pid = HEADER.unpack_from(raw)
    assert (magic, version, slots, width, height, channels) == (MAGIC, 1, 3, 256, 256, 1)
    assert (frame_bytes, newest, pid, len(raw)) == (65536, 4, os.getpid(), ring_bytes(3, 65536))
    start = slot_offset(4, 3, 65536)
    sequence, frame_no, taken_at, _, part_seq = SLOT.unpack_from(raw, start)
    assert (sequence % 2, frame_no, taken_at, part_seq) == (0, 4, 4.0, 4)
    assert raw[start + ALIGN : start + ALIGN + 65536] == frame.tobytes()


def test_the_ring_is_gone_after_its_writer(name: str) -> None:
    with open_ring(name, slots=2, width=256, height=256):
        assert (SHM / name).exists()
    assert not list(SHM.glob(f"{name}*"))


def test_a_ring_of_a_living_writer_is_refused_by_pid(name: str, writer: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(DeviceError, match=rf"written by another simulated line \(pid {writer.pid}\)"),
        open_ring(name, slots=2, width=256, height=256),
    ):
        pass
    assert (SHM / name).exists()


def test_a_ring_of_a_killed_writer_is_taken_over(name: str, writer: subprocess.Popen[str]) -> None:
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert (SHM / name).exists()
    with open_ring(name, slots=2, width=512, height=256) as ring:
        ring.write(np.zeros((256, 512), np.uint8), taken_at=1.0, part_seq=1)
    assert not list(SHM.glob(f"{name}*"))


def test_a_writer_that_ends_leaves_no_warning_and_no_segment(name: str, writer: subprocess.Popen[str]) -> None:
    _, errors = writer.communicate("", timeout=20)
    assert (writer.returncode, errors) == (0, "")
    assert not (SHM / name).exists()


def test_a_ring_that_does_not_fit_is_refused_with_its_size(name: str) -> None:
    with (
        pytest.raises(DeviceError, match="shared memory does not hold"),
        open_ring(name, slots=2**20, width=16384, height=16384),
    ):
        pass
    assert not list(SHM.glob(f"{name}*"))
