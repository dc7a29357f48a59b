"""Where the parts are: pure kinematics of a belt with an encoder; no clock, every time is an argument.

Belt zero is the belt at the start of the run. A part at ``position_mm`` crosses the light gate when the belt has
moved that far, and is at the ejector ``ejector_distance_mm`` later.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

COUNTER = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part lying on the belt. ``scene``: which picture of the pool it shows."""

    index: int
    position_mm: float
    scene: int


def parts(*, seed: int, spacing_mm: float, jitter_mm: float, pool: int) -> Iterator[Part]:
    """All parts of a run, in order, without end. Every scene of the pool comes once a lap, in a new order.

    No scene comes twice in a row: no camera takes the same picture twice, bit for bit.
    """
    stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0xBE17])))
    order: list[int] = []
    index, before = 0, -1
    while True:
        if not order:
            order = [int(scene) for scene in stream.permutation(pool)]
            if order[-1] == before:
                order.reverse()
        offset = float(stream.uniform(-jitter_mm, jitter_mm))
        before = order.pop()
        yield Part(index=index, position_mm=spacing_mm * (index + 1) + offset, scene=before)
        index += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """How the belt moves since ``anchor_at`` (monotonic seconds), when it stood at ``anchor_mm``.

    ``speed_mm_s`` below 0: it runs back.
    """

    speed_mm_s: float
    anchor_at: float
    anchor_mm: float = 0.0
    running: bool = False

    def position(self, now: float) -> float:
        """How far the belt has moved by ``now``, mm."""
        if not self.running:
            return self.anchor_mm
        return self.anchor_mm + max(0.0, now - self.anchor_at) * self.speed_mm_s

    def when(self, position_mm: float) -> float | None:
        """The moment at which the belt reaches (or reached) this position; None while it stands or runs back."""
        if not self.running or self.speed_mm_s <= 0:
            return None
        return self.anchor_at + (position_mm - self.anchor_mm) / self.speed_mm_s

    def started(self, now: float) -> "Motion":
        """The belt runs from ``now`` on."""
        return Motion(speed_mm_s=self.speed_mm_s, anchor_at=now, anchor_mm=self.position(now), running=True)

    def stopped(self, now: float) -> "Motion":
        """The belt stands from ``now`` on."""
        return Motion(speed_mm_s=self.speed_mm_s, anchor_at=now, anchor_mm=self.position(now), running=False)

    def at_speed(self, speed_mm_s: float, now: float) -> "Motion":
        """From ``now`` on it runs (or would run) at this speed."""
        return Motion(speed_mm_s=speed_mm_s, anchor_at=now, anchor_mm=self.position(now), running=self.running)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """Counts of a 32-bit encoder on the belt; it wraps and is never reset."""

    counts_per_mm: float
    start: int = 0

    def counts(self, position_mm: float) -> int:
        """The count that stands while the belt is at this position."""
        return (self.start + int(position_mm * self.counts_per_mm)) % COUNTER


def counts_between(later: int, earlier: int) -> int:
    """Counts from ``earlier`` to ``later`` with wrap; negative if it lies before."""
    ahead = (later - earlier) % COUNTER
    return ahead if ahead < COUNTER // 2 else ahead - COUNTER
