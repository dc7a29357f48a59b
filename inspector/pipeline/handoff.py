"""The short bounded way from one thread to the next: overflow is an answer, never a loss."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Handoff(Generic[T]):
    """A queue of at most ``depth`` items. ``put`` says False when it is full: the caller must answer for the item."""

    def __init__(self, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"handoff depth {depth}: it must hold at least 1")
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = threading.Condition()

    def put(self, item: T) -> bool:
        """Append if there is room; False if there is none."""
        with self._changed:
            if len(self._items) >= self._depth:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def wait_for_room(self, timeout_s: float) -> bool:
        """Wait until a ``put`` would succeed; for sources that can wait (a folder of files), never for a belt."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._items) < self._depth, timeout_s)

    def get(self, timeout_s: float) -> T | None:
        """The oldest item; None if none came within ``timeout_s``."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._items), timeout_s):
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)
