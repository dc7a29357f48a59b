"""What other processes ask of a running line, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

FORCE = "force"
"""The kind of a request that drives an output: its content has "output", "high" and "seconds"."""
FORCED_MOST_S = 600
WITHDRAW = "withdraw"
"""The kind of a request that takes back another: its content names that one's number ("request")."""


class RequestState(Enum):
    """How a request stands. Every state but RUNNING is the last word."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"
    ENDED = "ended"

    @property
    def final(self) -> bool:
        """Whether nothing more will be said."""
        return self is not RequestState.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something asked of one station's line. ``number``: the book's; ``content``: JSON-ready, by ``kind``."""

    number: int
    station: str
    kind: str
    content: Mapping[str, Any]
    asked_by: str
    asked_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the line says of a request: any number of RUNNING ones, then one last. ``figures``: how far it has come."""

    request: int
    station: str
    state: RequestState
    text: str
    at_utc: datetime
    figures: Mapping[str, int] = field(default_factory=dict)
