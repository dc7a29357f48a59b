"""The book in figures: what was counted, by shift, lot, hour and class. Nothing is ever reset: figures are queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from inspector.domain.shifts import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which parts are counted; all that is given must hold. ``span``: by the trigger, in whole minutes.

    ``lot`` with neither recipe nor span is the whole lot.
    """

    span: Span | None = None
    lot: str = ""
    recipe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many parts ended how. ``undecided``: in the recipe's band; ``kept_from``: UNDECIDED by a law of the house.

    Rates are of ``parts``; the caller says of which.
    """

    passed: int = 0
    failed: int = 0
    undecided: int = 0
    kept_from: int = 0

    @property
    def parts(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.undecided + self.kept_from

    @property
    def share_passed(self) -> float | None:
        """Yield: passes among all parts; None of no parts."""
        return self.passed / self.parts if self.parts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSpan:
    """What was counted in one span of time."""

    span: Span
    counted: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount:
    """One class of defect: how many defects on how many parts, and what reviewers made of them.

    ``reviewed``: those of its defects on parts with a review that counts; ``false_calls``: the overruled among them.
    """

    label: str
    defects: int
    parts: int
    reviewed: int
    false_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LotCount:
    """One lot: when its first and last part came (UTC), and how they ended."""

    lot: str
    span: Span
    counted: Counted


class Figures(Protocol):
    """Counts. Each call may raise JournalError."""

    def count(self, selection: Selection) -> Counted:
        """How the selected parts ended."""
        ...

    def trend(self, spans: Sequence[Span], selection: Selection) -> Sequence[CountedSpan]:
        """The same for each of these spans (hours, shifts, days); ``selection.span`` is not used."""
        ...

    def pareto(self, selection: Selection) -> Sequence[ClassCount]:
        """Defects by class, most defects first."""
        ...


class Lots(Protocol):
    """Which lots ran."""

    def lots(self, limit: int = 20) -> Sequence[LotCount]:
        """The lots whose first part came last, newest first."""
        ...
