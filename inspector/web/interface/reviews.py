"""The review desk for programs."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from starlette.exceptions import HTTPException

from inspector.domain.account import Access
from inspector.domain.inspection import Review
from inspector.ports.review import QueueFilter, QueueItem, QueueKind, QueueOrder
from inspector.web import reviewing
from inspector.web.access import Here, Routes
from inspector.web.interface.inspections import file_of
from inspector.web.station import Json

ROUTES = Routes("review")
_SAID = {
    409: {"description": "it does not fit: reviewed already (``standing``: by whom), no such reason"},
    428: {"description": "a critical defect is overruled: send the secret again as a signature"},
    422: {"description": "the signature is wrong, or the body"},
    423: {"description": "too many wrong signatures: the account is locked"},
    404: {"description": "no such part"},
}


@ROUTES.get("/api/review/queue", Access.ANYONE)
def queue(
    visit: Here,
    kind: QueueKind = QueueKind.REJECTS,
    order: QueueOrder = QueueOrder.OLDEST,
    recipe: Annotated[str, Query(max_length=200)] = "",
    label: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str, Query(max_length=500)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Json:
    """What waits for a person; ``following`` is the ``after`` of the next page, "" at the end."""
    which = QueueFilter(kind=kind, recipe=recipe, label=label, reader=visit.person.name)
    try:
        page = visit.station.queue.waiting(which, order=order, after=after, limit=limit)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return {
        "left": visit.station.queue.left(which),
        "items": [_item(item) for item in page.items],
        "following": page.following,
    }


def _item(item: QueueItem) -> Json:
    line = item.line
    return {
        "resultId": str(line.result_id),
        "partSeq": line.part.part_seq,
        "partId": line.part.serial,
        "lot": line.part.lot,
        "outcome": line.outcome.name,
        "reason": line.reason,
        "classes": list(line.labels),
        "openedTime": line.opened_utc.isoformat(),
        "nearness": item.nearness,
        "probability": item.probability,
    }


@ROUTES.get("/api/inspections/{result_id}/reviews", Access.ANYONE, responses={404: _SAID[404]})
def reviews(visit: Here, result_id: UUID) -> Json:
    """Every review of a part, those that were taken back too."""
    file = file_of(visit, result_id)
    return {"items": [{"journalSeq": one.journal_seq, **_review(one.review)} for one in file.reviews]}


def _review(review: Review) -> Json:
    return {
        "reviewer": review.reviewer,
        "opinion": review.opinion.value,
        "trueOutcome": review.true_outcome,
        "reason": review.reason,
        "comment": review.comment,
        "second": review.second,
        "signed": review.signed,
        "withdraws": review.withdraws,
        "creationTime": review.at_utc.isoformat(),
        "corrected": review.corrected,
        "corrections": [
            {
                "class": mark.label,
                "bboxPx": [mark.box.x, mark.box.y, mark.box.width, mark.box.height],
                "defect": mark.defect,
            }
            for mark in review.corrections
        ],
    }


@ROUTES.post("/api/inspections/{result_id}/review", Access.ANYONE, responses=_SAID)
def sign(visit: Here, result_id: UUID, given: reviewing.ReviewGiven) -> Json:
    """Write a review: a new row, and a row of the audit chain. What the PLC was told stays as it is."""
    return {"journalSeq": reviewing.review(visit, file_of(visit, result_id), given)}


@ROUTES.delete("/api/inspections/{result_id}/review/{number}", Access.ANYONE, responses=_SAID)
def undo(visit: Here, result_id: UUID, number: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Json:
    """Take one's own review back by its journalSeq: one more row that says so. The part waits again."""
    return {"journalSeq": reviewing.withdraw(visit, result_id, number)}
