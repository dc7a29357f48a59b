"""History: parts found by what is known of them, and taken out as a table or as labels."""

from typing import Annotated

from fastapi import Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from inspector.domain.account import Access
from inspector.domain.verdict import Outcome
from inspector.web import facts, taking
from inspector.web.access import Here, Routes
from inspector.web.screen import N_, Screen
from inspector.web.searching import ExactSearch, Search, key_of
from inspector.web.taking import LabelKind, TableKind

_ROUTES = Routes("history")
_PAGE = 50


@_ROUTES.get("/history", Access.ANYONE)
def history(visit: Here, sought: Search, after: Annotated[str, Query(max_length=500)] = "") -> Response:
    """Parts, newest first."""
    try:
        page = visit.station.history.search(sought.search, after=after, limit=_PAGE)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    names = visit.station.names
    return visit.page(
        "history.html",
        here="history",
        sought=sought,
        page=page,
        recipes=names.recipes(),
        models=names.models(),
        labels=names.labels(),
        outcomes=list(Outcome),
        key_of=key_of,
        kinds=list(TableKind),
        label_kinds=list(LabelKind),
        gauge_of=lambda line: facts.gauge(line.decision, visit.words),
    )


@_ROUTES.get("/history/table.{kind}", Access.EXPERT)
def table(visit: Here, kind: TableKind, sought: ExactSearch) -> Response:
    """The parts of a search as a file; the export stands in the audit chain."""
    return taking.table(visit, kind, sought)


@_ROUTES.get("/history/labels.{kind}", Access.EXPERT)
def labels(visit: Here, kind: LabelKind, sought: ExactSearch) -> Response:
    """The reviewed pictures of a search with their labels as a zip file; the export stands in the audit chain."""
    return taking.labels(visit, kind, sought.search, asked=sought.address("/history"))


SCREEN = Screen(name="history", path="/history", title=N_("History"), access=Access.ANYONE, routes=_ROUTES, tab=True)
