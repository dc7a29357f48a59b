"""Alarms: what stands now and what was, with what people said to it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import Access
from inspector.domain.inspection import AlarmEvent
from inspector.ports.alarms import StandingAlarm
from inspector.web.access import Here, Routes, Visit
from inspector.web.alarm_words import RELEASED_AT_THE_LINE, remedy, title
from inspector.web.screen import N_, Screen
from inspector.web.words import Words

_ROUTES = Routes("alarms")
_PAGE = 50
SHELF = timedelta(hours=1)


@_ROUTES.get("/alarms", Access.ANYONE)
def alarms(visit: Here, after: Annotated[str, Query(max_length=500)] = "") -> Response:
    """Standing alarms, and the alarm journal, newest first."""
    try:
        page = visit.station.alarms.alarms(after=after, limit=_PAGE)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    standing = visit.station.alarms.standing()
    return visit.page(
        "alarms.html",
        here="alarms",
        standing=standing,
        seen=seen_from_here(visit, standing),
        page=page,
        title=title(visit.words),
        actions=action_words(visit.words),
        remedy=remedy(visit.words),
        released=RELEASED_AT_THE_LINE,
        at=visit.station.now(),
    )


def seen_from_here(visit: Visit, standing: Sequence[StandingAlarm]) -> Mapping[str, str]:
    """Text by code of what stands at the top of every screen and is no row of the book, as that the line is dead."""
    written = {one.code for one in standing}
    return {code: text for code, text in visit.feed.now.alarms.items() if code not in written}


@_ROUTES.post("/alarms/{code}/acknowledge", Access.ANYONE)
def acknowledge(visit: Here, code: str) -> Response:
    """Say that somebody knows."""
    say(visit, code, "acknowledged")
    return RedirectResponse("/alarms", status_code=303)


@_ROUTES.post("/alarms/{code}/shelve", Access.EXPERT)
def shelve(visit: Here, code: str, back: Annotated[str, Form(max_length=1)] = "") -> Response:
    """Set an alarm aside for an hour, or take it back; it stands all the same."""
    say(visit, code, "unshelved" if back else "shelved")
    return RedirectResponse("/alarms", status_code=303)


def say(visit: Visit, code: str, action: str) -> int:
    """Write what a person says of an alarm that stands; a 404 for any other."""
    now = visit.station.now()
    standing = next((alarm for alarm in visit.station.alarms.standing() if alarm.code == code), None)
    if standing is None:
        raise HTTPException(404, visit.words.gettext("This alarm is no longer active."))
    details = {"by": visit.person.name}
    if action == "shelved":
        details["until"] = (now + SHELF).isoformat()
    event = AlarmEvent(
        code=code, station=standing.station, action=action, text=standing.text, at_utc=now, details=details
    )
    return visit.station.alarms.say(event)


def action_words(words: Words) -> dict[str, str]:
    """What happened to an alarm."""
    _ = words.gettext
    return {
        "raised": _("raised"),
        "acknowledged": _("acknowledged"),
        "shelved": _("shelved"),
        "unshelved": _("unshelved"),
        "cleared": _("cleared"),
    }


SCREEN = Screen(name="alarms", path="/alarms", title=N_("Alarms"), access=Access.ANYONE, routes=_ROUTES)
