"""Whether the PLC lives: only an echoed heartbeat proves it, never an open socket. Pure: times are given."""

from collections import deque

BEAT_S = 0.25
_COUNTER_MAX = 0xFFFF
_REMEMBERED = 512


class Life:
    """Counts our heartbeats and watches their echo on one connection at a time.

    ``dead_s``: without a proof for so long it is dead. A PC that stands still for less than that, less one beat, is no
    reason.
    """

    def __init__(self, dead_s: float) -> None:
        self._dead_s = dead_s
        self._counter = 0
        self._sent: deque[int] = deque(maxlen=_REMEMBERED)
        self._echo: int | None = None
        self._proved_at: float | None = None

    def forget(self) -> None:
        """A connection begins or ended: what was echoed before proves nothing any more."""
        self._sent.clear()
        self._echo = None
        self._proved_at = None

    def beat(self) -> int:
        """The next heartbeat, 1-65535."""
        self._counter = self._counter % _COUNTER_MAX + 1
        self._sent.append(self._counter)
        return self._counter

    def heard(self, echo: int, now: float) -> None:
        """Take the echo of one poll: it proves life if it changed to a heartbeat of this connection."""
        if self._echo is not None and echo != self._echo and echo in self._sent:
            self._proved_at = now
        self._echo = echo

    def alive(self, now: float) -> bool:
        """Whether life was proved within ``dead_s``."""
        return self._proved_at is not None and now - self._proved_at <= self._dead_s

    def silence_s(self, now: float) -> float | None:
        """Seconds since the last proof; None if there was none on this connection."""
        return None if self._proved_at is None else now - self._proved_at
