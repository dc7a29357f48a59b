"""The book as people read it: parts found by what is known of them, one part with all that was said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from inspector.domain.frame import PartId
from inspector.domain.inspection import Disposal, EvidenceRef, Inspection, ModelStamp, Opinion, RecipeStamp
from inspector.domain.reviewing import SignedReview
from inspector.domain.shifts import Span
from inspector.domain.verdict import Decision, Outcome

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some items, and where the next ones begin: "" after the last; only the method that gave it can read it."""

    items: tuple[Item, ...]
    following: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLine:
    """One part as a line of a list. ``labels``: its classes of defect, each once, the gravest first.

    ``opinion``, ``true_outcome``, ``reviewer``: of the review that counts; None and "" where there is none.
    """

    journal_seq: int
    result_id: UUID
    station: str
    part: PartId
    opened_utc: datetime
    created_utc: datetime
    outcome: Outcome
    reason: str
    decision: Decision
    recipe: RecipeStamp
    model: ModelStamp
    labels: tuple[str, ...]
    defects: int
    evidence: EvidenceRef | None
    kept_probability: float
    opinion: Opinion | None
    true_outcome: str
    reviewer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSearch:
    """What is known of the parts sought; all that is given must hold. ``serial``: the part id, whole.

    ``opened``: when their triggers came. ``label``: they have a defect of this class. ``disagreement``: the review
    that counts overruled the machine. ``model`` and ``recipe``: names, any revision.
    """

    serial: str = ""
    lot: str = ""
    part_seq: int | None = None
    opened: Span | None = None
    label: str = ""
    outcome: Outcome | None = None
    disagreement: bool = False
    model: str = ""
    recipe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """One part with all that was said of it, in the order of the book."""

    journal_seq: int
    inspection: Inspection
    reviews: tuple[SignedReview, ...]
    disposals: tuple[Disposal, ...]


class History(Protocol):
    """Finds parts. No call holds a transaction over 20 ms or 200 rows. Each may raise JournalError."""

    def search(self, sought: PartSearch, *, after: str = "", limit: int = 50) -> Page[PartLine]:
        """Parts by their triggers, newest first, at most 200. ``after``: ``following`` of the page before.

        Raises:
            ValueError: ``after`` is not one of ours.
        """
        ...

    def part(self, result_id: UUID) -> PartFile | None:
        """One part; None if no such result stands in the book."""
        ...

    def reject_number(self, result_id: UUID, since: datetime) -> int:
        """The how-manieth part that was not passed this is since then (its shift's start), to find it in the bin."""
        ...


class Names(Protocol):
    """What there is to filter by."""

    def recipes(self) -> Sequence[str]:
        """Names of the recipes that judged any part."""
        ...

    def labels(self) -> Sequence[str]:
        """Classes of defect that any part has had."""
        ...

    def models(self) -> Sequence[str]:
        """Names of the models that looked at any part."""
        ...
