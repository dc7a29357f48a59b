"""Review: what waits for a person, and one part with everything that decides about it."""

import json
import pathlib
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from inspector.domain.account import Access
from inspector.domain.errors import ReviewError
from inspector.domain.inspection import Inspection, Opinion
from inspector.domain.reviewing import needs_signature, standing
from inspector.domain.shifts import Shift
from inspector.domain.verdict import Outcome
from inspector.ports.evidence import PictureState
from inspector.ports.history import PartFile
from inspector.ports.review import QueueFilter, QueueKind, QueueOrder
from inspector.web import facts, reviewing
from inspector.web.access import Here, Routes, Visit
from inspector.web.gatekeeper import UnsignedError
from inspector.web.interface.inspections import file_of
from inspector.web.screen import N_, Screen
from inspector.web.words import Words

_ROUTES = Routes("review")
UNDO_S = 10
_SHIFTS = 6
_PAGE = 50
Text = Annotated[str, Query(max_length=200)]


class Asked:
    """Which part of the queue a page shows, as its address says it; anything unknown is left out."""

    def __init__(
        self, visit: Here, kind: Text = "", order: Text = "", recipe: Text = "", label: Text = "", shift: Text = ""
    ) -> None:
        self.kind = QueueKind(kind) if kind in {one.value for one in QueueKind} else QueueKind.REJECTS
        self.order = QueueOrder(order) if order in {one.value for one in QueueOrder} else QueueOrder.OLDEST
        self.recipe, self.label = recipe, label
        self.reader = visit.account.name if visit.account else ""
        self.shifts = visit.station.site.shifts.latest(visit.station.now(), _SHIFTS)
        self.shift = next((one for one in self.shifts if key_of(one) == shift), None)

    @property
    def filter(self) -> QueueFilter:
        """As the queue is asked."""
        return self.of(self.kind)

    def of(self, kind: QueueKind) -> QueueFilter:
        """The same of another queue."""
        opened = self.shift.span if self.shift else None
        return QueueFilter(kind=kind, recipe=self.recipe, label=self.label, opened=opened, reader=self.reader)

    def address(self, path: str, **other: str) -> str:
        """The page of this path with the same questions."""
        asked = {
            "kind": self.kind.value,
            "order": self.order.value,
            "recipe": self.recipe,
            "label": self.label,
            "shift": key_of(self.shift) if self.shift else "",
        } | other
        return f"{path}?{urlencode({key: value for key, value in asked.items() if value})}"


def key_of(shift: Shift) -> str:
    """A shift in an address."""
    return shift.span.start_utc.strftime("%Y%m%dT%H%M")


Question = Annotated[Asked, Depends(Asked)]


@_ROUTES.get("/review", Access.ANYONE)
def queue(
    visit: Here,
    asked: Question,
    after: Annotated[str, Query(max_length=500)] = "",
    undo: Text = "",
) -> Response:
    """What waits, oldest first or nearest to the limit."""
    try:
        page = visit.station.queue.waiting(asked.filter, order=asked.order, after=after, limit=_PAGE)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return visit.page(
        "review_queue.html",
        here="review",
        asked=asked,
        page=page,
        kinds=kinds(visit.words),
        lefts={one: visit.station.queue.left(asked.of(one)) for one in QueueKind},
        recipes=visit.station.names.recipes(),
        labels=visit.station.names.labels(),
        key_of=key_of,
        gauge_of=lambda line: facts.gauge(line.decision, visit.words),
        undo=undoing(visit, asked, undo),
        undo_s=UNDO_S,
    )


def kinds(words: Words) -> dict[QueueKind, str]:
    """What the queues are called."""
    _ = words.gettext
    return {
        QueueKind.REJECTS: _("Rejects"),
        QueueKind.BORDERLINE: _("Borderline"),
        QueueKind.SAMPLE: _("Good parts (sample)"),
        QueueKind.UNSURE: _("Unsure"),
    }


@dataclass(frozen=True, slots=True)
class Undoing:
    """The review that was written last: where it is taken back, and what it was, in words."""

    address: str
    text: str


def undoing(visit: Visit, asked: Asked, undo: str) -> Undoing | None:
    """``undo``: "part.number", as the answer to the review said; None where no such review of the reader's stands."""
    part, _dot, number = undo.rpartition(".")
    try:
        result_id, journal_seq = UUID(part), int(number)
    except ValueError:
        return None
    file = visit.station.history.part(result_id)
    written = standing(file.reviews) if file else None
    if file is None or written is None or written.journal_seq != journal_seq:
        return None
    if written.review.reviewer != visit.person.name:
        return None
    opinion = reviewing.opinion_words(visit.words)[written.review.opinion]
    text = f"{visit.words.gettext('Part')} {file.inspection.part.part_seq}: {opinion}."
    return Undoing(address=asked.address(f"/review/{result_id}/undo/{journal_seq}"), text=text)


@_ROUTES.get("/review/next", Access.ANYONE)
def next_item(visit: Here, asked: Question) -> Response:
    """The first part that waits; the queue where none does."""
    return RedirectResponse(_following(visit, asked, None), status_code=303)


def _following(visit: Visit, asked: Asked, but: UUID | None, **more: str) -> str:
    page = visit.station.queue.waiting(asked.filter, order=asked.order, limit=2)
    ids = [item.line.result_id for item in page.items if item.line.result_id != but]
    return asked.address(f"/review/{ids[0]}" if ids else "/review", **more)


