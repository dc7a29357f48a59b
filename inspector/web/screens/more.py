"""The screens that have no tab of their own."""

from starlette.responses import Response

from inspector.domain.account import Access
from inspector.web.access import Here, Routes
from inspector.web.screen import N_, Screen

_ROUTES = Routes("more")


@_ROUTES.get("/more", Access.ANYONE)
def more(visit: Here) -> Response:
    """Every screen without a tab, as large tiles."""
    return visit.page("more.html", here="more")


SCREEN = Screen(name="more", path="/more", title=N_("More"), access=Access.ANYONE, routes=_ROUTES, tab=True)
