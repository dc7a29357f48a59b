"""System: health by stage, time from trigger to gate, queues, the journal and the versions that run."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from inspector.domain.account import Access
from inspector.web.access import Here, Routes
from inspector.web.interface.observe import stages
from inspector.web.screen import N_, Screen
from inspector.web.words import Words

_ROUTES = Routes("system")


@_ROUTES.get("/system", Access.EXPERT)
def system(visit: Here) -> Response:
    """How the station is, of this moment."""
    now = visit.feed.now
    status = now.liveness.status
    return visit.page(
        "system.html",
        here="system",
        stages=stages(visit),
        stage_words=stage_words(visit.words),
        latency=_figures(status.get("latency_ms")),
        queues=_figures(status.get("queues")),
        head=visit.station.book.head(),
        counts=dict(visit.station.book.counts()),
        audit=visit.station.audit.audit_head(),
        running={
            "line": str(status.get("software", "")),
            "web": visit.station.software,
            "model": _name(status.get("model")),
            "recipe": _name(status.get("recipe")),
        },
    )


def stage_words(words: Words) -> dict[str, str]:
    """What the stages are called."""
    _ = words.gettext
    return {
        "camera": _("Camera"),
        "model": _("Model"),
        "plc": _("PLC"),
        "journal": _("Journal"),
        "evidence": _("Images"),
        "line": _("Line"),
        "publish": _("Publishing"),
    }


def _figures(told: object) -> dict[str, float]:
    if not isinstance(told, Mapping):
        return {}
    return {str(key): float(value) for key, value in told.items() if isinstance(value, int | float)}


def _name(told: Any) -> str:
    """Name, version and the beginning of the hash of what runs."""
    if not isinstance(told, Mapping):
        return ""
    known = (str(told.get("name", "")), str(told.get("version", "")), str(told.get("sha256", ""))[:12])
    return " ".join(word for word in known if word)


SCREEN = Screen(name="system", path="/system", title=N_("System"), access=Access.EXPERT, routes=_ROUTES)
