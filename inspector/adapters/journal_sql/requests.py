"""Requests and answers in the book: asked by other processes, polled by the line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, exists, func, insert, select
from sqlalchemy.engine import RowMapping

from inspector.adapters.journal_sql import tables
from inspector.adapters.journal_sql.engine import at_the_border, open_engine, writing
from inspector.adapters.journal_sql.rows import from_us, text_of, to_us
from inspector.adapters.journal_sql.schema import require_readable
from inspector.domain.request import Answer, Request, RequestState

MOST_ROWS = 200


@contextmanager
def open_requests(path: Path, *, station: str) -> Iterator["SqlRequests"]:
    """Open the requests of a station's book, which stands already. Threads may share it.

    Raises:
        ConfigError: there is no journal, or it is not one this program knows.
        JournalError: it cannot be opened.
    """
    require_readable(path)
    engine = open_engine(path, "rw")
    try:
        yield SqlRequests(engine, path, station=station)
    finally:
        engine.dispose()


class SqlRequests:
    """Fulfils ``RequestBook`` and ``RequestDesk``. Every call may raise JournalError and is one short transaction."""

    def __init__(self, engine: Engine, path: Path, *, station: str) -> None:
        self._engine = engine
        self._path = path
        self._station = station

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with at_the_border(self._path, self._engine), self._engine.connect() as connection:
            yield connection

    def newest(self) -> int:
        """The number of the newest request of any station; 0 for none."""
        with self._reading() as connection:
            return connection.scalar(select(func.max(tables.request.c.id))) or 0

    def asked(self, after: int) -> Sequence[Request]:
        """This station's requests with numbers above ``after``, oldest first, at most 200."""
        request = tables.request
        query = select(request).where(request.c.station == self._station, request.c.id > after)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(request.c.id).limit(MOST_ROWS)).mappings().all()
        return [_request(row) for row in rows]

    def unanswered(self) -> Sequence[Request]:
        """This station's requests that have no last answer, oldest first, at most 200."""
        request, answer = tables.request, tables.answer
        last = exists().where(answer.c.request_id == request.c.id, answer.c.state != RequestState.RUNNING.value)
        query = select(request).where(request.c.station == self._station, ~last)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(request.c.id).limit(MOST_ROWS)).mappings().all()
        return [_request(row) for row in rows]

    def ask(self, kind: str, content: Mapping[str, Any], *, asked_by: str) -> int:
        """Write a request; give its number."""
        row = {
            "station": text_of(self._station),
            "kind": text_of(kind),
            "content": json.dumps(content),
            "asked_by": text_of(asked_by),
            "asked_us": to_us(datetime.now(UTC)),
        }
        with at_the_border(self._path, self._engine), writing(self._engine).begin() as connection:
            return int(connection.execute(insert(tables.request), row).lastrowid)

    def answers(self, request: int, after: int = 0) -> Sequence[tuple[int, Answer]]:
        """What was answered since: (number of the answer, answer), oldest first, at most 200."""
        answer = tables.answer
        query = select(answer).where(answer.c.request_id == request, answer.c.id > after)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(answer.c.id).limit(MOST_ROWS)).mappings().all()
        return [(row["id"], self._answer(row)) for row in rows]

    def _answer(self, row: RowMapping) -> Answer:
        return Answer(
            request=row["request_id"],
            station=self._station,
            state=RequestState(row["state"]),
            text=row["text"],
            at_utc=from_us(row["at_us"]),
            figures=json.loads(row["figures"]),
        )


def _request(row: RowMapping) -> Request:
    return Request(
        number=row["id"],
        station=row["station"],
        kind=row["kind"],
        content=json.loads(row["content"]),
        asked_by=row["asked_by"],
        asked_utc=from_us(row["asked_us"]),
    )
