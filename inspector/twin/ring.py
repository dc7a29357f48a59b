"""Write frames into the ring in shared memory, whole or not at all for whoever reads.

The segment is a file under /dev/shm, complete before it gets its name. The writer holds a lock on it for its
life, which the kernel gives back however the writer ends: a segment nobody holds is stale and is taken over.
"""

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import DeviceError
from inspector.ports.frame_ring import ALIGN, HEADER, MAGIC, NEWEST_OFFSET, SLOT, VERSION, ring_bytes, slot_offset

SHM = Path("/dev/shm")  # noqa: S108 - POSIX shared memory, not a temporary file


class RingWriter:
    """The one writer of a ring. Mono frames, 8 bit."""

    def __init__(self, memory: mmap.mmap, *, slots: int, width: int, height: int) -> None:
        self._memory = memory
        self._slots = slots
        self._shape = (height, width)
        self._frame_bytes = width * height
        self._newest = np.frombuffer(memory, np.uint64, count=1, offset=NEWEST_OFFSET)
        self.frame_no = 0

    def write(self, pixels: NDArray[np.uint8], *, taken_at: float, part_seq: int) -> int:
        """Put one frame; give its number (from 1). Readers see it whole once this returns."""
        if pixels.shape != self._shape:
            raise ValueError(f"frame of shape {pixels.shape} for a ring of {self._shape}")
        frame_no = self.frame_no + 1
        start = slot_offset(frame_no, self._slots, self._frame_bytes)
        sequence = np.frombuffer(self._memory, np.uint64, count=1, offset=start)
        target = np.frombuffer(self._memory, np.uint8, count=self._frame_bytes, offset=start + ALIGN)
        writing = int(sequence[0]) | 1
        sequence[0] = writing
        taken_utc = time.time() - (time.monotonic() - taken_at)
        SLOT.pack_into(self._memory, start, writing, frame_no, taken_at, taken_utc, part_seq)
        np.copyto(target.reshape(self._shape), pixels)
        sequence[0] = writing + 1
        self._newest[0] = frame_no
        self.frame_no = frame_no
        return frame_no

    def release(self) -> None:
        """Let go of the memory; nothing may be written afterwards."""
        del self._newest


@contextmanager
def open_ring(name: str, *, slots: int, width: int, height: int) -> Iterator[RingWriter]:
    """Create the ring ``name``; unlinked at the end.

    Raises:
        DeviceError: another living process writes this ring, or shared memory is full.
    """
    path = SHM / name
    frame_bytes = width * height
    size = ring_bytes(slots, frame_bytes)
    with _segment(path, size) as (fd, draft), mmap.mmap(fd, size) as memory:
        HEADER.pack_into(memory, 0, MAGIC, VERSION, slots, width, height, 1, frame_bytes, 0, os.getpid())
        writer = RingWriter(memory, slots=slots, width=width, height=height)
        try:
            draft.rename(path)
            yield writer
        finally:
            writer.release()
            if _is_ours(path, fd):
                path.unlink()


@contextmanager
def _segment(path: Path, size: int) -> Iterator[tuple[int, Path]]:
    """A locked file of this size under a draft name; refuses while another process holds the real name."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _refuse_a_living_writer(path)
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            raise DeviceError(
                f"ring {path.name}",
                f"shared memory does not hold {size / 1e6:.0f} MB ({error.strerror}); "
                "lower twin.ring_slots or the frame size",
                retry=False,
            ) from error
        yield fd, draft
    finally:
        draft.unlink(missing_ok=True)
        os.close(fd)


def _refuse_a_living_writer(path: Path) -> None:
    with suppress(FileNotFoundError):
        try:
            held = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except PermissionError as error:
            raise DeviceError(
                f"ring {path.name}", "belongs to another user; set another twin.ring", retry=False
            ) from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            header = os.pread(held, HEADER.size, 0)
            pid = HEADER.unpack(header)[-1] if len(header) == HEADER.size else "unknown"
            raise DeviceError(
                f"ring {path.name}",
                f"is written by another simulated line (pid {pid}); end that one or set another twin.ring",
                retry=False,
            ) from error
        finally:
            os.close(held)


def _is_ours(path: Path, fd: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False
