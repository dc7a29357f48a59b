"""The camera of the simulated line: reads the frame ring in shared memory.

It knows of the simulated line only what stands in ``inspector/ports/frame_ring.py``, and nothing of its truth.
"""

import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import structlog
from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import CameraStamp, Capture, PixelFormat, Pixels
from inspector.ports.camera import CameraInfo
from inspector.ports.frame_ring import ALIGN, HEADER, MAGIC, NEWEST_OFFSET, SLOT, VERSION, ring_bytes, slot_offset
from inspector.ports.plugin import Context, Plugin

log = structlog.get_logger(__name__)

SHM = Path("/dev/shm")  # noqa: S108 - POSIX shared memory, not a temporary file
_POLL_S = 0.0005
_ATTACH_POLL_S = 0.02
_LIFE_EVERY_S = 0.1


class CameraTwinSettings(BaseModel):
    """The camera of the simulated line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ring: str = Field(
        "inspector-twin",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Name of the frame ring; the same as twin.ring.",
    )
    attach_timeout_s: float = Field(
        10.0, ge=0, le=600, description="How long opening waits for the simulated line to make its ring."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """What the ring's header says."""

    slots: int
    width: int
    height: int
    pid: int

    @property
    def frame_bytes(self) -> int:
        return self.width * self.height


class _Ring:
    """One attached segment. A restarted writer makes a new one under the same name."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.inode = os.fstat(file.fileno()).st_ino
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self.layout = _read_layout(path.name, self._memory)
        except DeviceError:
            self._memory.close()
            raise
        self._newest = np.frombuffer(self._memory, np.uint64, count=1, offset=NEWEST_OFFSET)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        del self._newest
        self._memory.close()

    @property
    def newest(self) -> int:
        """Number of the newest whole frame; 0: none yet."""
        return int(self._newest[0])

    def copy(self, frame_no: int, into: Pixels) -> tuple[float, float] | None:
        """Copy the frame and give its times (monotonic, Unix); None if it is not there any more."""
        layout = self.layout
        start = slot_offset(frame_no, layout.slots, layout.frame_bytes)
        sequence = np.frombuffer(self._memory, np.uint64, count=1, offset=start)
        before = int(sequence[0])
        _, held, taken_at, taken_utc, _ = SLOT.unpack_from(self._memory, start)
        if before % 2 or held != frame_no:
            return None
        pixels = np.frombuffer(self._memory, np.uint8, count=layout.frame_bytes, offset=start + ALIGN)
        np.copyto(into, pixels.reshape(layout.height, layout.width))
        return (taken_at, taken_utc) if int(sequence[0]) == before else None

    def written_to(self, path: Path) -> bool:
        """Whether the writer lives and this is still the segment of that name."""
        try:
            os.kill(self.layout.pid, 0)
            return path.stat().st_ino == self.inode
        except (ProcessLookupError, FileNotFoundError):
            return False
        except PermissionError:  # it lives, under another user
            return True


class CameraTwin:
    """Gives every frame of the ring in order, and says when it came too late for some."""

    def __init__(self, settings: CameraTwinSettings) -> None:
        self._path = SHM / settings.ring
        self._device = f"camera twin {settings.ring}"
        self._ring = self._attach(settings.attach_timeout_s)
        self._info = _describe(settings.ring, self._ring.layout)
        self._next = self._ring.newest + 1
        self._lost = False

    def close(self) -> None:
        """Detach."""
        self._ring.__exit__(None, None, None)

    def describe(self) -> CameraInfo:
        """Size and format as the ring's header says."""
        return self._info

    def grab(self, into: Pixels, timeout_s: float) -> Capture:
        """Copy the next frame of the ring into ``into``. See the port for what is raised."""
        if into.shape != (self._info.height, self._info.width) or into.dtype != np.uint8:
            raise ValueError(f"a buffer of {into.dtype} {into.shape} for frames of {self._info}")
        deadline = time.monotonic() + timeout_s
        self._wait_for_next(deadline, timeout_s)
        if self._ring.newest - self._next >= self._ring.layout.slots:
            raise self._overwritten()
        times = self._ring.copy(self._next, into)
        if times is None:
            raise self._overwritten()
        frame_no, self._next = self._next, self._next + 1
        pixels = into.view()
        pixels.flags.writeable = False
        return Capture(
            pixels=pixels,
            pixel_format=PixelFormat.MONO8,
            frame_no=frame_no,
            taken_at=times[0],
            taken_utc=datetime.fromtimestamp(times[1], UTC),
            camera=CameraStamp(serial=self._info.serial),
        )

    def flush(self) -> None:
        """Forget what is in the ring now."""
        self._next = self._ring.newest + 1

    def trouble(self) -> str:
        """Why the simulated line is lost now; "" while it is well, or as soon as another writes the ring."""
        try:
            self._follow_the_writer()
        except DeviceError as error:
            return str(error)
        return ""

    def _wait_for_next(self, deadline: float, timeout_s: float) -> None:
        look_at = 0.0
        while self._ring.newest < self._next:
            now = time.monotonic()
            if now >= look_at:
                self._follow_the_writer()
                look_at = now + _LIFE_EVERY_S
                continue_waiting = self._ring.newest < self._next
                if not continue_waiting:
                    return
            if now >= deadline:
                raise DeviceError(
                    self._device, f"no frame within {timeout_s:g} s; do parts pass the light gate?", lost=False
                )
            time.sleep(_POLL_S)

    def _follow_the_writer(self) -> None:
        """Attach to the segment of a restarted writer; all of its frames are new to us."""
        if self._ring.written_to(self._path):
            self._lost = False
            return
        ring = self._try_attach()
        if ring is None or not ring.written_to(self._path):
            if not self._lost:
                log.warning("camera.lost", device=self._device, pid=self._ring.layout.pid)
            self._lost = True
            if ring is not None:
                ring.__exit__(None, None, None)
            raise DeviceError(self._device, f"the simulated line (pid {self._ring.layout.pid}) is gone; start it again")
        if _describe(self._path.name, ring.layout) != self._info:
            found = ring.layout
            ring.__exit__(None, None, None)
            raise DeviceError(
                self._device,
                f"the simulated line came back with {found.width} x {found.height} px, opened for "
                f"{self._info.width} x {self._info.height} px; open the camera again",
            )
        self._ring.__exit__(None, None, None)
        self._ring = ring
        self._next = max(1, ring.newest - ring.layout.slots + 2)
        self._lost = False
        log.info("camera.reattached", device=self._device, pid=ring.layout.pid)

    def _overwritten(self) -> FrameError:
        """The frame asked for is gone; go on with the oldest that is still safe from the writer."""
        missed_from = self._next
        self._next = max(self._next + 1, self._ring.newest - self._ring.layout.slots + 2)
        lost = self._next - missed_from
        return FrameError(
            f"{self._device}: {lost} frame(s) from no. {missed_from} on were overwritten before they were read; "
            f"grab faster or set more twin.ring_slots than {self._ring.layout.slots}"
        )

    def _attach(self, timeout_s: float) -> _Ring:
        deadline = time.monotonic() + timeout_s
        while True:
            ring = self._try_attach()
            if ring is not None and ring.written_to(self._path):
                return ring
            if ring is not None:
                ring.__exit__(None, None, None)
            if time.monotonic() >= deadline:
                raise DeviceError(
                    self._device,
                    f"there is no simulated line writing the ring {self._path.name!r}; start `inspector twin` first",
                )
            time.sleep(_ATTACH_POLL_S)

    def _try_attach(self) -> _Ring | None:
        try:
            return _Ring(self._path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, struct.error) as error:
            raise DeviceError(self._device, f"the ring cannot be read: {error}") from error


