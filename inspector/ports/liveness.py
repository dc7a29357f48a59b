"""Whether the line lives, and what it last said of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol


class Life(Enum):
    """What is known of the line. A line that is not known to live is not called alive."""

    UNKNOWN = "unknown"
    ALIVE = "alive"
    STOPPED = "stopped"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """One look at the line: its life, why we say so, and the last status it wrote (empty if none was ever seen)."""

    life: Life
    reason: str
    status: Mapping[str, Any]


class LineWatch(Protocol):
    """Watches one line from outside. Called by one thread at a time, as often as it likes; never waits."""

    def look(self) -> Liveness:
        """Say how the line is now."""
        ...
