"""Gives out parts as a table, or their pictures as labels; each export stands in the audit chain before it is given."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from enum import Enum
from typing import BinaryIO

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from inspector.ports.history import PartSearch
from inspector.ports.labels import MOST_BYTES, MOST_PICTURES, TooManyError
from inspector.web.access import Visit
from inspector.web.searching import Sought

_PIECE = 1 << 18


class TableKind(Enum):
    """Which table."""

    CSV = "csv"
    XLSX = "xlsx"


class LabelKind(Enum):
    """Which labels."""

    COCO = "coco"
    YOLO = "yolo"
    CVAT = "cvat"


MEDIA = {
    TableKind.CSV: "text/csv; charset=utf-8",
    TableKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Sent(StreamingResponse):
    """A file in pieces, and what is to be done when no more of it is sent, whether it was sent whole or not."""

    def __init__(self, pieces: Iterator[bytes], *, done: Callable[[], None], **more: object) -> None:
        super().__init__(pieces, **more)  # type: ignore[arg-type] # what StreamingResponse takes
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._done()


def table(visit: Visit, kind: TableKind, sought: Sought) -> Response:
    """The parts of a search as a file.

    Raises:
        HTTPException: another table is being made.
    """
    made = visit.station.table(kind.value, sought.search)
    if made is None:
        raise HTTPException(409, visit.words.gettext("Another export is running. Try again when it is finished."))
    with ExitStack() as unsent:
        unsent.enter_context(made)
        size = os.fstat(made.fileno()).st_size
        _note(visit, kind.value, {"search": sought.address("/history"), "bytes": size})
        unsent.pop_all()
    name = f"{visit.station.name}-parts.{kind.value}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return Sent(_read(made), done=made.close, media_type=MEDIA[kind], headers=headers)


def labels(visit: Visit, kind: LabelKind, search: PartSearch, *, asked: str) -> Response:
    """The reviewed pictures of a search with their labels. ``asked``: the search as an address, for the audit chain.

    Raises:
        HTTPException: there are none, too many, or others are being given.
    """
    _ = visit.words.gettext
    try:
        made = visit.station.labels.make(kind.value, search)
    except TooManyError as error:
        most = {"pictures": visit.words.number(MOST_PICTURES), "size": visit.words.number(MOST_BYTES >> 30)}
        told = _(
            "At most %(pictures)s pictures and %(size)s GB are given at once, and these are more: narrow the search."
        )
        raise HTTPException(422, told % most) from error
    if made is None:
        raise HTTPException(409, _("Other labels are being given. Try again when that is done."))
    with ExitStack() as unsent:
        unsent.callback(made.close)
        if not made.pictures:
            raise HTTPException(404, _("No part like this was reviewed and has a picture."))
        _note(
            visit,
            kind.value,
            {"search": asked, "pictures": made.pictures, "pictureBytes": made.picture_bytes},
        )
        unsent.pop_all()
    headers = {"Content-Disposition": f'attachment; filename="{visit.station.name}-{kind.value}.zip"'}
    return Sent(made.pieces(), done=made.close, media_type="application/zip", headers=headers)


def _note(visit: Visit, subject: str, content: dict[str, str | int | bool | None]) -> None:
    visit.station.audit.record(
        who=visit.person.name, action="export.made", subject=subject, content=content, at_utc=visit.station.now()
    )


def _read(file: BinaryIO) -> Iterator[bytes]:
    """The file piece by piece: a table of a million parts is larger than what a PC keeps at hand."""
    while piece := file.read(_PIECE):
        yield piece
