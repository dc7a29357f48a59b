"""I/O and links: live bits, the state of each link, the handshake of the newest parts, and forced outputs."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import Access
from inspector.domain.verdict import Outcome
from inspector.ports.liveness import Life
from inspector.ports.wiring import Way
from inspector.web import facts, forcing, signals
from inspector.web.access import Here, Routes, Visit
from inspector.web.screen import N_, Screen
from inspector.web.station import Json
from inspector.web.words import Words

_ROUTES = Routes("links")
SECONDS = (10, 30, 120, 600)
Asked = Annotated[int, Query(ge=0, le=2**63 - 1)]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


@_ROUTES.get("/io", Access.ANYONE)
def io(visit: Here, asked: Asked = 0) -> Response:
    """The screen; its script keeps it live."""
    return visit.page("io.html", here="io", asked=asked, seconds=SECONDS, ways=way_words(visit.words), **context(visit))


@_ROUTES.get("/io/now", Access.ANYONE, by_clock=True)
def now(visit: Here, asked: Asked = 0) -> Json:
    """What the screen's script puts in place: values by name, and parts of the page."""
    shown = context(visit)
    driven = shown["forced"]
    return {
        "alive": shown["alive"],
        "bits": {
            bit.signal.name: {"on": bit.on, "forced": bit.forced} for group in shown["groups"] for bit in group.bits
        },
        "old": [group.way.value for group in shown["groups"] if group.old],
        "words": {word.name: word.value for group in shown["groups"] for word in group.words},
        "links": visit.pages.text(visit, "part_io_links.html", **shown),
        "trace": visit.pages.text(visit, "part_io_trace.html", **shown),
        "forced": visit.pages.text(visit, "part_io_forced.html", **shown),
        "left": {str(one["request"]): one["seconds_left"] for one in driven},
        "asked": answer(visit, asked) if asked else "",
    }


@_ROUTES.post("/io/force", Access.ENGINEER)
def force(visit: Here, wish: forcing.Wish) -> Response:
    """Drive an output for a while."""
    return RedirectResponse(f"/io?asked={forcing.force(visit, wish)}", status_code=303)


@_ROUTES.post("/io/release/{request}", Access.ENGINEER)
def release(visit: Here, request: Number) -> Response:
    """Let an output go before its time."""
    return RedirectResponse(f"/io?asked={forcing.release(visit, request)}", status_code=303)


def answer(visit: Visit, request: int) -> str:
    """What the line said last of a request, in its own words."""
    said = visit.station.requests.answers(request)
    if not said:
        return visit.words.gettext("Request sent; the line has not responded yet.")
    last = said[-1][1]
    return f"{last.state.value}: {last.text}"


def context(visit: Visit) -> dict[str, Any]:
    """What the templates show."""
    station, now = visit.station, visit.feed.now
    status = now.liveness.status
    forced, word = status.get("forced", {}), facts.outcome_words(station.site, visit.words)
    return {
        "alive": now.liveness.life is Life.ALIVE,
        "groups": signals.groups(station.wiring, status),
        "links": signals.links(station.wiring, now, visit.words),
        "trace": [
            {**one, "trigger": datetime.fromisoformat(one["trigger_utc"])} for one in status.get("handshake", ())
        ],
        "told": told_words(visit.words),
        "outcomes": {outcome.name: word(outcome) for outcome in Outcome},
        "forced": forced.get("driven", []),
        "outputs": forced.get("outputs", []),
    }


def told_words(words: Words) -> dict[str, str]:
    """What the gate was told of a part."""
    _ = words.gettext
    return {
        "nothing": _("not sent: rejected by default"),
        "sent": _("sent"),
        "acknowledged": _("acknowledged by the PLC"),
        "unknown": _("sent, response lost"),
    }


def way_words(words: Words) -> dict[Way, str]:
    """Which way signals go."""
    _ = words.gettext
    return {
        Way.FROM_PLC: _("From the PLC"),
        Way.TO_PLC: _("To the PLC"),
        Way.INPUT: _("Inputs of the remote I/O"),
        Way.OUTPUT: _("Outputs of the remote I/O"),
    }


SCREEN = Screen(name="io", path="/io", title=N_("I/O and links"), access=Access.ANYONE, routes=_ROUTES)
