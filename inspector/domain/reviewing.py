"""What reviews say of a part: which one counts, whether the part is bad, which defects it truly has."""

from collections.abc import Sequence
from dataclasses import dataclass

from inspector.domain.errors import ReviewError
from inspector.domain.geometry import Box
from inspector.domain.inspection import Inspection, Mark, Opinion, Review
from inspector.domain.verdict import Outcome, Severity

_TRUTHS = {"pass": False, "good": False, "ok": False, "fail": True, "bad": True, "nok": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReview:
    """A review and its number in the journal."""

    journal_seq: int
    review: Review


class OvertakenError(ReviewError):
    """Another review stands than the one its person saw, or none any more. ``now``: the one that stands."""

    def __init__(self, reason: str, *, now: SignedReview | None) -> None:
        super().__init__(reason)
        self.now = now


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A defect to train on. ``by_person``: class or box are a person's, the machine's otherwise."""

    label: str
    box: Box
    by_person: bool


def opinion_on(outcome: Outcome, true_outcome: Outcome | None) -> Opinion:
    """What it means of the machine's verdict that the part is good, bad, or that nobody can say.

    UNDECIDED was rejected: a bad part makes that right, a good one a false reject.
    """
    if true_outcome is None:
        return Opinion.UNSURE
    rejected = outcome is not Outcome.PASS
    return Opinion.AGREE if rejected == (true_outcome is Outcome.FAIL) else Opinion.DISAGREE


def needs_signature(inspection: Inspection, opinion: Opinion) -> bool:
    """Whether the reviewer enters the password again: a critical defect is called none."""
    critical = any(defect.severity is Severity.CRITICAL for defect in inspection.verdict.defects)
    return critical and opinion is Opinion.DISAGREE and inspection.verdict.outcome is not Outcome.PASS


def standing(reviews: Sequence[SignedReview]) -> SignedReview | None:
    """The review that counts: the last that nobody took back. ``reviews``: of one part, in the journal's order."""
    withdrawn = {signed.review.withdraws for signed in reviews if signed.review.opinion is Opinion.WITHDRAWN}
    said = [
        signed
        for signed in reviews
        if signed.review.opinion is not Opinion.WITHDRAWN and signed.journal_seq not in withdrawn
    ]
    return said[-1] if said else None


def is_bad(outcome: Outcome, review: Review) -> bool | None:
    """Whether the part is bad in the reviewer's word; None where it cannot be said."""
    if review.opinion in {Opinion.UNSURE, Opinion.WITHDRAWN}:
        return None
    said = _TRUTHS.get(review.true_outcome.strip().lower())
    if said is not None:
        return said
    if review.opinion is Opinion.AGREE:
        return {Outcome.PASS: False, Outcome.FAIL: True}.get(outcome)
    return None


def labels_of(inspection: Inspection, review: Review) -> tuple[Label, ...] | None:
    """The defects that the part has, as far as they are known; None: bad, but nobody said where."""
    bad = is_bad(inspection.verdict.outcome, review)
    if bad is None:
        return None
    found = inspection.verdict.defects
    if review.corrected:
        marked = tuple(_label(mark, inspection) for mark in review.corrections)
        return marked if marked or not bad else None
    if not bad and review.opinion is Opinion.DISAGREE:
        return ()
    if not bad or review.opinion is Opinion.AGREE:
        labels = tuple(Label(label=d.detection.label, box=d.detection.box, by_person=False) for d in found)
        return labels if labels or not bad else None
    return None


def _label(mark: Mark, inspection: Inspection) -> Label:
    found = inspection.verdict.defects
    if mark.defect is None or mark.defect >= len(found):
        return Label(label=mark.label, box=mark.box, by_person=True)
    seen = found[mark.defect].detection
    return Label(label=mark.label, box=mark.box, by_person=(mark.label, mark.box) != (seen.label, seen.box))


def false_calls(inspection: Inspection, review: Review) -> frozenset[int]:
    """Positions of the machine's defects that are none in the reviewer's word."""
    positions = frozenset(range(len(inspection.verdict.defects)))
    if review.corrected:
        return positions - {mark.defect for mark in review.corrections if mark.defect is not None}
    overruled = review.opinion is Opinion.DISAGREE and inspection.verdict.outcome is not Outcome.PASS
    return positions if overruled else frozenset()
