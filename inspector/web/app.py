"""Puts the station's routes together, with the feed and what holds for all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from inspector.web import interface
from inspector.web.access import DECLARED
from inspector.web.feed import Feed
from inspector.web.gatekeeper import Gatekeeper
from inspector.web.guarded import Guarded
from inspector.web.pages import Pages
from inspector.web.screens import SCREENS, session
from inspector.web.station import Station
from inspector.web.troubles import tell_troubles
from inspector.web.words import LANGUAGES, Words

STATIC = Path(__file__).parent / "static"


def create_app(
    station: Station, *, started: Callable[[], None] = lambda: None, alive: Callable[[], None] = lambda: None
) -> FastAPI:
    """The station as an ASGI app. ``started`` is called once it answers, ``alive`` each time it has looked around."""
    feed = Feed(station, alive=alive)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(feed.run())
        started()
        yield
        feed.stop()
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking

    app = FastAPI(
        title="Inspector station",
        version=station.software.rpartition(" ")[2],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=life,
    )
    app.state.station = station
    app.state.feed = feed
    app.state.gatekeeper = Gatekeeper(station)
    app.state.words = {tag: Words(tag, station.site.shifts.zone) for tag in LANGUAGES}
    app.state.pages = Pages(feed, SCREENS)
    every = (session.ROUTES, *interface.ROUTES, *(screen.routes for screen in SCREENS))
    app.state.routes = tuple(route for routes in every for route in routes.router.routes)
    for routes in every:
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Guarded)
    tell_troubles(app)
    _require_declared(app)
    return app


def declared(app: FastAPI) -> dict[tuple[str, str], str]:
    """The table of access: what every (method, path) declares."""
    return {
        (method, route.path): (route.openapi_extra or {}).get(DECLARED, "")
        for route in app.state.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


def _require_declared(app: FastAPI) -> None:
    """A route without a declaration is a hole: the program does not start with one."""
    holes = [f"{method} {path}" for (method, path), access in declared(app).items() if not access]
    holes += [str(route.path) for route in app.routes if isinstance(route, Route)]
    if holes:
        raise TypeError(f"these routes declare no access: {', '.join(holes)}; make them with Routes")
