"""Alarms: what stands now and what was, with what people said to it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from fastapi import Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import Access
from inspector.domain.inspection import AlarmEvent
from inspector.web.access import Here, Routes, Visit
from inspector.web.screen import N_, Screen
from inspector.web.words import Words

_ROUTES = Routes("alarms")
_PAGE = 50
SHELF = timedelta(hours=1)
RELEASED_AT_THE_LINE = frozenset(
    {
        "belt.lost_places",
        "ejector.confirm",
        "ejector.late",
        "ejector.missed",
        "encoder.jump",
        "io.watchdog",
        "sync.race",
    }
)
"""These stand until somebody at the machine, who sees it, says so: no page ends them (decision 0054)."""


@_ROUTES.get("/alarms", Access.ANYONE)
def alarms(visit: Here, after: Annotated[str, Query(max_length=500)] = "") -> Response:
    """Standing alarms, and the alarm journal, newest first."""
    try:
        page = visit.station.alarms.alarms(after=after, limit=_PAGE)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return visit.page(
        "alarms.html",
        here="alarms",
        standing=visit.station.alarms.standing(),
        page=page,
        actions=action_words(visit.words),
        remedy=remedy(visit.words),
        released=RELEASED_AT_THE_LINE,
        at=visit.station.now(),
    )


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
        raise HTTPException(404, visit.words.gettext("This alarm does not stand any more."))
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
        "shelved": _("set aside"),
        "unshelved": _("taken back"),
        "cleared": _("cleared"),
    }


def remedy(words: Words) -> Callable[[str], str]:
    """What to do about an alarm, by its code."""
    known = remedies(words)
    return lambda code: known.get(code, known.get(code.partition(".")[0], ""))


def remedies(words: Words) -> dict[str, str]:
    """What to do, by an alarm's code or by the first word of many."""
    _ = words.gettext
    return {
        "camera": _("Look at the camera's cable and power."),
        "optics": _("Clean lens and glass, look at the lamp."),
        "journal": _("Look at the disk: is it full or read-only?"),
        "evidence": _("Look at the disk: is it full or read-only?"),
        "plc": _("Look at the PLC and the network cable."),
        "gate": _("Look at the PLC and the network cable."),
        "model": _("Call an engineer: the model does not run."),
        "plc.job": _("Call an engineer: the recipe that the PLC asks for cannot be used."),
        "plc.forced": _("Somebody holds an output by hand. Release it on the page I/O and links."),
        "sync": _("Triggers and pictures did not fit together: look at the light barrier, and how close parts lie."),
        "sync.race": _("Look at the part that is named: it was called good just as the counters came apart."),
        "trigger": _("Look at the trigger's cable and at the PLC."),
        "ejector": _("Find the part that is named, and look at the ejector and its sensors."),
        "io": _("Look at the I/O module and its cable."),
        "encoder": _("Look at the encoder and its coupling. What is on the belt is ejected."),
        "belt": _("The belt stopped, changed its speed, or was not heard of. What is on it is ejected."),
        "rejects": _("Many bad parts in a row: look at what makes them. It ends with a good part, or at the machine."),
        "bin": _("Empty the reject bin."),
        "air": _("Look at the air supply."),
        "verdict": _("Call an engineer: verdicts come too late, the parts were rejected."),
        "scale": _("Call an engineer: the scale must be measured again."),
    }


SCREEN = Screen(name="alarms", path="/alarms", title=N_("Alarms"), access=Access.ANYONE, routes=_ROUTES)
