"""Real peers of cameras, each in a network of its own: a fake GigE Vision camera, an RTSP server."""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import Capture, Pixels
from inspector.ports.camera import Camera, CameraInfo
from tests.fakes import wait_until

CLONE_NEWNET = 0x40000000
WIDTH, HEIGHT = 4096, 3000
"""Twelve megapixels."""


@contextmanager
def own_network() -> Iterator[None]:
    """Put this thread, and all that it starts, into a network of nothing but a loopback: no packet leaves this PC."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as before:
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            if libc.setns(before.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


class Peer:
    """A process that is killed, frozen, thawed and started anew."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def listening(self, port: int) -> None:
        """Wait until it takes connections."""

        def taken() -> bool:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    return True
            except OSError:
                return False

        assert wait_until(taken, 60.0), f"{self.command} does not listen on {port}"

    def bound(self, port: int) -> None:
        """Wait until it hears UDP there."""
        hears = f":{port:04X} "
        assert wait_until(lambda: hears in Path("/proc/thread-self/net/udp").read_text(), 60.0)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None


def fake_gige(description: Path, *, lost_per_thousand: float = 0.0) -> Peer:
    """Aravis' own fake camera on the loopback, able of 8192 x 8192 px."""
    options = ("-r", str(lost_per_thousand)) if lost_per_thousand else ()
    return Peer("arv-fake-gv-camera-0.8", "-i", "127.0.0.1", "-g", str(description), *options)


def describe_12mp(path: Path) -> Path:
    """Write the fake camera's own description with a sensor that is large enough."""
    with Peer("arv-fake-gv-camera-0.8", "-i", "127.0.0.1"):
        told: list[str] = []

        def asked() -> bool:
            out = subprocess.run(
                ["arv-tool-0.8", "-a", "127.0.0.1", "genicam"], capture_output=True, text=True, check=False
            ).stdout
            told[:] = [out]
            return "<?xml" in out

        assert wait_until(asked)
    text = told[0][told[0].index("<?xml") :]
    for name in ("Width", "Height"):
        text = re.sub(
            rf'(Name="{name}" .*?)<pMax>Sensor{name}</pMax>(.*?</Integer>)',
            r"\1<Max>8192</Max>\2",
            text,
            count=1,
            flags=re.DOTALL,
        )
    path.write_text(text)
    return path


def buffer_for(info: CameraInfo) -> Pixels:
    shape = (info.height, info.width, 3)[: 2 + (info.pixel_format.channels > 1)]
    return np.zeros(shape, info.pixel_format.dtype)


def grab_until(camera: Camera, into: Pixels, patience_s: float = 20.0) -> tuple[Capture, list[str]]:
    """Grab as the line does until a frame comes; the frame and what was said before."""
    said: list[str] = []
    until = time.monotonic() + patience_s
    while True:
        try:
            return camera.grab(into, 0.5), said
        except (DeviceError, FrameError) as error:
            said.append(str(error))
            assert time.monotonic() < until, said


def grab_until_said(camera: Camera, into: Pixels, true: Callable[[DeviceError], bool], patience_s: float = 20.0) -> str:
    """Grab as the line does until an error is as wanted; its text."""
    until = time.monotonic() + patience_s
    while True:
        assert time.monotonic() < until, "nothing of that kind was said"
        try:
            camera.grab(into, 0.5)
        except DeviceError as error:
            if true(error):
                return str(error)
        except FrameError:
            continue
