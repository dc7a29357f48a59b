"""Whether the line lives, read from the status file that it writes four times a second."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inspector.ports.liveness import Life, Liveness

STALE_AFTER_S = 2.0


class StatusWatch:
    """Fulfils ``LineWatch``. Watches one status file. Called by one thread, as often as it likes.

    The line is dead when what it writes has not changed for ``stale_after_s`` on the monotonic clock, so a jump of the
    wall clock kills nobody. Only at first sight, when no change was watched yet, are the file's age by the wall clock
    and the line's own ``monotonic`` reading asked: where both say that it is old, the line is dead at once. A line
    whose last word was ``Halted`` has stopped on purpose.
    """

    def __init__(
        self,
        path: Path,
        *,
        stale_after_s: float = STALE_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._stale_after_s = stale_after_s
        self._clock = clock
        self._wall = wall
        self._born = clock()
        self._content = b""
        self._changed_at: float | None = None
        self._seen_changing = False
        self._status: Mapping[str, Any] = {}

    def look(self) -> Liveness:
        """Read the file and say how the line is."""
        now = self._clock()
        self._read(now)
        if self._changed_at is None:
            if now - self._born <= self._stale_after_s:
                return Liveness(life=Life.UNKNOWN, reason="no status yet", status={})
            return Liveness(life=Life.DEAD, reason="the line writes no status", status={})
        silent_s = now - self._changed_at
        if silent_s <= self._stale_after_s:
            life = Life.ALIVE if self._seen_changing else Life.UNKNOWN
            return Liveness(life=life, reason="", status=self._status)
        if self._status.get("state") == "Halted":
            return Liveness(life=Life.STOPPED, reason="the line was stopped", status=self._status)
        reason = f"the line has written no status for more than {self._stale_after_s:g} s"
        return Liveness(life=Life.DEAD, reason=reason, status=self._status)

    def _read(self, now: float) -> None:
        try:
            content = self._path.read_bytes()
            written = self._path.stat().st_mtime
        except OSError:  # not there, or replaced this very moment: silence is what counts
            return
        if content == self._content:
            return
        try:
            status = json.loads(content, parse_constant=lambda _: None)
        except ValueError:  # a torn file is no sign of life
            return
        if not isinstance(status, dict):
            return
        first = self._changed_at is None
        self._content, self._status = content, status
        self._seen_changing = not first or self._fresh(status, now, written)
        stale = first and not self._seen_changing and self._old(status, now, written)
        self._changed_at = now - 2 * self._stale_after_s if stale else now

    def _fresh(self, status: Mapping[str, Any], now: float, written: float) -> bool:
        """Whether the file is young by the wall clock and by the line's own reading of the monotonic clock."""
        return 0 <= self._wall() - written <= self._stale_after_s and 0 <= _age(status, now) <= self._stale_after_s

    def _old(self, status: Mapping[str, Any], now: float, written: float) -> bool:
        aged = not 0 <= _age(status, now) <= self._stale_after_s
        return self._wall() - written > self._stale_after_s and aged


def _age(status: Mapping[str, Any], now: float) -> float:
    written = status.get("monotonic")
    return now - written if isinstance(written, int | float) else float("inf")
