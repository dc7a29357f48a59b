"""Puts the station's routes together, and what holds for all of them: headers, errors, the feed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspector.domain.errors import ConfigError, FrameError, JournalError, ReviewError
from inspector.domain.reviewing import OvertakenError
from inspector.web import interface, reviewing
from inspector.web.access import DECLARED, ForbiddenError, OldTokenError, SignInError, Visit, next_page
from inspector.web.feed import Feed
from inspector.web.gatekeeper import BusyError, Gatekeeper, RefusedError, UnsignedError
from inspector.web.pages import Pages
from inspector.web.screens import SCREENS, session
from inspector.web.station import Station
from inspector.web.words import LANGUAGES, Words

log = structlog.get_logger(__name__)

STATIC = Path(__file__).parent / "static"
MOST_BYTES = 48 << 20
"""Of a request: a lossless 12-megapixel picture fits."""
_TOO_LARGE = f"at most {MOST_BYTES} bytes are taken"
_CSP = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


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
    _handle_errors(app)
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


class Guarded:
    """Refuses what is too large, and gives every answer its headers; it holds nothing back of a stream."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > MOST_BYTES:
            refused = JSONResponse({"detail": _TOO_LARGE}, status_code=413)
            await refused(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            """What comes in pieces has told no length."""
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > MOST_BYTES:
                raise HTTPException(413, _TOO_LARGE)
            return message

        kept = "max-age=3600" if scope["path"].startswith("/static/") else "no-store"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (*_HEADERS.items(), ("Cache-Control", kept)):
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, counted, with_headers)


def _handle_errors(app: FastAPI) -> None:
    """What each error is told as."""
    _handle_visitors(app)
    _handle_secrets(app)
    _handle_troubles(app)


def _handle_visitors(app: FastAPI) -> None:
    @app.exception_handler(SignInError)
    async def sign_in(request: Request, _error: SignInError) -> Response:
        if _wants_page(request) and request.method == "GET":
            return RedirectResponse(f"/login?next={next_page(request)}", status_code=303)
        return _told(request, 401, "sign in first: POST /api/session, or the page /login")

    @app.exception_handler(ForbiddenError)
    async def forbidden(request: Request, error: ForbiddenError) -> Response:
        return _told(request, 403, str(error))

    @app.exception_handler(OldTokenError)
    async def old_token(request: Request, error: OldTokenError) -> Response:
        visit: Visit = request.state.visit
        if _wants_page(request):
            reason = visit.words.gettext(
                "You have signed in again since this page was opened. Go back and load it again."
            )
            return _told(request, 403, reason)
        return JSONResponse({"detail": str(error), "signIn": True}, status_code=403)


def _handle_secrets(app: FastAPI) -> None:
    @app.exception_handler(UnsignedError)
    async def must_sign(request: Request, _error: UnsignedError) -> Response:
        return _told(request, 428, "send your PIN or password again with it: it is the signature")

    @app.exception_handler(RefusedError)
    async def refused_entry(request: Request, error: RefusedError) -> Response:
        visit: Visit = request.state.visit
        wrong = visit.words.gettext("Your PIN or password is wrong: nothing was written.")
        if error.until is None:
            return _told(request, 422, wrong)
        reason = session.refusal(visit, error)
        if _wants_page(request):
            return _told(request, 423, reason)
        return JSONResponse({"detail": reason, "lockedUntil": error.until.isoformat()}, status_code=423)

    @app.exception_handler(BusyError)
    async def busy(request: Request, _error: BusyError) -> Response:
        visit: Visit = request.state.visit
        reason = visit.words.gettext("Many sign in at this moment. Try again in a few seconds.")
        response = _told(request, 503, reason)
        response.headers["Retry-After"] = "2"
        return response


def _handle_troubles(app: FastAPI) -> None:
    @app.exception_handler(JournalError)
    async def unread(request: Request, error: JournalError) -> Response:
        log.error("web.journal", reason=str(error))
        return _told(request, 503, str(error))

    @app.exception_handler(OvertakenError)
    async def too_late(request: Request, error: OvertakenError) -> Response:
        visit: Visit = request.state.visit
        return JSONResponse(reviewing.overtaken(error.now, visit.words, reader=visit.person.name), status_code=409)

    @app.exception_handler(ReviewError)
    async def unfit(request: Request, error: ReviewError) -> Response:
        return _told(request, 409, str(error))

    @app.exception_handler(ConfigError)
    @app.exception_handler(FrameError)
    async def refused(request: Request, error: ConfigError | FrameError) -> Response:
        return _told(request, 422, str(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> Response:
        told = json.dumps({"detail": jsonable_encoder(error.errors())})  # in ASCII: what came may be half a character
        return Response(told, status_code=422, media_type="application/json")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        return _told(request, error.status_code, error.detail)


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _told(request: Request, status: int, reason: str) -> Response:
    """The reason as a page for people, as JSON for programs."""
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is not None and _wants_page(request):
        return visit.page("trouble.html", status=status, code=status, reason=reason)
    return JSONResponse({"detail": reason}, status_code=status)
