"""The camera for programs: the live picture with its figures, the scale, and drawings."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from inspector.domain.account import Access
from inspector.web import drawing, looking
from inspector.web.access import Here, Routes
from inspector.web.screens.camera import Pixel, seen
from inspector.web.station import Json

ROUTES = Routes("camera")
_NONE = {404: {"description": "nobody asked for it in the last 3 s, or no part came since"}}
_SAID = {
    409: {"description": "no frame came: pictures come with parts, while the line runs"},
    422: {"description": "it is no board or drawing, or the board is not seen on the frame: the reason"},
}


@ROUTES.get("/api/camera", Access.EXPERT, by_clock=True)
def figures(visit: Here, x: Pixel = None, y: Pixel = None) -> Json:
    """Focus, light, histogram and drift of the newest frame; ask again within 3 s, and the picture keeps coming.

    x, y: the middle of a piece that is wanted at full resolution (frame px).
    """
    return seen(visit, x, y)


@ROUTES.get("/api/camera/live.jpg", Access.EXPERT, by_clock=True, responses=_NONE)
def live(visit: Here) -> Response:
    """The newest frame, at most 1280 px wide."""
    return looking.picture(visit, visit.station.live.small())


@ROUTES.get("/api/camera/crop.jpg", Access.EXPERT, by_clock=True, responses=_NONE)
def crop(visit: Here) -> Response:
    """The piece that was asked for, at full resolution."""
    return looking.picture(visit, visit.station.live.crop())


@ROUTES.post("/api/camera/scale", Access.ENGINEER, responses=_SAID)
def scale(visit: Here, wish: looking.ScaleGiven) -> Json:
    """Measure pixels per millimetre as `inspector camera calibrate` does; nothing is changed by it."""
    return looking.scale(visit, wish)


@ROUTES.post("/api/camera/drawings", Access.ENGINEER, responses=_SAID)
def draw(visit: Here, wish: looking.DrawingGiven) -> Json:
    """Store an area as text for a recipe; it is in force only in a recipe that has it."""
    return looking.keep_drawing(visit, wish)


@ROUTES.get("/api/camera/drawings", Access.EXPERT)
def drawings(visit: Here, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Json:
    """Areas that were drawn, newest first."""
    return {
        "items": [
            {
                "name": one.name,
                "sha256": one.sha256,
                "text": one.content,
                "by": one.proposed_by,
                "storedTime": one.stored_utc.isoformat(),
            }
            for one in visit.station.shelf.revisions(drawing.KIND, limit=limit)
        ]
    }
