"""Live: the lamp, the last part, the value against its limit, and the stream that keeps them true."""

import json
from collections.abc import AsyncIterable
from typing import Annotated, Any

from fastapi import Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import Access
from inspector.domain.inspection import Inspection
from inspector.web import facts
from inspector.web.access import Here, Routes, Visit
from inspector.web.feed import Now
from inspector.web.screen import N_, Screen

_ROUTES = Routes("live")
BEAT_S = 1.0
STALE_S = 2.0
"""A look that is older is no sign of life: no beat tells of it."""


@_ROUTES.get("/", Access.PUBLIC)
def first() -> Response:
    """The station's first page."""
    return RedirectResponse("/live", status_code=303)


@_ROUTES.get("/live", Access.LIVE)
def live(visit: Here) -> Response:
    """The screen that is read at two metres."""
    return visit.page("live.html", here="live", **context(visit, visit.feed.now))


@_ROUTES.get("/events", Access.LIVE, by_clock=True, response_class=EventSourceResponse)
async def events(visit: Here, screen: Annotated[str, Query(max_length=20)] = "") -> AsyncIterable[ServerSentEvent]:
    """What is new, as it comes: "beat" each second, "shell" and (for screen=live) "live" as parts of the page.

    A beat says how old what is shown is (``age_ms``); none comes while the feed itself looks no more. A stream
    ends when its session does; the browser's next attempt is then a visitor's without an account.
    """
    version = -1
    while not visit.feed.stopping:
        now = await visit.feed.after(version, BEAT_S)
        if visit.session is not None and await run_in_threadpool(_signed_out, visit):
            yield ServerSentEvent(event="signed-out", raw_data="{}")
            return
        if now.version != version:
            version = now.version
            yield ServerSentEvent(event="shell", raw_data=_line(visit.pages.text(visit, "part_shell.html", now=now)))
            if screen == "live":
                part = visit.pages.text(visit, "part_live.html", **context(visit, now))
                yield ServerSentEvent(event="live", raw_data=_line(part))
        age_s = visit.feed.now.age_s()
        if age_s <= STALE_S:
            beat = {"clock": visit.words.clock(visit.station.now()), "version": version, "age_ms": round(age_s * 1000)}
            yield ServerSentEvent(event="beat", raw_data=json.dumps(beat))


def _signed_out(visit: Visit) -> bool:
    session = visit.session
    if session is None:
        return False
    kept = visit.station.sessions.session(session.token_hash)
    return kept is None or not kept.alive(visit.station.now())


def _line(html: str) -> str:
    """A part of a page as one line of an event."""
    return html.replace("\r", " ").replace("\n", " ")


def context(visit: Visit, now: Now) -> dict[str, Any]:
    """What the templates of Live show."""
    last = now.last
    state = facts.run_state(now, visit.words)
    return {
        "now": now,
        "last": last,
        "lamp": lamp(now, state),
        "gauge": facts.gauge(last.verdict.decision, visit.words) if last else None,
        "picture": last is not None and last.evidence is not None and visit.account is not None,
        "yields": yields(visit, now),
        "marks": marks(last) if last else [],
    }


def lamp(now: Now, state: facts.RunState) -> str:
    """What the lamp shows: "pass" | "fail" | "undecided" | "fault" | "empty"."""
    if state.kind in {"dead", "stopped", "fault"}:
        return "fault"
    return now.last.verdict.outcome.name.lower() if now.last else "empty"


def yields(visit: Visit, now: Now) -> list[tuple[str, int, int]]:
    """Good parts of all, by span: (name, good, all)."""
    _ = visit.words.gettext
    names = {"shift": _("Yield, shift"), "lot": _("Yield, lot"), "hour": _("Yield, last hour")}
    return [(names[figure.name], figure.counted.passed, figure.counted.parts) for figure in now.figures]


def marks(part: Inspection) -> list[dict[str, object]]:
    """The boxes of a part's defects on its picture, px."""
    return [
        {
            "label": defect.detection.label,
            "sure": defect.sure,
            "x": round(defect.detection.box.x),
            "y": round(defect.detection.box.y),
            "width": round(defect.detection.box.width),
            "height": round(defect.detection.box.height),
        }
        for defect in part.verdict.defects
    ]


SCREEN = Screen(name="live", path="/live", title=N_("Live"), access=Access.LIVE, routes=_ROUTES, tab=True)
