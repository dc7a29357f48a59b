"""Which readings of a module's counters must be read once more before they are believed. Pure: no clock, no device.

A damaged word in one answer is a part that nobody saw, a part that is elsewhere on the belt, or a million parts. What
is new is therefore read twice: counters must say the same again; the encoder must go on the way it came, and no
faster. A damaged one comes back. Modbus TCP has no checksum of its own, and a module may be ill.
"""

from collections.abc import Mapping

COUNTER = 1 << 32
_STEADY = ("trigger", "trigger_encoder", "good_count", "reject_count")
_ENCODER = "encoder"
_SMALL = 16
"""Counts of the encoder by which any reading may differ: a belt that stands trembles."""
_MOST = COUNTER // 4
_FORGOTTEN_S = 1.0

Counters = Mapping[str, int]


class Doubt:
    """Knows the last counters that were believed. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._last: Counters | None = None
        self._at = 0.0
        self._speed = 0.0

    def surprising(self, counters: Counters, at: float) -> bool:
        """Whether these must be read once more."""
        last = self._last
        if last is None or any(counters.get(name) != last.get(name) for name in _STEADY):
            return True
        if _ENCODER not in counters:
            return False
        expected = self._speed * (at - self._at)
        off = signed(counters[_ENCODER], last[_ENCODER]) - expected
        return abs(off) > max(abs(expected), _SMALL)

    def agree(self, first: Counters, again: Counters, at: float) -> bool:
        """Whether the second reading says what the first one said."""
        if any(first.get(name) != again.get(name) for name in _STEADY):
            return False
        last = self._last
        if _ENCODER not in first or last is None or at - self._at > _FORGOTTEN_S:
            return True
        came = signed(first[_ENCODER], last[_ENCODER])
        on = signed(again[_ENCODER], first[_ENCODER])
        return abs(on) <= _SMALL or (abs(on) <= min(abs(came), _MOST) and (on > 0) == (came > 0))

    def believe(self, counters: Counters, at: float) -> None:
        """These are taken."""
        if self._last is not None and _ENCODER in counters and at > self._at:
            self._speed = signed(counters[_ENCODER], self._last[_ENCODER]) / (at - self._at)
        self._last, self._at = counters, at


def signed(now: int, before: int) -> int:
    """How far a 32-bit counter went, the shorter way round."""
    ahead = (now - before) % COUNTER
    return ahead if ahead < COUNTER // 2 else ahead - COUNTER
