"""Frame buffers, allocated once and lent: nothing in the loop allocates 12 MB."""

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np

from inspector.domain.frame import Pixels
from inspector.pipeline.canvas import Canvas, Margins


class Loan:
    """One buffer, lent until ``release``; releasing twice is harmless."""

    __slots__ = ("_pool", "_released", "canvas")

    def __init__(self, pool: "FramePool", canvas: Canvas) -> None:
        self._pool = pool
        self._released = False
        self.canvas = canvas

    @property
    def buffer(self) -> Pixels:
        """What the camera writes into."""
        return self.canvas.frame

    def release(self) -> None:
        """Give the buffer back. Nobody may read the frame after this."""
        if not self._released:
            self._released = True
            self._pool.take_back(self.canvas)


class FramePool:
    """``count`` buffers of one shape. ``lend`` never waits and never allocates: None when all are out.

    ``margins``: room around each frame for what the models want to see beyond it.
    """

    def __init__(
        self,
        *,
        count: int,
        shape: Sequence[int],
        dtype: np.dtype[np.uint8] | np.dtype[np.uint16],
        margins: Margins = Margins(),  # noqa: B008 - frozen
    ) -> None:
        self._lock = threading.Lock()
        self._free = deque(Canvas(tuple(shape), dtype, margins) for _ in range(count))

    def lend(self) -> Loan | None:
        """A writable buffer, or None if every one is in use."""
        with self._lock:
            return Loan(self, self._free.popleft()) if self._free else None

    def take_back(self, canvas: Canvas) -> None:
        """Called by the loan."""
        with self._lock:
            self._free.append(canvas)

    @property
    def free(self) -> int:
        """Buffers at home now."""
        with self._lock:
            return len(self._free)
