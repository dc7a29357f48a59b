"""Frame buffers, allocated once and lent: nothing in the loop allocates 12 MB."""

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np

from inspector.domain.frame import Pixels


class Loan:
    """One buffer, lent until ``release``; releasing twice is harmless."""

    __slots__ = ("_pool", "_released", "buffer")

    def __init__(self, pool: "FramePool", buffer: Pixels) -> None:
        self._pool = pool
        self._released = False
        self.buffer = buffer

    def release(self) -> None:
        """Give the buffer back. Nobody may read the frame after this."""
        if not self._released:
            self._released = True
            self._pool.take_back(self.buffer)


class FramePool:
    """``count`` buffers of one shape. ``lend`` never waits and never allocates: None when all are out."""

    def __init__(self, *, count: int, shape: Sequence[int], dtype: np.dtype[np.uint8] | np.dtype[np.uint16]) -> None:
        self._lock = threading.Lock()
        self._free: deque[Pixels] = deque()
        for _ in range(count):
            buffer = np.empty(tuple(shape), dtype)
            buffer.fill(0)  # touch every page now, not in the first frame
            self._free.append(buffer)

    def lend(self) -> Loan | None:
        """A writable buffer, or None if every one is in use."""
        with self._lock:
            return Loan(self, self._free.popleft()) if self._free else None

    def take_back(self, buffer: Pixels) -> None:
        """Called by the loan."""
        with self._lock:
            self._free.append(buffer)

    @property
    def free(self) -> int:
        """Buffers at home now."""
        with self._lock:
            return len(self._free)
