"""Seals each entry of the book: a hash over its record and the seal of the entry before it, written with it.

    sha256( UTF-8 of JSON [journal_seq, kind, record, previous seal] )      the first one's previous: 64 zeros
JSON without white space, keys sorted, text as it is, floats as their shortest decimal. ``record``: the columns of the
row that are not NULL (so that a column of a later schema breaks no seal); of an inspection also those of its part, its
setup, what was seen and its defects. Entries of before schema 0005 have no seal; the first that has one follows zeros.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select

from inspector.adapters.journal_sql import tables
from inspector.domain.chain import BEGINNING, AuditHead

PAGE_ROWS = 200
MOST_SAID = 5
PART = ("station", "series", "part_seq")
SETUP = tuple(column.name for column in tables.setup.c if column.name != "id")
_RECORDS: Mapping[str, Table] = {
    "inspection": tables.inspection,
    "disposal": tables.disposal,
    "review": tables.review,
    "alarm": tables.alarm_event,
}

Record = Mapping[str, Any]


def seal(previous: str, number: int, kind: str, record: Record) -> str:
    """The seal of an entry after the one with the seal ``previous``."""
    text = json.dumps(
        [number, kind, _plain(record), previous], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def inspection_record(
    row: Record, *, part: Record, setup: Record, seen: str | None, defects: Sequence[Record]
) -> Record:
    """What is sealed of an inspection."""
    return {
        **row,
        "part": {name: part[name] for name in PART},
        "setup": {name: setup[name] for name in SETUP},
        "detections": seen,
        "defects": [_plain(defect) for defect in defects],
    }


def sealed_head(connection: Connection) -> AuditHead:
    """Number and seal of the last entry; zeros where there is none, or it is older than seals."""
    entry = tables.entry.c
    row = connection.execute(
        select(entry.journal_seq, entry.sha256).order_by(entry.journal_seq.desc()).limit(1)
    ).one_or_none()
    number, sha256 = (row.journal_seq, row.sha256) if row is not None else (0, None)
    return AuditHead(number=number, sha256=sha256 or BEGINNING)


def check_seals(engine: Engine, expected: AuditHead | None) -> tuple[AuditHead, list[str]]:
    """The book's head, and plain sentences for entries that are not what was written; read in pages of 200 rows.

    ``expected``: a head that was published; the book must still contain it.
    """
    entry = tables.entry.c
    with engine.connect() as connection:
        head = sealed_head(connection)
        first = connection.scalar(select(func.min(entry.journal_seq)).where(entry.sha256.is_not(None)))
    wrong, previous = list[str](), BEGINNING
    last = head.number if first is None else first - 1
    while last < head.number:
        with engine.connect() as connection:
            upto = min(last + PAGE_ROWS, head.number)
            rows = connection.execute(
                select(tables.entry).where(entry.journal_seq.between(last + 1, upto)).order_by(entry.journal_seq)
            ).all()
            records = _records(connection, last + 1, upto)
        for row in rows:
            if (
                row.sha256 is None
                or seal(previous, row.journal_seq, row.kind, records.get(row.journal_seq, {})) != row.sha256
            ):
                wrong.append(f"{row.kind} {row.journal_seq}")
            previous = row.sha256 or BEGINNING
        last = upto
    return head, [*_said(wrong), *_against(engine, head, expected)]


def _said(wrong: Sequence[str]) -> list[str]:
    if not wrong:
        return []
    named = ", ".join(wrong[:MOST_SAID]) + (f" and {len(wrong) - MOST_SAID} more" if len(wrong) > MOST_SAID else "")
    return [f"not what was written by its seal, or the entry before it is not: {named}"]


def _against(engine: Engine, head: AuditHead, expected: AuditHead | None) -> list[str]:
    """What does not fit a head that was published."""
    if expected is None or expected.number == 0:
        return []
    if head.number < expected.number:
        return [f"the book ends at entry {head.number}, but {expected.number} was published: entries were cut off"]
    entry = tables.entry.c
    with engine.connect() as connection:
        found = connection.scalar(select(entry.sha256).where(entry.journal_seq == expected.number))
    if (found or BEGINNING) == expected.sha256:
        return []
    return [f"entry {expected.number} has another seal than was published: the book was written anew"]


def _records(connection: Connection, first: int, last: int) -> dict[int, Record]:
    """What was sealed of the entries ``first`` to ``last``, as it stands now."""
    found: dict[int, Record] = {}
    for kind, table in _RECORDS.items():
        query = select(table).where(table.c.journal_seq.between(first, last))
        found |= {row["journal_seq"]: dict(row) for row in connection.execute(query).mappings() if kind != "inspection"}
    return found | dict(_inspections(connection, first, last))


def _inspections(connection: Connection, first: int, last: int) -> Iterator[tuple[int, Record]]:
    inspection, part, setup, defect, seen = (
        tables.inspection,
        tables.part,
        tables.setup,
        tables.defect,
        tables.detections,
    )
    born = connection.execute(select(inspection).where(inspection.c.journal_seq.between(first, last))).mappings().all()
    parts = {
        row["id"]: dict(row)
        for row in connection.execute(select(part).where(part.c.id.in_([one["part_id"] for one in born]))).mappings()
    }
    setups = {
        row["id"]: dict(row)
        for row in connection.execute(select(setup).where(setup.c.id.in_({one["setup_id"] for one in born}))).mappings()
    }
    texts = dict(
        connection.execute(
            select(seen.c.journal_seq, seen.c.content).where(seen.c.journal_seq.between(first, last))
        ).all()
    )
    judged = (
        connection.execute(
            select(defect)
            .where(defect.c.journal_seq.between(first, last))
            .order_by(defect.c.journal_seq, defect.c.position)
        )
        .mappings()
        .all()
    )
    defects = {number: [dict(row) for row in rows] for number, rows in groupby(judged, lambda row: row["journal_seq"])}
    nothing = dict.fromkeys((*PART, *SETUP))
    for row in born:
        number = row["journal_seq"]
        yield (
            number,
            inspection_record(
                dict(row),
                part=parts.get(row["part_id"], nothing),
                setup=setups.get(row["setup_id"], nothing),
                seen=texts.get(number),
                defects=defects.get(number, []),
            ),
        )


def _plain(record: Record) -> dict[str, Any]:
    """Without what is NULL; SQLite knows one zero."""
    return {
        name: _plain(value)
        if isinstance(value, Mapping)
        else 0.0
        if value == 0.0 and isinstance(value, float)
        else value
        for name, value in record.items()
        if value is not None
    }
