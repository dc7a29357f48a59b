"""Holds for every request before its route is asked, and for every answer: the name asked for, sizes, and headers."""

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspector.web import hosts, troubles

MOST_BYTES = 1 << 20
"""Of a request: the longest text of a recipe fits. It is read on the event loop, before anybody is known."""
MOST_PICTURE_BYTES = 48 << 20
"""Of a picture to be judged: a lossless one of 12 megapixels fits."""
_PICTURES = ("POST", "/api/inspect")
_FILES = "multipart/form-data"
_DAY_S = 24 * 3600
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


class Guarded:
    """Refuses what asks for another host or is too large, and gives every answer its headers.

    It holds nothing back of a stream.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        most, came = _most_bytes(request), 0

        async def counted() -> Message:
            """What comes in pieces has told no length."""
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise HTTPException(413, _too_large(most))
            return message

        kept = "max-age=3600" if scope["path"].startswith("/static/") else "no-store"
        always = (*_HEADERS.items(), ("Cache-Control", kept), *_hsts(request))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in always:
                    headers.setdefault(name, value)
            await send(message)

        refused = await _refused(request, most)
        await (refused or self._app)(scope, counted, with_headers)


def _is_picture(request: Request) -> bool:
    return (request.method, request.url.path) == _PICTURES


def _most_bytes(request: Request) -> int:
    files = request.headers.get("content-type", "").startswith(_FILES)
    return MOST_PICTURE_BYTES if files and _is_picture(request) else MOST_BYTES


def _too_large(most: int) -> str:
    return f"at most {most} bytes are taken"


def _hsts(request: Request) -> tuple[tuple[str, str], ...]:
    days: int = request.app.state.station.site.hsts_days
    if request.url.scheme != "https" or not days:
        return ()
    return (("Strict-Transport-Security", f"max-age={days * _DAY_S}"),)


async def _refused(request: Request, most: int) -> Response | None:
    """The answer to what is not even read; None for what is."""
    host = request.headers.get("host")
    if host is not None and not hosts.known(host, request.app.state.station.site.hosts):
        return await troubles.other_host(request, host)
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > most:
        return await troubles.too_large(request, _too_large(most))
    if _is_picture(request) and (await troubles.visit_of(request)).account is None:
        return await troubles.not_signed_in(request)
    return None
