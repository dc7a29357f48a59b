"""Parts as lines of a list: numbers are chosen by an index, then their lines are read in three queries."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.engine import RowMapping

from inspector.adapters.journal_sql import registers, tables
from inspector.adapters.journal_sql.nouns import decision_of, evidence_of, model_of, part_of, recipe_of
from inspector.adapters.journal_sql.registers import MINUTE_US
from inspector.adapters.journal_sql.rows import LAST_NUMBER, from_us, to_us
from inspector.domain.inspection import Opinion
from inspector.domain.shifts import Span
from inspector.domain.verdict import Outcome
from inspector.ports.history import PartLine

MOST_ROWS = 200
NOTHING = (1, 0)
"""Bounds that no number lies in."""

_SETUP = [column for column in tables.setup.c if column.name != "id"]
_REVIEWED = registers.reviewed.c
_LINE = (
    select(
        tables.inspection,
        tables.part.c.station,
        tables.part.c.series,
        tables.part.c.part_seq,
        *_SETUP,
        _REVIEWED.opinion,
        _REVIEWED.true_outcome,
        _REVIEWED.reviewer,
    )
    .join(tables.part, tables.part.c.id == tables.inspection.c.part_id)
    .join(tables.setup, tables.setup.c.id == tables.inspection.c.setup_id)
    .outerjoin(registers.reviewed, _REVIEWED.journal_seq == tables.inspection.c.journal_seq)
)


def lines(connection: Connection, numbers: Sequence[int]) -> list[PartLine]:
    """The lines of these parts, in the order in which they are named."""
    if not numbers:
        return []
    defect = tables.defect.c
    rows = connection.execute(_LINE.where(tables.inspection.c.journal_seq.in_(numbers))).mappings().all()
    found = select(defect.journal_seq, defect.label, func.max(defect.weight), func.count())
    by_class = found.where(defect.journal_seq.in_(numbers)).group_by(defect.journal_seq, defect.label)
    labels: dict[int, list[tuple[float, str, int]]] = defaultdict(list)
    for number, label, weight, many in connection.execute(by_class):
        labels[number].append((-weight, label, many))
    known = {row["journal_seq"]: _line(row, sorted(labels[row["journal_seq"]])) for row in rows}
    return [known[number] for number in numbers if number in known]


def _line(row: RowMapping, labels: Sequence[tuple[float, str, int]]) -> PartLine:
    return PartLine(
        journal_seq=row["journal_seq"],
        result_id=UUID(row["result_id"]),
        station=row["station"],
        part=part_of(row),
        opened_utc=from_us(row["opened_us"]),
        created_utc=from_us(row["created_us"]),
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        decision=decision_of(row),
        recipe=recipe_of(row),
        model=model_of(row),
        labels=tuple(label for _, label, _ in labels),
        defects=sum(many for _, _, many in labels),
        evidence=evidence_of(row),
        kept_probability=row["kept_probability"],
        opinion=None if row["opinion"] is None else Opinion(row["opinion"]),
        true_outcome=row["true_outcome"] or "",
        reviewer=row["reviewer"] or "",
    )


def setups(connection: Connection, *, recipe: str = "", model: str = "") -> list[int]:
    """The combinations in which a recipe or model of this name stands."""
    query = select(tables.setup.c.id)
    if recipe:
        query = query.where(tables.setup.c.recipe_name == recipe)
    if model:
        query = query.where(tables.setup.c.model_name == model)
    return list(connection.scalars(query))


def minutes_of(span: Span) -> tuple[int, int]:
    """First and last minute that a span touches."""
    return to_us(span.start_utc) // MINUTE_US, (to_us(span.end_utc) - 1) // MINUTE_US


def bounds(
    connection: Connection, *, station: str, span: Span | None, setup_ids: Sequence[int] | None
) -> tuple[int, int] | None:
    """Between which numbers of the book every such part stands; None: anywhere. Read from the minutes."""
    if span is None and setup_ids is None:
        return None
    minute = registers.minute.c
    query = select(func.min(minute.first_seq), func.max(minute.last_seq))
    if span is not None:
        query = query.where(minute.minute.between(*minutes_of(span)))
    if setup_ids is not None:
        query = query.where(minute.setup_id.in_(setup_ids))
    if station:
        query = query.where(minute.station == station)
    first, last = connection.execute(query).one()
    return NOTHING if first is None else (int(first), int(last))


def cursor(after: str, kind: str, *, values: int = 1) -> list[Any]:
    """What a page said that follows: so many numbers; [] for the first page.

    Raises:
        ValueError: it is not one of ours, or of another kind.
    """
    if not after:
        return []
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        name, *found = json.loads(after)
        if name == kind and len(found) == values and all(_sortable(value) for value in found):
            return list(found)
    raise ValueError(f"after = {after!r} is not where a page of this list ended; leave it out to begin anew")


def _sortable(value: object) -> bool:
    """Whether SQLite compares it as a number."""
    if isinstance(value, int):
        return abs(value) <= LAST_NUMBER
    return isinstance(value, float) and math.isfinite(value)


def following(kind: str, *values: float) -> str:
    """Where the next page begins."""
    return json.dumps([kind, *values], separators=(",", ":"))
