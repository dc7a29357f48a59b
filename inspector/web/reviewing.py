"""Takes what a person says of a part to the desk, from a page or from a program."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.errors import ReviewError
from inspector.domain.geometry import Box
from inspector.domain.inspection import Inspection, Mark, Opinion, Review
from inspector.domain.reviewing import OvertakenError, SignedReview, needs_signature, standing
from inspector.domain.verdict import Outcome
from inspector.ports.history import PartFile
from inspector.web.access import Visit
from inspector.web.station import Json
from inspector.web.words import Words

_STRICT = ConfigDict(extra="forbid")
_LARGEST_PX = 1e6
MOST_MARKS = 1000
WITHDRAWN_WITHIN = timedelta(minutes=2)
"""The page offers it for ten seconds; an answer, or signing in again, may take the rest."""
_OF_ONE_KIND = frozenset({"dirt", "reflection", "within-tolerance", "missed"})
"""Usual reasons that fit only a reject, or only a part that was let pass."""
_ANY = ("other",)
"""Offered where none of a site's reasons fits."""


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
    corrected: bool | None = Field(
        None,
        description="whether the corrections say all defects there are; true with none: all boxes are no defects. "
        "null: as the list is empty or not",
    )
    standing: int | None = Field(
        None,
        ge=1,
        le=2**63 - 1,
        description="journalSeq of the review that stood when you looked, null for none; another one meanwhile is "
        "answered 409. Left out: whichever stands",
    )
    secret: str = Field("", max_length=1000, description="PIN or password again, where a critical defect is overruled")


def review(visit: Visit, file: PartFile, given: ReviewGiven) -> int:
    """Sign it; the review's number in the journal.

    Raises:
        ReviewError: it does not fit, OvertakenError: not any more; UnsignedError: it must be signed; RefusedError: the
            signature is wrong.
    """
    codes = visit.station.site.reasons[given.opinion]
    if given.reason not in {*codes, *fitting(visit.station.site.reasons, file.inspection, given.opinion)}:
        raise ReviewError(f"reason {given.reason!r} is none for {given.opinion}; there are: {', '.join(codes)}")
    if given.corrections and given.corrected is False:
        raise ReviewError("corrected = false, but there are corrections: leave one of the two out")
    person, opinion, now = visit.person, Opinion(given.opinion), standing(file.reviews)
    seen = given.standing if "standing" in given.model_fields_set else now.journal_seq if now else None
    if seen != (now.journal_seq if now else None):
        raise OvertakenError("another review stands than the one that was seen", now=now)
    signed = needs_signature(file.inspection, opinion)
    if signed:
        visit.sign(given.secret)
    return visit.station.desk.sign(
        Review(
            result_id=file.inspection.result_id,
            reviewer=person.name,
            opinion=opinion,
            true_outcome=_truth(file.inspection.verdict.outcome, opinion),
            reason=given.reason,
            at_utc=visit.station.now(),
            corrections=tuple(_mark(mark) for mark in given.corrections),
            cleared=bool(given.corrected) and not given.corrections,
            comment=given.comment,
            second=seen is not None,
            signed=signed,
        ),
        after=seen,
    )


def withdraw(visit: Visit, result_id: UUID, journal_seq: int) -> int:
    """Take back one's own review: it was a slip. The part waits again.

    Raises:
        ReviewError: it is not theirs, does not stand, or was written too long ago.
    """
    now = visit.station.now()
    file = visit.station.history.part(result_id)
    written = next((one for one in file.reviews if one.journal_seq == journal_seq), None) if file else None
    if written is not None and now - written.review.at_utc > WITHDRAWN_WITHIN:
        raise ReviewError("it was written too long ago to be a slip: somebody else may review the part again")
    return visit.station.desk.sign(
        Review(
            result_id=result_id,
            reviewer=visit.person.name,
            opinion=Opinion.WITHDRAWN,
            true_outcome="",
            reason="undo",
            at_utc=now,
            withdraws=journal_seq,
        )
    )


def fitting(reasons: Mapping[str, tuple[str, ...]], inspection: Inspection, opinion: str) -> tuple[str, ...]:
    """The site's reasons for this opinion that fit the part, in the order of their buttons; at least one."""
    codes = reasons[opinion]
    if opinion == Opinion.DISAGREE.value:
        passed = inspection.verdict.outcome is Outcome.PASS
        codes = tuple(code for code in codes if code not in _OF_ONE_KIND or (code == "missed") is passed)
    return codes or _ANY


def opinion_words(words: Words) -> dict[Opinion, str]:
    """What a person said, in words."""
    _ = words.gettext
    return {Opinion.AGREE: _("Confirmed"), Opinion.DISAGREE: _("Overruled"), Opinion.UNSURE: _("Don't know")}


def reason_words(words: Words) -> dict[str, str]:
    """The usual reason codes in words; a site's own code is its own word."""
    _ = words.gettext
    return {
        "confirmed": _("Checked"),
        "dirt": _("Dirt or dust"),
        "reflection": _("Lighting or reflection"),
        "within-tolerance": _("Within tolerance"),
        "position": _("Part misplaced"),
        "missed": _("Missed defect"),
        "second-opinion": _("Second opinion"),
        "picture": _("Poor image"),
        "other": _("Other reason"),
    }


def said(signed: SignedReview, words: Words) -> str:
    """When it was decided, what and why, in one line."""
    review = signed.review
    reason = reason_words(words).get(review.reason, review.reason)
    return f"{words.moment(review.at_utc)}: {opinion_words(words)[review.opinion]} ({reason})"


def overtaken(now: SignedReview | None, words: Words, *, reader: str) -> Json:
    """What is told somebody whose review came after another one: in words, and what they need to go on."""
    if now is None:
        text = words.gettext("The review shown on this page was withdrawn. Yours would be the first.")
        return {"detail": text, "standing": None}
    review = now.review
    text = words.gettext("Someone else has reviewed this part in the meantime. Yours would be a second review.")
    if review.reviewer == reader:
        text = words.gettext("You have already reviewed this part.")
    return {
        "detail": f"{text} {review.reviewer}, {said(now, words)}",
        "standing": {
            "journalSeq": now.journal_seq,
            "reviewer": review.reviewer,
            "opinion": review.opinion.value,
            "reason": review.reason,
            "creationTime": review.at_utc.isoformat(),
        },
    }


def _truth(outcome: Outcome, opinion: Opinion) -> str:
    """What the part is in this person's word. UNDECIDED was rejected: to confirm that is to call it bad."""
    if opinion is Opinion.UNSURE:
        return ""
    rejected = outcome is not Outcome.PASS
    return "FAIL" if rejected == (opinion is Opinion.AGREE) else "PASS"


def _mark(given: MarkGiven) -> Mark:
    box = Box(x=given.x, y=given.y, width=given.width, height=given.height)
    return Mark(label=given.label, box=box, defect=given.defect)