def _read_layout(name: str, memory: mmap.mmap) -> _Layout:
    magic, version, slots, width, height, channels, frame_bytes, _, pid = HEADER.unpack_from(memory, 0)
    if magic != MAGIC or version != VERSION or channels != 1 or frame_bytes != width * height:
        raise DeviceError(
            f"camera twin {name}",
            f"the segment is no frame ring of version {VERSION} with mono frames (magic {magic!r}, version {version}, "
            f"{channels} channels); set another twin.ring",
            retry=False,
        )
    if len(memory) < ring_bytes(slots, frame_bytes):
        raise DeviceError(f"camera twin {name}", f"the segment of {len(memory)} bytes is cut short")
    return _Layout(slots=slots, width=width, height=height, pid=pid)


def _describe(ring: str, layout: _Layout) -> CameraInfo:
    return CameraInfo(
        name="twin",
        serial=f"twin:{ring}",
        width=layout.width,
        height=layout.height,
        pixel_format=PixelFormat.MONO8,
        counts_frames=True,
        paced=True,
    )


@contextmanager
def _open(settings: CameraTwinSettings, _context: Context) -> Iterator[CameraTwin]:
    camera = CameraTwin(settings)
    try:
        yield camera
    finally:
        camera.close()


PLUGIN = Plugin(settings_model=CameraTwinSettings, open=_open)
