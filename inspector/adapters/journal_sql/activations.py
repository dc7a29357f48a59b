"""Activations of recipes in the book: requests of one kind, their last answers, and their rows in the audit chain."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, insert, select

from inspector.adapters.journal_sql import registers, tables
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.lines import MOST_ROWS
from inspector.adapters.journal_sql.rows import Columns, from_us, text_of, to_us
from inspector.adapters.journal_sql.trail import Trail, content_text
from inspector.domain.activation import ACTIVATE, Activation, Wish
from inspector.domain.errors import ReviewError
from inspector.domain.request import Answer, RequestState

ASKED, TAKEN, NOT_TAKEN = "recipe.activation_asked", "recipe.activated", "recipe.not_activated"
_RUNNING, _DONE = RequestState.RUNNING.value, RequestState.DONE.value
_REQUEST, _ANSWER = tables.request.c, tables.answer.c
_SLOT = func.json_extract(_REQUEST.content, "$.slot")


class SqlActivations:
    """Fulfils ``ActivationBook``. The line writes its answers with its own pen (``note_answer``)."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def ask(self, wish: Wish, *, by: str, at_utc: datetime) -> int:
        """Write the request and its audit row. See ``ActivationBook``."""
        with self._file.writing() as connection:
            known = self._known(connection, wish, by)
            if known is not None:
                return known
            content = {key: text_of(getattr(wish, key)) for key in Wish.__slots__}
            row = {
                "station": text_of(self._file.station),
                "kind": ACTIVATE,
                "content": json.dumps(content),
                "asked_by": text_of(by),
                "asked_us": to_us(at_utc),
            }
            number = int(connection.execute(insert(tables.request), row).lastrowid)
            _enter(connection, ASKED, number, content, by=by, at_utc=at_utc)
            return number

    def _known(self, connection: Connection, wish: Wish, by: str) -> int | None:
        """The request that asks the same already, or did so last.

        Raises:
            ReviewError: another one is under way.
        """
        newest = connection.execute(self._query().limit(1)).mappings().one_or_none()
        if newest is None:
            return None
        last = _activation(newest)
        same = (last.wish.slot, last.wish.sha256) == (wish.slot, wish.sha256)
        if last.state is None and not (same and last.who == text_of(by)):
            raise ReviewError(
                f"{last.who} is activating {last.wish.name} {last.wish.sha256[:12]} at this moment; look at it first"
            )
        return last.request if same and last.state in {None, RequestState.DONE} else None

    def in_force(self) -> Mapping[str, Activation]:
        """By slot. See ``ActivationBook``."""
        taken = (
            select(func.max(_REQUEST.id))
            .join(tables.answer, _ANSWER.request_id == _REQUEST.id)
            .where(_REQUEST.kind == ACTIVATE, _REQUEST.station == self._file.station, _ANSWER.state == _DONE)
            .group_by(_SLOT)
        )
        with self._file.reading() as connection:
            rows = connection.execute(self._query().where(_REQUEST.id.in_(taken))).mappings().all()
        return {one.wish.slot: one for one in map(_activation, rows) if one.wish.sha256}

    def activations(self, *, limit: int = 20) -> Sequence[Activation]:
        """Newest first. See ``ActivationBook``."""
        with self._file.reading() as connection:
            rows = connection.execute(self._query().limit(min(limit, MOST_ROWS))).mappings().all()
        return [_activation(row) for row in rows]

    def _query(self) -> Select[Any]:
        """Requests of this kind with their last answer, newest first."""
        last = (_ANSWER.request_id == _REQUEST.id) & (_ANSWER.state != _RUNNING)
        return (
            select(tables.request, _ANSWER.state, _ANSWER.text, _ANSWER.at_us)
            .outerjoin(tables.answer, last)
            .where(_REQUEST.kind == ACTIVATE, _REQUEST.station == self._file.station)
            .order_by(_REQUEST.id.desc())
        )


def note_answer(connection: Connection, answer: Answer) -> None:
    """Enter the last answer to an activation in the audit chain; other answers are not for it."""
    if not answer.state.final:
        return
    asked = connection.execute(select(tables.request).where(_REQUEST.id == answer.request)).mappings().one_or_none()
    if asked is None or asked["kind"] != ACTIVATE:
        return
    content = _answered(asked["content"], answer.state.value, text_of(answer.text))
    action = TAKEN if answer.state is RequestState.DONE else NOT_TAKEN
    _enter(connection, action, answer.request, content, by=asked["asked_by"], at_utc=answer.at_utc)


def check_activations(engine: Engine) -> list[str]:
    """Activations that say other than the audit chain: a changed one would be what a line starts with. Few rows."""
    answered = (
        select(tables.request, _ANSWER.state, _ANSWER.text)
        .join(tables.answer, _ANSWER.request_id == _REQUEST.id)
        .where(_REQUEST.kind == ACTIVATE, _ANSWER.state != _RUNNING)
    )
    audit = registers.audit.c
    with engine.connect() as connection:
        told = {
            (row.action, row.who, row.subject, row.content)
            for row in connection.execute(select(registers.audit).where(audit.action.in_((TAKEN, NOT_TAKEN))))
        }
        rows = connection.execute(answered.order_by(_REQUEST.id)).mappings().all()
    return [
        f"activation {row['id']} says other than the audit chain: it was changed or slipped in"
        for row in rows
        if (
            TAKEN if row["state"] == _DONE else NOT_TAKEN,
            row["asked_by"],
            *_entry(row["id"], _answered(row["content"], row["state"], row["text"])),
        )
        not in told
    ]


def _answered(content: str, state: str, text: str) -> dict[str, str]:
    return {**json.loads(content), "state": state, "text": text}


def _entry(number: int, content: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and content of a row of the chain, as they stand there."""
    told: dict[str, str | int | bool | None] = {key: str(value) for key, value in content.items() if key != "sha256"}
    told["request"] = number
    return str(content.get("sha256", "")), content_text(told)


def _enter(
    connection: Connection, action: str, number: int, content: Mapping[str, Any], *, by: str, at_utc: datetime
) -> None:
    subject, told = _entry(number, content)
    Trail(connection).add(at_utc=at_utc, who=by, action=action, subject=subject, content=json.loads(told))


def _activation(row: Columns) -> Activation:
    content = json.loads(row["content"])
    return Activation(
        request=row["id"],
        wish=Wish(**{key: str(content.get(key, "")) for key in Wish.__slots__}),
        who=row["asked_by"],
        asked_utc=from_us(row["asked_us"]),
        state=RequestState(row["state"]) if row["state"] else None,
        text=row["text"] or "",
        answered_utc=from_us(row["at_us"]) if row["at_us"] is not None else None,
    )
