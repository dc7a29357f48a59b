"""The desk at which people judge what the machine judged: what waits there, and where they sign."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from inspector.domain.inspection import Review
from inspector.domain.shifts import Span
from inspector.ports.history import Page, PartLine

NEAR = 0.2
"""Borderline: the figure that decided lies within this share of its limit."""


class QueueKind(Enum):
    """Which parts wait. Only parts that nobody has reviewed do, each once in a queue.

    REJECTS: FAIL and UNDECIDED. BORDERLINE: judged by the recipe with the deciding figure within ``NEAR`` of its limit,
    passes with a kept picture among them. SAMPLE: passes whose picture was kept at random: what looks for escapes.
    """

    REJECTS = "rejects"
    BORDERLINE = "borderline"
    SAMPLE = "sample"


class QueueOrder(Enum):
    """Which comes first: the oldest trigger, or the deciding figure nearest to its limit (then the oldest)."""

    OLDEST = "oldest"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which part of a queue; all that is given must hold. ``opened``: a shift's span, by the trigger."""

    kind: QueueKind = QueueKind.REJECTS
    recipe: str = ""
    label: str = ""
    opened: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """One part that waits. ``nearness``: distance of the deciding figure from its limit as a share of the limit.

    None: no figure decided (a law of the house did). ``probability``: that this part came to be looked at at all: 1
    but for a sampled pass.
    """

    line: PartLine
    nearness: float | None
    probability: float


class ReviewQueue(Protocol):
    """What waits for a person. Each call may raise JournalError."""

    def waiting(
        self,
        which: QueueFilter,
        *,
        order: QueueOrder = QueueOrder.OLDEST,
        after: str = "",
        limit: int = 50,
    ) -> Page[QueueItem]:
        """The next parts, at most 200. ``after``: ``following`` of the page before.

        Raises:
            ValueError: ``after`` is not one of ours, or of another order.
        """
        ...

    def left(self, which: QueueFilter) -> int:
        """How many wait."""
        ...


class ReviewDesk(Protocol):
    """Where people sign."""

    def sign(self, review: Review) -> int:
        """Write a review and its row in the audit chain; give its journal_seq.

        A WITHDRAWN review puts the part back into its queue.

        Raises:
            ReviewError: no such part; it is reviewed already (``second`` False); a second review by the same person, or
                of a part that nobody reviewed; ``withdraws`` names no standing review of that person.
            JournalError: the disk did not take it.
        """
        ...
