"""Tells what went wrong: to people as a page in their language, to programs as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from inspector.domain.errors import ConfigError, FrameError, JournalError, ReviewError
from inspector.domain.reviewing import OvertakenError
from inspector.web import reviewing
from inspector.web.access import ForbiddenError, OldTokenError, SignInError, Visit, next_page, stranger, visitor
from inspector.web.gatekeeper import BusyError, RefusedError, UnsignedError
from inspector.web.lock_words import locked_out
from inspector.web.words import Words

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is said of an error. ``english``: the reason is a program's own word, in no other language.

    ``program``: what the interface for programs is told instead, in English, always; "" for the same. ``more``: told
    to programs and scripts beside it.
    """

    reason: str
    heading: str = ""
    english: bool = False
    program: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


async def visit_of(request: Request) -> Visit:
    """Who asked, also where no route was reached; nobody where that cannot be read."""
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is not None:
        return visit
    try:
        return await visitor(request, used=False)
    except JournalError:
        return stranger(request)


async def told(request: Request, status: int, say: Callable[[Words], Trouble]) -> Response:
    """The trouble as a page for people, as JSON for programs and scripts."""
    visit = await visit_of(request)
    trouble = say(visit.words)
    if _wants_page(request):
        heading = trouble.heading or _headings(visit.words).get(status) or visit.words.gettext("That did not work")
        return visit.page("trouble.html", status=status, code=status, trouble=trouble, heading=heading)
    for_program = trouble.program and request.url.path.startswith("/api/")
    detail = trouble.program if for_program else trouble.reason
    return JSONResponse({"detail": detail, **trouble.more}, status_code=status)


async def too_large(request: Request, program: str) -> Response:
    """A 413. ``program``: how much would have been taken."""
    return await told(
        request, 413, lambda words: Trouble(reason=words.gettext("The content is too large."), program=program)
    )


async def other_host(request: Request, host: str) -> Response:
    """A 421: another site may have given its name this station's address, to read here with a visitor's browser."""
    program = f"this station is not known as {host!r}; web.hosts names what else it is asked by"
    return await told(
        request,
        421,
        lambda words: Trouble(
            reason=words.gettext("This station is not known by the name %(host)s. An engineer can add it to web.hosts.")
            % {"host": host},
            program=program,
        ),
    )


async def not_signed_in(request: Request) -> Response:
    """A 401."""
    program = "sign in first: POST /api/session, or the page /login"
    return await told(
        request,
        401,
        lambda words: Trouble(
            reason=words.gettext("You are no longer signed in. Sign in and try again."), program=program
        ),
    )


def tell_troubles(app: FastAPI) -> None:
    """What each error is told as."""
    _tell_visitors(app)
    _tell_requests(app)
    _tell_station(app)


def _tell_visitors(app: FastAPI) -> None:
    @app.exception_handler(SignInError)
    async def sign_in(request: Request, _error: SignInError) -> Response:
        if _wants_page(request) and request.method == "GET":
            return RedirectResponse(f"/login?next={next_page(request)}", status_code=303)
        return await not_signed_in(request)

    @app.exception_handler(ForbiddenError)
    async def forbidden(request: Request, error: ForbiddenError) -> Response:
        return await told(request, 403, lambda _: Trouble(reason=str(error)))

    @app.exception_handler(OldTokenError)
    async def old_token(request: Request, error: OldTokenError) -> Response:
        return await told(request, 403, lambda words: _old_token(error, words))

    @app.exception_handler(UnsignedError)
    async def must_sign(request: Request, _error: UnsignedError) -> Response:
        program = "send your PIN or password again with it: it is the signature"
        return await told(
            request,
            428,
            lambda words: Trouble(reason=words.gettext("Sign with your own PIN or password."), program=program),
        )

    @app.exception_handler(RefusedError)
    async def refused_entry(request: Request, error: RefusedError) -> Response:
        return await told(request, 423 if error.until else 422, lambda words: _refusal(error, words))

    @app.exception_handler(BusyError)
    async def busy(request: Request, _error: BusyError) -> Response:
        response = await told(request, 503, _busy)
        response.headers["Retry-After"] = "2"
        return response


def _tell_requests(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        if _wants_page(request):
            return await told(request, 422, lambda words: Trouble(reason=_malformed(error, words)))
        told_all = json.dumps({"detail": jsonable_encoder(error.errors())})  # in ASCII: it may hold half a character
        return Response(told_all, status_code=422, media_type="application/json")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return await too_large(request, error.detail)
        return await told(request, error.status_code, lambda words: _other(error, words))


def _tell_station(app: FastAPI) -> None:
    @app.exception_handler(JournalError)
    async def unread(request: Request, error: JournalError) -> Response:
        log.error("web.journal", reason=str(error))
        return await told(
            request,
            503,
            lambda words: Trouble(heading=words.gettext("The journal cannot be read"), reason=str(error), english=True),
        )

    @app.exception_handler(OvertakenError)
    async def overtaken(request: Request, error: OvertakenError) -> Response:
        visit: Visit = request.state.visit
        return JSONResponse(reviewing.overtaken(error.now, visit.words, reader=visit.person.name), status_code=409)

    @app.exception_handler(ReviewError)
    async def unfit(request: Request, error: ReviewError) -> Response:
        return await told(request, 409, lambda _: Trouble(reason=str(error), english=True))

    @app.exception_handler(ConfigError)
    @app.exception_handler(FrameError)
    async def refused(request: Request, error: ConfigError | FrameError) -> Response:
        return await told(request, 422, lambda _: Trouble(reason=str(error), english=True))


def _headings(words: Words) -> dict[int, str]:
    _ = words.gettext
    return {401: _("Nobody is signed in"), 403: _("Not allowed"), 404: _("Not found")}


def _busy(words: Words) -> Trouble:
    return Trouble(reason=words.gettext("Too many people are signing in right now. Try again in a few seconds."))


def _old_token(error: OldTokenError, words: Words) -> Trouble:
    reason = words.gettext("You have signed in again since this page was opened. Go back and reload it.")
    return Trouble(reason=reason, program=str(error), more={"signIn": True})


def _refusal(error: RefusedError, words: Words) -> Trouble:
    if error.until is None:
        return Trouble(reason=words.gettext("Your PIN or password is wrong. Nothing was saved."))
    return Trouble(reason=locked_out(error, words), more={"lockedUntil": error.until.isoformat()})


def _malformed(error: RequestValidationError, words: Words) -> str:
    """An address that was never given out, or a form that this station did not make."""
    if all(one["loc"][0] in {"path", "query"} for one in error.errors()):
        return words.gettext("Page not found. Check the address.")
    return words.gettext("The data sent does not fit the form. Go back and try again.")


def _other(error: HTTPException, words: Words) -> Trouble:
    """What a route said; the framework's own words for no route at all are told better."""
    if error.detail == HTTPStatus(error.status_code).phrase:
        return Trouble(reason=words.gettext("Page not found. Check the address."), program=error.detail)
    return Trouble(reason=error.detail)


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")
