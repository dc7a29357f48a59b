"""Declares who may call each route, and keeps everybody else out.

    routes = Routes("review")
    @routes.get("/review", Access.ANYONE)
    def queue(visit: Here) -> Response: ...

Nothing but ``Routes`` makes a route; the app refuses to start with one that declares nothing. Who is signed in is read
from a cookie; what changes anything must come from a page of ours: its Origin is compared, and its CSRF token.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from inspector.domain.account import Access, Account, Session
from inspector.web.feed import Feed
from inspector.web.gatekeeper import Gatekeeper
from inspector.web.station import Station
from inspector.web.words import Words, chosen

DECLARED = "x-access"
CSRF_HEADER, CSRF_FIELD = "X-CSRF-Token", "csrf"
_LONGEST_ADDRESS = 64
LANGUAGE_COOKIE = "inspector_language"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class SignInError(Exception):
    """Nobody is signed in, and somebody must be."""


class ForbiddenError(Exception):
    """Who is signed in may not; or the request does not come from a page of ours. Said in the visitor's language."""


class OldTokenError(ForbiddenError):
    """The page's token is another session's: its person signed in again since, or somebody else did."""


class Renderer(Protocol):
    """Makes pages of templates."""

    def page(self, visit: "Visit", template: str, *, status: int = 200, **more: Any) -> HTMLResponse:
        """A whole page in the shell."""
        ...

    def text(self, visit: "Visit", template: str, **more: Any) -> str:
        """A page or a part of one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request: to which station, by whom (None: nobody is signed in), from where, in which language.

    ``address``: of the connection, or what a proxy on this PC says that it is; "" where there is none.
    """

    station: Station
    feed: Feed
    pages: Renderer
    gatekeeper: Gatekeeper
    account: Account | None
    session: Session | None
    words: Words
    address: str

    @property
    def person(self) -> Account:
        """Who is signed in; only for routes that are not public."""
        if self.account is None:
            raise SignInError
        return self.account

    def may(self, access: Access) -> bool:
        """Whether this visitor may call routes that declare this."""
        if access is Access.PUBLIC or (access is Access.LIVE and self.station.site.open_live):
            return True
        return self.account is not None and self.account.role in access.roles

    def sign(self, secret: str) -> None:
        """Check the secret of who is signed in anew, as a signature; raises as ``Gatekeeper.sign``."""
        self.gatekeeper.sign(self.person, secret, address=self.address)

    @property
    def csrf(self) -> str:
        """The token that every form of this visit carries."""
        return self.session.csrf if self.session else ""

    def page(self, template: str, *, status: int = 200, **more: Any) -> HTMLResponse:
        """A page of this template, in the visitor's language."""
        return self.pages.page(self, template, status=status, **more)


def cookie_name(*, secure: bool) -> str:
    """A browser sends a __Host- cookie by TLS and to this very host only."""
    return "__Host-inspector" if secure else "inspector_session"


def next_page(request: Request) -> str:
    """Where to go on after signing in: the page asked for, or the one that asked."""
    path = request.url.path if request.method == "GET" else "/"
    return quote(path + (f"?{request.url.query}" if request.url.query and request.method == "GET" else ""))


def local_path(wish: str) -> str:
    """The wish, if it is a page of this station; the first page for anything else."""
    inside = wish.startswith("/") and not wish.startswith(("//", "/\\")) and wish.isprintable()
    return wish if inside else "/"


class _Guard:
    """Asked before a route's handler; a visit that may not go on ends here."""

    def __init__(self, access: Access, *, by_clock: bool) -> None:
        self._access = access
        self._by_clock = by_clock

    async def __call__(self, request: Request) -> Visit:
        visit = request.state.visit = await visitor(request, used=not self._by_clock)
        if request.method not in _SAFE:
            _check_origin(request, visit)
            if visit.session is not None and self._access is not Access.PUBLIC:
                await _check_csrf(request, visit)
        if not visit.may(self._access):
            if visit.account is None:
                raise SignInError
            raise ForbiddenError(visit.words.gettext("Your role does not allow this."))
        return visit


async def visitor(request: Request, *, used: bool) -> Visit:
    """Who asks; whether they may is not asked yet. ``used``: a person did something, not a clock.

    Raises:
        JournalError: the sessions cannot be read.
    """
    nobody = stranger(request)
    token = request.cookies.get(cookie_name(secure=nobody.station.site.secure), "")
    known = await run_in_threadpool(nobody.gatekeeper.who, token, used=used) if token else None
    if known is None:
        return nobody
    account, session = known
    return replace(nobody, account=account, session=session, words=_words(request, account))


def stranger(request: Request) -> Visit:
    """A visit by nobody that is known, in the language of the browser."""
    state = request.app.state
    return Visit(
        station=state.station,
        feed=state.feed,
        pages=state.pages,
        gatekeeper=state.gatekeeper,
        account=None,
        session=None,
        words=_words(request, None),
        address=request.client.host[:_LONGEST_ADDRESS] if request.client else "",
    )


def visit_of(request: Request) -> Visit:
    """The visit that the route's guard let in."""
    visit: Visit = request.state.visit
    return visit


Here = Annotated[Visit, Depends(visit_of)]
"""How a handler is given its visit."""


class Routes:
    """The routes of one screen or of one part of the interface. ``name``: its heading in the documentation."""

    def __init__(self, name: str) -> None:
        self.router = APIRouter(tags=[name])

    def get(self, path: str, access: Access, *, by_clock: bool = False, **more: Any) -> Callable[..., Any]:
        """Declare a GET route. ``by_clock``: pages call it by themselves, so it keeps no session alive."""
        return self._route("GET", path, access, by_clock=by_clock, **more)

    def post(self, path: str, access: Access, **more: Any) -> Callable[..., Any]:
        """Declare a POST route."""
        return self._route("POST", path, access, by_clock=False, **more)

    def delete(self, path: str, access: Access, **more: Any) -> Callable[..., Any]:
        """Declare a DELETE route."""
        return self._route("DELETE", path, access, by_clock=False, **more)

    def _route(self, method: str, path: str, access: Access, *, by_clock: bool, **more: Any) -> Callable[..., Any]:
        return self.router.api_route(
            path,
            methods=[method],
            dependencies=[Depends(_Guard(access, by_clock=by_clock))],
            openapi_extra={DECLARED: access.value},
            include_in_schema=path.startswith(("/api", "/health", "/metrics")),
            **more,
        )


def _words(request: Request, account: Account | None) -> Words:
    site = request.app.state.station.site
    tag = chosen(
        request.cookies.get(LANGUAGE_COOKIE, ""),
        account.language if account else "",
        accept=request.headers.get("accept-language", ""),
        otherwise=site.language,
    )
    words: Words = request.app.state.words[tag]
    return words


def _check_origin(request: Request, visit: Visit) -> None:
    """A browser says which page a request comes from; a program that says nothing has no cookie of a browser's."""
    _ = visit.words.gettext
    origin = request.headers.get("origin")
    if origin is not None:
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        if origin not in {own, *visit.station.site.origins}:
            told = _("Requests from %(origin)s are not accepted; web.origins lists the accepted addresses.")
            raise ForbiddenError(told % {"origin": origin})
    elif request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForbiddenError(_("Requests from other websites are not accepted."))


async def _check_csrf(request: Request, visit: Visit) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(_FORMS):
        field = (await request.form()).get(CSRF_FIELD, "")
        given = field if isinstance(field, str) else ""
    if not hmac.compare_digest(given.encode(), visit.csrf.encode()):
        raise OldTokenError(f"the token of the page is missing or old; header {CSRF_HEADER} or field {CSRF_FIELD}")
