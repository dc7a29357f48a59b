"""Camera and light: the live picture, focus and histogram, the scale, and areas drawn for a recipe."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import Access
from inspector.ports.live_picture import Wish
from inspector.ports.liveness import Life
from inspector.web import drawing, looking
from inspector.web.access import Here, Routes, Visit
from inspector.web.screen import N_, Screen
from inspector.web.station import Json

_ROUTES = Routes("camera")
_DRAWINGS = 5
Pixel = Annotated[int | None, Query(ge=0, le=1_000_000)]


@_ROUTES.get("/camera", Access.EXPERT)
def camera(visit: Here) -> Response:
    """The screen; its script keeps it live."""
    return page(visit)


@_ROUTES.get("/camera/now", Access.EXPERT, by_clock=True)
def now(visit: Here, x: Pixel = None, y: Pixel = None) -> Json:
    """Figures of the newest frame, None where there is none; that it is asked for keeps the picture coming."""
    return seen(visit, x, y)


def seen(visit: Visit, x: int | None, y: int | None) -> Json:
    """Renew the lease, and give what is known."""
    crop = None if x is None or y is None else (x, y)
    figures = visit.station.live.look(Wish(crop=crop))
    alive = visit.feed.now.liveness.life is Life.ALIVE
    return {"alive": alive, "figures": dict(figures) if figures is not None else None}


@_ROUTES.get("/camera/live.jpg", Access.EXPERT, by_clock=True)
def live(visit: Here) -> Response:
    """The newest frame, made small."""
    return looking.picture(visit, visit.station.live.small())


@_ROUTES.get("/camera/crop.jpg", Access.EXPERT, by_clock=True)
def crop(visit: Here) -> Response:
    """A piece of it at full resolution."""
    return looking.picture(visit, visit.station.live.crop())


@_ROUTES.post("/camera/scale", Access.ENGINEER)
def scale(visit: Here, wish: looking.ScaleWish) -> Response:
    """Measure the scale, and show it. Nothing is changed by it."""
    return page(visit, measured=looking.scale(visit, wish), given=wish)


@_ROUTES.post("/camera/drawing", Access.ENGINEER)
def draw(visit: Here, wish: looking.DrawingWish) -> Response:
    """Store what was drawn."""
    looking.keep_drawing(visit, wish)
    return RedirectResponse("/camera#drawings", status_code=303)


def page(visit: Visit, *, measured: Json | None = None, given: looking.ScaleGiven | None = None) -> Response:
    """The screen, with what was measured just now."""
    more: dict[str, Any] = {
        "measured": measured,
        "given": given or looking.ScaleGiven(kind="checkerboard"),
        "drawings": visit.station.shelf.revisions(drawing.KIND, limit=_DRAWINGS),
        "shapes": {
            drawing.Shape.ROI: visit.words.gettext("Region of interest"),
            drawing.Shape.ZONE: visit.words.gettext("Zone"),
            drawing.Shape.MASK: visit.words.gettext("Mask"),
        },
        "scale": visit.station.scale,
    }
    return visit.page("camera.html", here="camera", **more)


SCREEN = Screen(name="camera", path="/camera", title=N_("Camera and light"), access=Access.EXPERT, routes=_ROUTES)
