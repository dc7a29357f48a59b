"""Inspections and their pictures, for programs and for the pages."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response
from starlette.exceptions import HTTPException

from inspector.domain.account import Access
from inspector.domain.inspection import EvidenceRef, Inspection
from inspector.ports.evidence import PictureState, StoredPicture
from inspector.ports.history import PartFile
from inspector.web.access import Here, Routes, Visit
from inspector.web.station import Json

ROUTES = Routes("inspections")
_GONE = {404: {"description": "no such part, or no picture of it"}}
_DIFFERS = "the stored picture is not the one that was recorded: its sha256 differs"
_ALTERED = {410: {"description": _DIFFERS}}


@ROUTES.get("/api/state", Access.ANYONE, by_clock=True)
def state(visit: Here) -> Json:
    """How the line is, its counts since the journal began, and the newest part."""
    now = visit.feed.now
    return {
        "station": visit.station.name,
        "life": now.liveness.life.value,
        "state": now.liveness.status.get("state", ""),
        "alarms": dict(now.alarms),
        "counts": dict(now.counts),
        "last": visit.station.record(now.last) if now.last else None,
    }


@ROUTES.get("/api/inspections", Access.ANYONE)
def inspections(
    visit: Here,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="the last number you have")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Json:
    """Inspections in the order of the journal; ``next`` is the ``after`` of the next page, None at the end."""
    entries = visit.station.book.after(after, limit)
    return {
        "items": [
            {**visit.station.record(entry.event), "journalSeq": entry.journal_seq}
            for entry in entries
            if isinstance(entry.event, Inspection)
        ],
        "next": entries[-1].journal_seq if entries else None,
    }


@ROUTES.get("/api/inspections/{result_id}", Access.ANYONE, responses=_GONE)
def inspection(visit: Here, result_id: UUID) -> Json:
    """One inspection."""
    return visit.station.record(found(visit, result_id))


@ROUTES.get("/api/inspections/{result_id}/picture", Access.ANYONE, responses=_GONE | _ALTERED)
def picture_for_programs(visit: Here, result_id: UUID) -> Response:
    """The whole picture; an altered one is not given out."""
    picture = visit.station.pictures.whole(evidence_of(visit, result_id))
    if picture.state is PictureState.ALTERED:
        raise HTTPException(410, _DIFFERS)
    return given(visit, picture)


@ROUTES.get("/parts/{result_id}/picture", Access.ANYONE)
def picture(visit: Here, result_id: UUID) -> Response:
    """The whole picture for the pages, which say whether it is what was recorded."""
    return given(visit, visit.station.pictures.whole(evidence_of(visit, result_id)))


@ROUTES.get("/parts/{result_id}/crop/{number}", Access.ANYONE)
def crop(visit: Here, result_id: UUID, number: Annotated[int, Path(ge=0, le=999)]) -> Response:
    """The crop of one defect; an altered one is not given out."""
    picture = visit.station.pictures.crop(evidence_of(visit, result_id), number)
    if picture.state is PictureState.ALTERED:
        raise HTTPException(410, _DIFFERS)
    return given(visit, picture)


@ROUTES.get("/parts/{result_id}/heat", Access.ANYONE)
def heat_for_pages(visit: Here, result_id: UUID) -> Response:
    """The model's map, to lay over the whole picture."""
    return given(visit, visit.station.pictures.heat(evidence_of(visit, result_id)))


@ROUTES.get("/api/inspections/{result_id}/heat", Access.ANYONE, responses=_GONE)
def heat(visit: Here, result_id: UUID) -> Response:
    """The model's map as a picture with transparency, to be stretched over the whole one; 404 where none was kept."""
    return given(visit, visit.station.pictures.heat(evidence_of(visit, result_id)))


def found(visit: Visit, result_id: UUID) -> Inspection:
    """The inspection of this result, from those at hand or from the book; a 404 for none."""
    newest = next((part for part in visit.feed.now.strip if part.result_id == result_id), None)
    return newest or file_of(visit, result_id).inspection


def file_of(visit: Visit, result_id: UUID) -> PartFile:
    """The part with all that was said of it; a 404 for none."""
    file = visit.station.history.part(result_id)
    if file is None:
        raise HTTPException(404, visit.words.gettext("There is no part with this number in the journal."))
    return file


def evidence_of(visit: Visit, result_id: UUID) -> EvidenceRef:
    """Where the part's picture stands; a 404 for none."""
    evidence = found(visit, result_id).evidence
    if evidence is None:
        raise HTTPException(404, visit.words.gettext("No image of this part"))
    return evidence


def given(visit: Visit, picture: StoredPicture) -> Response:
    """A stored picture as an answer; pictures never change, so a browser may keep them while it is open."""
    if picture.state is PictureState.MISSING:
        raise HTTPException(404, visit.words.gettext("The image file is missing."))
    headers = {"Cache-Control": "private, max-age=600"}
    return Response(picture.content, media_type=picture.media_type, headers=headers)