@_ROUTES.get("/review/{result_id}", Access.ANYONE)
def item(
    visit: Here,
    result_id: UUID,
    asked: Question,
    undo: Text = "",
) -> Response:
    """One part: the defect first, then all that decides about it."""
    file = file_of(visit, result_id)
    inspection = file.inspection
    evidence = inspection.evidence
    pictures = visit.station.pictures
    counts = standing(file.reviews)
    mine = counts is not None and counts.review.reviewer == visit.person.name
    begun = visit.station.site.shifts.at(inspection.opened_utc).span.start_utc
    reject = inspection.verdict.outcome is not Outcome.PASS
    return visit.page(
        "review_item.html",
        here="review-item",
        asked=asked,
        file=file,
        part=inspection,
        picture_state=pictures.state(evidence) if evidence else PictureState.MISSING,
        crop_state=pictures.crop(evidence, 0).state if evidence else PictureState.MISSING,
        heat=evidence is not None and pictures.heat(evidence).state is PictureState.SOUND,
        gauge=facts.gauge(inspection.verdict.decision, visit.words),
        standing=counts,
        said=reviewing.said(counts, visit.words) if counts else "",
        mine=mine,
        bin=next((disposal.bin for disposal in reversed(file.disposals) if disposal.bin), ""),
        number=visit.station.history.reject_number(result_id, begun) if reject else None,
        choices=choices(visit, inspection),
        reasons=reviewing.reason_words(visit.words),
        sign={"disagree"} if needs_signature(inspection, Opinion.DISAGREE) else set(),
        data=item_data(visit, file, asked),
        golden=_golden(visit, inspection.recipe.name) is not None,
        following=_following(visit, asked, result_id),
        undo=undoing(visit, asked, undo),
        undo_s=UNDO_S,
    )


def choices(visit: Visit, inspection: Inspection) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """The three verdicts of a person: (opinion, word, what it means for this part, reason codes)."""
    _ = visit.words.gettext
    rejected = inspection.verdict.outcome is not Outcome.PASS
    means = (_("Part is bad"), _("Part is good")) if rejected else (_("Part is good"), _("Part is bad"))
    told = [
        ("agree", _("Confirm"), means[0]),
        ("disagree", _("Overrule"), means[1]),
        ("unsure", _("Don't know"), _("Someone else decides")),
    ]
    reasons = visit.station.site.reasons
    return [(*one, reviewing.fitting(reasons, inspection, one[0])) for one in told]


def item_data(visit: Visit, file: PartFile, asked: Asked) -> str:
    """What the page's script works with, JSON."""
    inspection, words = file.inspection, facts.labels(visit.words)
    defects = [
        {
            "label": defect.detection.label,
            "x": defect.detection.box.x,
            "y": defect.detection.box.y,
            "width": defect.detection.box.width,
            "height": defect.detection.box.height,
            "sure": defect.sure,
        }
        for defect in inspection.verdict.defects
    ]
    counts = standing(file.reviews)
    known = sorted({"crack", "scratch", "dent", "stain", *(str(one["label"]) for one in defects)})
    return json.dumps(
        {
            "id": str(inspection.result_id),
            "defects": defects,
            "picture": f"/parts/{inspection.result_id}/picture" if inspection.evidence else "",
            "post": asked.address(f"/review/{inspection.result_id}"),
            "standing": counts.journal_seq if counts else None,
            "labels": {label: words(label) for label in known},
        }
    )


@_ROUTES.post("/review/{result_id}", Access.ANYONE)
def sign(
    visit: Here,
    result_id: UUID,
    given: reviewing.ReviewGiven,
    asked: Question,
) -> Response:
    """Take a person's word; answer where the next part is, and how to take the word back."""
    try:
        number = reviewing.review(visit, file_of(visit, result_id), given)
    except UnsignedError:
        return JSONResponse({"signature": True}, status_code=428)
    return JSONResponse(
        {"journalSeq": number, "next": _following(visit, asked, result_id, undo=f"{result_id}.{number}")}
    )


@_ROUTES.post("/review/{result_id}/undo/{number}", Access.ANYONE)
def undo(visit: Here, result_id: UUID, number: Annotated[int, Path(ge=1, le=2**63 - 1)], asked: Question) -> Response:
    """Take one's own word back; the part waits again."""
    try:
        written = reviewing.withdraw(visit, result_id, number)
    except ReviewError:
        text = visit.words.gettext("This review is no longer valid: there is nothing to undo.")
        return JSONResponse({"detail": text}, status_code=409)
    return JSONResponse({"journalSeq": written, "next": asked.address(f"/review/{result_id}")})


@_ROUTES.get("/golden/{recipe}", Access.ANYONE)
def golden(visit: Here, recipe: str) -> Response:
    """The recipe's golden image."""
    path = _golden(visit, recipe)
    if path is None:
        raise HTTPException(404, visit.words.gettext("There is no golden image for this recipe."))
    return FileResponse(path)


def _golden(visit: Visit, recipe: str) -> pathlib.Path | None:
    folder = visit.station.site.golden
    known = {path.stem: path for path in folder.glob("*") if path.suffix in {".jpg", ".png"}} if folder.is_dir() else {}
    return known.get(recipe)


SCREEN = Screen(name="review", path="/review", title=N_("Review"), access=Access.ANYONE, routes=_ROUTES, tab=True)
