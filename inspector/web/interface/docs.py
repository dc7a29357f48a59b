"""The interface's own description: OpenAPI, and a page to read it."""

from fastapi import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from inspector.domain.account import Access
from inspector.web.access import Here, Routes

ROUTES = Routes("description")


@ROUTES.get("/api/openapi.json", Access.ANYONE)
def openapi(request: Request) -> Response:
    """This description. ``x-access`` of a route says who may call it."""
    return JSONResponse(request.app.openapi())


@ROUTES.get("/api/docs", Access.ANYONE)
def page(visit: Here) -> HTMLResponse:
    """The description as a page; its library is this station's own."""
    return visit.page("docs.html", here="docs")
