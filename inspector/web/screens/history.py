"""History: parts found by what is known of them, and taken out as a table."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from enum import Enum
from typing import Annotated, BinaryIO

from fastapi import Query
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from inspector.domain.account import Access
from inspector.domain.verdict import Outcome
from inspector.web import facts
from inspector.web.access import Here, Routes
from inspector.web.screen import N_, Screen
from inspector.web.searching import ExactSearch, Search, key_of

_ROUTES = Routes("history")
_PAGE = 50
_PIECE = 1 << 18


class TableKind(Enum):
    """Which file."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA = {
    TableKind.CSV: "text/csv; charset=utf-8",
    TableKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


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
        gauge_of=lambda line: facts.gauge(line.decision, visit.words),
    )


@_ROUTES.get("/history/table.{kind}", Access.EXPERT)
def table(visit: Here, kind: TableKind, sought: ExactSearch) -> Response:
    """The parts of a search as a file; the export stands in the audit chain."""
    made = visit.station.table(kind.value, sought.search)
    if made is None:
        raise HTTPException(409, visit.words.gettext("Another export is running. Try again when it is finished."))
    with ExitStack() as unsent:
        unsent.enter_context(made)
        size = os.fstat(made.fileno()).st_size
        visit.station.audit.record(
            who=visit.person.name,
            action="export.made",
            subject=kind.value,
            content={"search": sought.address("/history"), "bytes": size},
            at_utc=visit.station.now(),
        )
        unsent.pop_all()
    name = f"{visit.station.name}-parts.{kind.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingResponse(_pieces(made), media_type=MEDIA[kind], headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The file piece by piece, and its end: a table of a million parts is larger than what a PC keeps at hand."""
    with file:
        while piece := file.read(_PIECE):
            yield piece


SCREEN = Screen(name="history", path="/history", title=N_("History"), access=Access.ANYONE, routes=_ROUTES, tab=True)
