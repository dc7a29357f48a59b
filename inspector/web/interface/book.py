"""The book for programs: history, figures, alarms and the audit chain."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from starlette.exceptions import HTTPException

from inspector.domain.account import Access
from inspector.domain.shifts import Span
from inspector.ports.figures import Counted, Selection
from inspector.ports.history import PartLine
from inspector.web.access import Here, Routes
from inspector.web.screens import alarms as alarm_screen
from inspector.web.searching import ExactSearch
from inspector.web.station import Json

ROUTES = Routes("book")
After = Annotated[str, Query(max_length=500, description="`following` of the page before")]
Limit = Annotated[int, Query(ge=1, le=200)]
Name = Annotated[str, Query(max_length=200)]


@ROUTES.get("/api/history", Access.ANYONE)
def history(visit: Here, sought: ExactSearch, after: After = "", limit: Limit = 50) -> Json:
    """Parts by what is known of them, newest first."""
    try:
        page = visit.station.history.search(sought.search, after=after, limit=limit)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return {"items": [_line(line) for line in page.items], "following": page.following}


@ROUTES.get("/api/figures", Access.ANYONE)
def figures(
    visit: Here, since: datetime | None = None, until: datetime | None = None, lot: Name = "", recipe: Name = ""
) -> Json:
    """How parts ended, and their defects by class; ``since`` and ``until`` with their time zone, by the trigger."""
    span = None
    if since is not None or until is not None:
        if since is None or until is None or since.tzinfo is None or until.tzinfo is None or until < since:
            raise HTTPException(422, "since and until go together, in order, each with its time zone")
        span = Span(start_utc=since, end_utc=until)
    selection = Selection(span=span, lot=lot, recipe=recipe)
    return {
        "counts": counted(visit.station.figures.count(selection)),
        "classes": [
            {
                "class": one.label,
                "defects": one.defects,
                "parts": one.parts,
                "reviewed": one.reviewed,
                "falseCalls": one.false_calls,
            }
            for one in visit.station.figures.pareto(selection)
        ],
    }


@ROUTES.get("/api/alarms", Access.ANYONE)
def alarms(visit: Here) -> Json:
    """Alarms that stand; without ``since`` those that only the station sees, as that the line is dead."""
    standing = visit.station.alarms.standing()
    return {
        "items": [
            {
                "code": one.code,
                "text": one.text,
                "since": one.raised_utc.isoformat(),
                "acknowledgedBy": one.acknowledged_by,
                "shelvedUntil": one.shelved_until.isoformat() if one.shelved_until else None,
            }
            for one in standing
        ]
        + [
            {"code": code, "text": text, "since": None, "acknowledgedBy": "", "shelvedUntil": None}
            for code, text in alarm_screen.seen_from_here(visit, standing).items()
        ]
    }


@ROUTES.post("/api/alarms/{code}/acknowledge", Access.ANYONE, responses={404: {"description": "it does not stand"}})
def acknowledge(visit: Here, code: str) -> Json:
    """Say that somebody knows; who says it twice of one raising is answered as the first time."""
    return {"journalSeq": alarm_screen.say(visit, code, "acknowledged")}


@ROUTES.get("/api/audit", Access.EXPERT)
def audit(visit: Here, who: Name = "", action: Name = "", after: After = "", limit: Limit = 50) -> Json:
    """The audit chain, newest first, and its head."""
    try:
        page = visit.station.audit.audit(who=who, action=action, after=after, limit=limit)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    head = visit.station.audit.audit_head()
    return {
        "head": {"number": head.number, "sha256": head.sha256},
        "items": [
            {
                "number": one.number,
                "time": one.at_utc.isoformat(),
                "who": one.who,
                "action": one.action,
                "subject": one.subject,
                "content": dict(one.content),
                "previous": one.previous,
                "sha256": one.sha256,
            }
            for one in page.items
        ],
        "following": page.following,
    }


def counted(one: Counted) -> Json:
    """Counts of parts, JSON-ready."""
    return {
        "parts": one.parts,
        "passed": one.passed,
        "failed": one.failed,
        "undecided": one.undecided,
        "keptFrom": one.kept_from,
    }


def _line(line: PartLine) -> Json:
    return {
        "resultId": str(line.result_id),
        "journalSeq": line.journal_seq,
        "series": line.part.series,
        "partSeq": line.part.part_seq,
        "partId": line.part.serial,
        "lot": line.part.lot,
        "openedTime": line.opened_utc.isoformat(),
        "outcome": line.outcome.name,
        "reason": line.reason,
        "classes": list(line.labels),
        "defects": line.defects,
        "recipe": line.recipe.name,
        "model": line.model.name,
        "opinion": line.opinion.value if line.opinion else None,
        "trueOutcome": line.true_outcome,
        "reviewer": line.reviewer,
    }
