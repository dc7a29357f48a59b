"""Takes what a person says of a part to the desk, from a page or from a program."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.errors import ReviewError
from inspector.domain.geometry import Box
from inspector.domain.inspection import Mark, Opinion, Review
from inspector.domain.reviewing import needs_signature, standing
from inspector.domain.verdict import Outcome
from inspector.ports.history import PartFile
from inspector.web.access import Visit

_STRICT = ConfigDict(extra="forbid")
_LARGEST_PX = 1e6
MOST_MARKS = 1000


class MarkGiven(BaseModel):
    """A defect as the person sees it, in frame pixels; ``defect``: which of the machine's it continues."""

    model_config = _STRICT

    label: str = Field(min_length=1, max_length=100)
    x: float = Field(ge=-_LARGEST_PX, le=_LARGEST_PX)
    y: float = Field(ge=-_LARGEST_PX, le=_LARGEST_PX)
    width: float = Field(gt=0, le=_LARGEST_PX)
    height: float = Field(gt=0, le=_LARGEST_PX)
    defect: int | None = Field(None, ge=0, le=100_000)


class ReviewGiven(BaseModel):
    """What a person says: the verdict was right (agree), wrong (disagree), or that they do not know (unsure)."""

    model_config = _STRICT

    opinion: Literal["agree", "disagree", "unsure"]
    reason: str = Field(min_length=1, max_length=100, description="one of the site's reason codes for this opinion")
    comment: str = Field("", max_length=2000)
    corrections: list[MarkGiven] = Field(default_factory=list, max_length=MOST_MARKS)
    secret: str = Field("", max_length=1000, description="PIN or password again, where a critical defect is overruled")


def review(visit: Visit, file: PartFile, given: ReviewGiven) -> int:
    """Sign it; the review's number in the journal.

    Raises:
        ReviewError: it does not fit; UnsignedError: it must be signed; RefusedError: the signature is wrong.
    """
    codes = visit.station.site.reasons[given.opinion]
    if given.reason not in codes:
        raise ReviewError(f"reason {given.reason!r} is none for {given.opinion}; there are: {', '.join(codes)}")
    person, opinion = visit.person, Opinion(given.opinion)
    signed = needs_signature(file.inspection, opinion)
    if signed:
        visit.gatekeeper.sign(person, given.secret)
    return visit.station.desk.sign(
        Review(
            result_id=file.inspection.result_id,
            reviewer=person.name,
            opinion=opinion,
            true_outcome=_truth(file.inspection.verdict.outcome, opinion),
            reason=given.reason,
            at_utc=visit.station.now(),
            corrections=tuple(_mark(mark) for mark in given.corrections),
            comment=given.comment,
            second=standing(file.reviews) is not None,
            signed=signed,
        )
    )


def withdraw(visit: Visit, result_id: UUID, journal_seq: int) -> int:
    """Take back one's own review: it was a slip. The part waits again."""
    return visit.station.desk.sign(
        Review(
            result_id=result_id,
            reviewer=visit.person.name,
            opinion=Opinion.WITHDRAWN,
            true_outcome="",
            reason="undo",
            at_utc=visit.station.now(),
            withdraws=journal_seq,
        )
    )


def _truth(outcome: Outcome, opinion: Opinion) -> str:
    """What the part is in this person's word. UNDECIDED was rejected: to confirm that is to call it bad."""
    if opinion is Opinion.UNSURE:
        return ""
    rejected = outcome is not Outcome.PASS
    return "FAIL" if rejected == (opinion is Opinion.AGREE) else "PASS"


def _mark(given: MarkGiven) -> Mark:
    box = Box(x=given.x, y=given.y, width=given.width, height=given.height)
    return Mark(label=given.label, box=box, defect=given.defect)
