"""What another recipe would have said of parts that were judged: from what the model saw, without pixels. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from inspector.domain.detection import Detection
from inspector.domain.frame import PartId
from inspector.domain.geometry import Scale
from inspector.domain.recipe import Recipe
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome, Verdict

LAW = "law."
"""Rules of the house begin with it: no recipe decided these parts, so none is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPart:
    """One part of the archive: what was seen, and how it ended by which rule."""

    result_id: UUID
    part: PartId
    outcome: Outcome
    rule: str
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A part that would have ended otherwise."""

    part: JudgedPart
    now: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """``moved``: how many parts went from which outcome to which, those that stayed too; ``flips``: those that did not.

    ``left_out``: parts that no recipe had judged (late, missed, no frame).
    """

    parts: int
    left_out: int
    moved: dict[tuple[Outcome, Outcome], int]
    flips: tuple[Flip, ...]


def what_if(recipe: Recipe, archive: Iterable[JudgedPart], scale: Scale | None) -> WhatIf:
    """Judge every part again by ``recipe``, with the scale of its time."""
    moved: Counter[tuple[Outcome, Outcome]] = Counter()
    flips: list[Flip] = []
    left_out = 0
    clean = judge(recipe, (), scale)
    for part in archive:
        if part.rule.startswith(LAW):
            left_out += 1
            continue
        verdict = judge(recipe, part.detections, scale) if part.detections else clean
        moved[part.outcome, verdict.outcome] += 1
        if verdict.outcome is not part.outcome:
            flips.append(Flip(part=part, now=verdict))
    return WhatIf(parts=sum(moved.values()), left_out=left_out, moved=dict(moved), flips=tuple(flips))
