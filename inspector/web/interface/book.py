"""The book for programs: history, figures, labels, alarms and the audit chain."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from inspector.domain.account import Access
from inspector.domain.shifts import Span
from inspector.ports.figures import Counted, Selection
from inspector.ports.history import PartLine
from inspector.web import taking
from inspector.web.access import Here, Routes
from inspector.web.screens import alarms as alarm_screen
from inspector.web.searching import ExactSearch
from inspector.web.station import Json
from inspector.web.taking import LabelKind

ROUTES = Routes("book")
After = Annotated[str, Query(max_length=500, description="`following` of the page before")]
Limit = Annotated[int, Query(ge=1, le=200)]
Name = Annotated[str, Query(max_length=200)]
Code = Annotated[str, Path(max_length=200, description="`code` of a standing alarm")]


@ROUTES.get("/api/history", Access.ANYONE)
def history(visit: Here, sought: ExactSearch, after: After = "", limit: Limit = 50) -> Json:
    """Parts by what is known of them, newest first."""
    try:
        page = visit.station.history.search(sought.search, after=after, limit=limit)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return {"items": [_line(line) for line in page.items], "following": page.following}


def _span(since: datetime | None = None, until: datetime | None = None) -> Span | None:
    """``since`` and ``until`` of an address, each with its time zone, by the trigger."""
    if since is None and until is None:
        return None
    if since is None or until is None or since.tzinfo is None or until.tzinfo is None or until < since:
        raise HTTPException(422, "since and until go together, in order, each with its time zone")
    return Span(start_utc=since, end_utc=until)


Time = Annotated[Span | None, Depends(_span)]


@ROUTES.get(
    "/api/labels/{kind}",
    Access.EXPERT,
    responses={
        200: {"content": {"application/zip": {}}, "description": "a zip file: images, labels, left_out.csv"},
        404: {"description": "no reviewed part with a picture and known labels is sought"},
        409: {"description": "another one is being given"},
        422: {"description": "too many pictures for one file, the most is named; or the search is none"},
    },
)
def labels(visit: Here, kind: LabelKind, sought: ExactSearch, time: Time) -> Response:
    """Reviewed pictures with their labels; those that a person drew or renamed are marked ``by_person``.

    ``since``, ``until``: by the trigger, with their time zones, in place of ``shift``. Only pictures that are what was
    judged (sha256) are given; left_out.csv counts the parts that are not, by reason.
    """
    search = sought.search if time is None else replace(sought.search, opened=time)
    times = {} if time is None else {"since": time.start_utc.isoformat(), "until": time.end_utc.isoformat()}
    return taking.labels(visit, kind, search, asked=sought.address("/history", **times))


@ROUTES.get("/api/figures", Access.ANYONE)
def figures(visit: Here, time: Time, lot: Name = "", recipe: Name = "") -> Json:
    """How parts ended, and their defects by class; ``since`` and ``until`` with their time zone, by the trigger."""
    selection = Selection(span=time, lot=lot, recipe=recipe)
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
def acknowledge(visit: Here, code: Code) -> Json:
    """Say that somebody knows; who says it twice of one raising is answered as the first time."""
    return {"journalSeq": alarm_screen.say(visit, code, "acknowledged")}


@ROUTES.post("/api/alarms/{code}/shelve", Access.EXPERT, responses={404: {"description": "it does not stand"}})
def shelve(visit: Here, code: Code) -> Json:
    """Set an alarm aside for an hour: it stands all the same. Once more: for an hour from now on."""
    return {"journalSeq": alarm_screen.say(visit, code, "shelved")}


@ROUTES.delete("/api/alarms/{code}/shelve", Access.EXPERT, responses={404: {"description": "it does not stand"}})
def unshelve(visit: Here, code: Code) -> Json:
    """Take an alarm back that was set aside."""
    return {"journalSeq": alarm_screen.say(visit, code, "unshelved")}


@ROUTES.get("/api/alarms/journal", Access.ANYONE)
def alarm_journal(visit: Here, code: Name = "", after: After = "", limit: Limit = 50) -> Json:
    """What became of alarms, newest first: raised, acknowledged, shelved, unshelved, cleared."""
    try:
        page = visit.station.alarms.alarms(code=code, after=after, limit=limit)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return {
        "items": [
            {
                "journalSeq": one.journal_seq,
                "code": one.event.code,
                "action": one.event.action,
                "text": one.event.text,
                "time": one.event.at_utc.isoformat(),
                "details": dict(one.event.details),
            }
            for one in page.items
        ],
        "following": page.following,
    }


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
