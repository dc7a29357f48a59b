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
    """Which parts wait, each once in a queue; all but those of UNSURE were reviewed by nobody.

    REJECTS: FAIL and UNDECIDED. BORDERLINE: judged by the recipe with the deciding figure within ``NEAR`` of its limit,
    passes with a kept picture among them. SAMPLE: passes whose picture was kept at random: what looks for escapes.
    UNSURE: the review that counts says that its person does not know; somebody else is to decide.
    """

    REJECTS = "rejects"
    BORDERLINE = "borderline"
    SAMPLE = "sample"
    UNSURE = "unsure"


class QueueOrder(Enum):
    """Which comes first: the oldest trigger, or the deciding figure nearest to its limit (then the oldest)."""

    OLDEST = "oldest"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which part of a queue; all that is given must hold. ``opened``: a shift's span, by the trigger.

    ``reader``: who asks; of UNSURE, parts that they themselves left open are not theirs to decide.
    """

    kind: QueueKind = QueueKind.REJECTS
    recipe: str = ""
    label: str = ""
    opened: Span | None = None
    reader: str = ""


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

    def sign(self, review: Review, *, after: int | None = None) -> int:
        """Write a review and its row in the audit chain; give its journal_seq.

        A WITHDRAWN review puts the part back into its queue. ``after``: the number of the review that stood when a
        ``second`` one's person looked; None: whichever.

        Raises:
            ReviewError: no such part; it is reviewed already (``second`` False); a second review by the same person, or
                of a part that nobody reviewed; ``withdraws`` names no standing review of that person.
            OvertakenError: a ReviewError too: another review stands than ``second`` and ``after`` say.
            JournalError: the disk did not take it.
        """
        ...
