"""Takes turns: every round each measured process works in its turn, alone, so that all meet the same neighbours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspector.app.bench import machine
from inspector.app.bench.client import Measured
from inspector.domain.errors import DeviceError

Tell = Callable[[str], None]
"""Told, now and then, how far it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one process does in a round: look at ``frames`` (numbers of loaded frames), ``times`` at each."""

    name: str
    process: Measured
    frames: Sequence[int]
    times: int = 1


@dataclass(slots=True, kw_only=True)
class Series:
    """What the turns of one name gave, in order. ``trouble``: why it stopped short; "" if it did not."""

    looks: list[dict[str, Any]] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    trouble: str = ""

    def values(self, key: str) -> list[float]:
        """One number of every look that has it."""
        return [float(look[key]) for look in self.looks if look.get(key) is not None]

    @property
    def load(self) -> dict[str, float]:
        """Load average before the first turn, after the last, and the highest between."""
        return {"before": self.loads[0], "after": self.loads[-1], "highest": max(self.loads)} if self.loads else {}


def take_turns(turns: Sequence[Turn], rounds: int, tell: Tell) -> Mapping[str, Series]:
    """``rounds`` rounds of all turns. A process that fails leaves the round; the others go on.

    In round n a turn looks at its n-th frame, over and over: every frame is looked at about equally often.
    """
    series = {turn.name: Series() for turn in turns}
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}, load {machine.load():.1f}")
        for turn in turns:
            found = series[turn.name]
            if found.trouble:
                continue
            before = machine.load()
            try:
                found.looks += turn.process.look(turn.frames[number % len(turn.frames)], times=turn.times)
            except DeviceError as error:
                found.trouble = error.reason
            found.loads += [before, machine.load()]
    return series
