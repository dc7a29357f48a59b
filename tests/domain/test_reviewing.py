"""Which review counts, and what it says of the part."""

from dataclasses import replace

import pytest

from inspector.domain.geometry import Box
from inspector.domain.inspection import Mark, Opinion, Review
from inspector.domain.reviewing import (
    SignedReview,
    false_calls,
    is_bad,
    labels_of,
    needs_signature,
    opinion_on,
    standing,
)
from inspector.domain.verdict import Outcome
from tests.adapters.journal_sql.records import CRACKED, inspection, review

BAD = inspection(1, CRACKED)
GOOD = inspection(2)
BOX = Box(x=9, y=9, width=5, height=5)
SEEN = CRACKED.defects[0].detection


def said(number: int, opinion: Opinion, **more: object) -> SignedReview:
    signed = replace(review(BAD.result_id), opinion=opinion, corrections=(), **more)  # type: ignore[arg-type]
    return SignedReview(journal_seq=number, review=signed)


def of(opinion: Opinion, truth: str, *marks: Mark) -> Review:
    return replace(review(BAD.result_id), opinion=opinion, true_outcome=truth, corrections=marks)


def test_the_last_review_that_nobody_took_back_counts() -> None:
    first, slip = said(1, Opinion.AGREE), said(2, Opinion.DISAGREE)
    undo = said(3, Opinion.WITHDRAWN, withdraws=2)
    assert standing([]) is None
    assert standing([first, slip]) == slip
    assert standing([first, slip, undo]) == first
    assert standing([slip, undo]) is None


@pytest.mark.parametrize(
    ("outcome", "truth", "opinion"),
    [
        (Outcome.FAIL, Outcome.FAIL, Opinion.AGREE),
        (Outcome.FAIL, Outcome.PASS, Opinion.DISAGREE),
        (Outcome.PASS, Outcome.FAIL, Opinion.DISAGREE),
        (Outcome.PASS, Outcome.PASS, Opinion.AGREE),
        (Outcome.UNDECIDED, Outcome.FAIL, Opinion.AGREE),
        (Outcome.UNDECIDED, Outcome.PASS, Opinion.DISAGREE),
        (Outcome.UNDECIDED, None, Opinion.UNSURE),
    ],
)
def test_a_truth_is_an_opinion_of_the_verdict(outcome: Outcome, truth: Outcome | None, opinion: Opinion) -> None:
    assert opinion_on(outcome, truth) is opinion


def test_a_critical_defect_is_overruled_with_a_signature_only() -> None:
    assert needs_signature(BAD, Opinion.DISAGREE)
    assert not needs_signature(BAD, Opinion.AGREE)
    assert not needs_signature(GOOD, Opinion.DISAGREE)


def test_labels_are_the_persons_where_class_or_box_differ() -> None:
    kept = Mark(label=SEEN.label, box=SEEN.box, defect=0)
    labels = labels_of(BAD, of(Opinion.AGREE, "FAIL", kept, replace(kept, label="dent"), Mark(label="hole", box=BOX)))
    assert labels is not None
    assert [(one.label, one.by_person) for one in labels] == [(SEEN.label, False), ("dent", True), ("hole", True)]
    assert labels_of(BAD, of(Opinion.DISAGREE, "PASS")) == ()
    assert labels_of(GOOD, of(Opinion.DISAGREE, "FAIL")) is None, "bad, but nobody said where"
    assert labels_of(BAD, of(Opinion.UNSURE, "")) is None
    assert is_bad(Outcome.FAIL, of(Opinion.WITHDRAWN, "FAIL")) is None


def test_a_defect_that_no_mark_continues_is_a_false_call() -> None:
    everything = frozenset(range(len(CRACKED.defects)))
    assert false_calls(BAD, of(Opinion.DISAGREE, "PASS")) == everything
    assert false_calls(BAD, of(Opinion.AGREE, "FAIL")) == frozenset()
    kept = Mark(label=SEEN.label, box=SEEN.box, defect=0)
    assert false_calls(BAD, of(Opinion.AGREE, "FAIL", kept)) == everything - {0}


def test_a_correction_that_left_no_defect_is_not_the_same_as_none() -> None:
    everything = frozenset(range(len(CRACKED.defects)))
    cleared = replace(of(Opinion.AGREE, "FAIL"), cleared=True)
    assert (cleared.corrected, of(Opinion.AGREE, "FAIL").corrected) == (True, False)
    assert false_calls(BAD, cleared) == everything
    assert labels_of(BAD, cleared) is None, "bad, but no box of the machine's says where"
    assert labels_of(GOOD, replace(of(Opinion.AGREE, "PASS"), cleared=True)) == ()
