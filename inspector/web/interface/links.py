"""Signals and links for programs, and outputs that an engineer's program forces."""

from typing import Annotated

from fastapi import Path

from inspector.domain.account import Access
from inspector.web import forcing, signals
from inspector.web.access import Here, Routes
from inspector.web.screens.links import context
from inspector.web.station import Json

ROUTES = Routes("links")
_SAID = {
    409: {"description": "the line does not answer: nothing is forced"},
    422: {"description": "there is no such output, or the signature is wrong"},
    423: {"description": "too many wrong signatures: the account is locked"},
}
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


@ROUTES.get("/api/io", Access.ANYONE, by_clock=True)
def io(visit: Here) -> Json:
    """Every signal, link and forced output, and the newest handshakes; ``alive``: as a living line says it."""
    shown, status = context(visit), visit.feed.now.liveness.status
    return {
        "alive": shown["alive"],
        "role": visit.station.wiring.role,
        "signals": [
            {
                "name": signal.name,
                "way": signal.way.value,
                "place": signal.place,
                "kind": signal.kind,
                "meaning": signal.meaning,
                "value": {**status.get("plc", {}), **status.get("io", {})}.get(signal.name),
            }
            for signal in visit.station.wiring.signals
        ],
        "links": [
            {
                "name": link.name,
                "device": link.device,
                "up": link.up,
                "reason": link.reason,
                "since": link.since.isoformat() if link.since else None,
                "lag": link.lag,
            }
            for link in signals.links(visit.station.wiring, visit.feed.now, visit.words)
        ],
        "handshake": status.get("handshake", []),
        "forced": shown["forced"],
        "forceable": shown["outputs"],
    }


@ROUTES.post("/api/io/force", Access.ENGINEER, responses=_SAID)
def force(visit: Here, wish: forcing.ForceGiven) -> Json:
    """Drive an output for a while: noted in the audit trail, then asked of the line, which answers."""
    return {"request": forcing.force(visit, wish)}


@ROUTES.get("/api/io/force/{request}", Access.ENGINEER)
def answers(visit: Here, request: Number) -> Json:
    """What the line has said of a request."""
    said = visit.station.requests.answers(request)
    return {
        "answers": [
            {"state": one.state.value, "text": one.text, "time": one.at_utc.isoformat(), "last": one.state.final}
            for _, one in said
        ]
    }


@ROUTES.delete("/api/io/force/{request}", Access.ENGINEER)
def release(visit: Here, request: Number) -> Json:
    """Let the output go that this request drives."""
    return {"request": forcing.release(visit, request)}
