"""What the recipe judged of a part."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from inspector.domain.detection import Detection


class Outcome(IntEnum):
    """What the gate is told. UNDECIDED is never treated as a pass. Ordered from mild to severe."""

    PASS = 1
    UNDECIDED = 2
    FAIL = 3


class Severity(Enum):
    """How grave a class of defect is for the part's user."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The rule that decided, what it measured, and its limit: what a person checks first.

    ``rule`` is the rule's id in the recipe ("class.crack.any", "score.max") or a law of the house
    ("law.late"). ``measured`` and ``limit`` are in ``unit`` ("mm", "score", "count", "ms", ...).
    """

    rule: str
    measured: float
    limit: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What the recipe JUDGED of one detection.

    ``sure``: it counts against the part; otherwise it lies in the doubtful band. ``rule`` is the rule
    that it broke alone, or the rule it was counted by. Sizes in mm are None where no scale is set.
    """

    detection: Detection
    severity: Severity
    weight: float
    sure: bool
    rule: str
    length_mm: float | None
    width_mm: float | None
    area_mm2: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Outcome, reason in words, the deciding rule with its figures, and the defects."""

    outcome: Outcome
    reason: str
    decision: Decision
    defects: tuple[Defect, ...] = ()
    severity_score: float = 0.0


def undecided(reason: str, *, rule: str, measured: float = 0.0, limit: float = 0.0, unit: str = "") -> Verdict:
    """A verdict by a law of the house, not by a recipe: something kept us from judging."""
    return Verdict(
        outcome=Outcome.UNDECIDED,
        reason=reason,
        decision=Decision(rule=rule, measured=measured, limit=limit, unit=unit),
    )


def worst(defects: Sequence[Defect]) -> Defect | None:
    """The gravest defect: by certainty, weight, then score and size. None for none."""
    return max(
        defects,
        key=lambda d: (d.sure, d.weight, d.detection.score, d.detection.area_px),
        default=None,
    )
