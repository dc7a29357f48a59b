"""Checks that the book agrees with itself: numbers, records, evidence, revisions, tally."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, func, select

from inspector.adapters.journal_sql import registers, tables
from inspector.domain.verdict import Outcome

PAGE_ROWS = 200

_NAMES: dict[int, str] = {outcome.value: outcome.name for outcome in Outcome}
_RECORDS = {"disposal": tables.disposal, "review": tables.review, "alarm": tables.alarm_event}


@dataclass(slots=True)
class _Counted:
    """What the pages added up to."""

    gaps: int = 0
    first_gap: int = 0
    bare: Counter[str] = field(default_factory=Counter)
    unproved: int = 0
    first_unproved: int = 0
    setups: set[int] = field(default_factory=set)


def check_book(engine: Engine, head: int) -> list[str]:
    """Plain sentences for everything that does not agree, up to entry ``head``; read in pages of 200 rows."""
    counted = _Counted()
    for first in range(1, head + 1, PAGE_ROWS):
        with engine.connect() as connection:
            _count_page(connection, first, min(first + PAGE_ROWS - 1, head), counted)
    found: list[str] = []
    if counted.gaps:
        found.append(f"journal_seq is not contiguous: {counted.gaps} numbers are missing, first {counted.first_gap}")
    found += [f"{many} entries of kind {kind!r} have no record" for kind, many in sorted(counted.bare.items())]
    if counted.unproved:
        found.append(
            f"{counted.unproved} FAIL or UNDECIDED parts have neither a picture nor a note why there is none, "
            f"first journal_seq {counted.first_unproved}"
        )
    with engine.connect() as connection:
        found += _check_revisions(connection, counted.setups)
        found += _check_register(connection)
    return found


def _count_page(connection: Connection, first: int, last: int, counted: _Counted) -> None:
    entry, inspection = tables.entry.c, tables.inspection.c
    kinds = {
        row.journal_seq: row.kind
        for row in connection.execute(select(tables.entry).where(entry.journal_seq.between(first, last)))
    }
    absent = [number for number in range(first, last + 1) if number not in kinds]
    if absent:
        counted.first_gap = counted.first_gap or absent[0]
        counted.gaps += len(absent)
    columns = (
        inspection.journal_seq,
        inspection.outcome,
        inspection.evidence_path,
        inspection.evidence_note,
        inspection.setup_id,
    )
    records = connection.execute(select(*columns).where(inspection.journal_seq.between(first, last))).all()
    numbers = Counter(kinds.values())
    counted.bare["inspection"] += numbers["inspection"] - len(records)
    for kind, table in _RECORDS.items():
        if numbers[kind]:
            query = select(func.count()).select_from(table).where(table.c.journal_seq.between(first, last))
            counted.bare[kind] += numbers[kind] - (connection.scalar(query) or 0)
    counted.bare = +counted.bare
    for row in records:
        counted.setups.add(row.setup_id)
        if row.outcome != Outcome.PASS and row.evidence_path is None and not row.evidence_note:
            counted.first_unproved = counted.first_unproved or row.journal_seq
            counted.unproved += 1


def _check_revisions(connection: Connection, setups: set[int]) -> list[str]:
    """Recipes and settings stand under the sha256 of their text; a model's card names the sha256 of its file."""
    known = tables.revision.c
    stored = {(row.kind, row.sha256) for row in connection.execute(select(known.kind, known.sha256))}
    cards = list(connection.scalars(select(known.content).where(known.kind == "model")))
    asked: set[tuple[str, str]] = set()
    for row in connection.execute(select(tables.setup)):
        if row.id in setups:
            asked |= {
                ("recipe", row.recipe_sha256),
                ("model", row.model_sha256),
                ("settings", row.settings_sha256),
            }
    absent = sorted(
        (kind, sha256)
        for kind, sha256 in asked
        if sha256 and (kind, sha256) not in stored and not (kind == "model" and any(sha256 in card for card in cards))
    )
    return [f"parts were judged with {kind} {sha256[:12]}, which is not among the revisions" for kind, sha256 in absent]


def _check_register(connection: Connection) -> list[str]:
    """The register of parts and the tally are kept by triggers: they must say what the inspections say."""
    tallied = connection.scalar(select(func.coalesce(func.sum(tables.tally.c.parts), 0)))
    kept = connection.scalar(select(func.count()).select_from(tables.inspection))
    closed = connection.scalar(
        select(func.count()).select_from(tables.part).where(tables.part.c.closed_us.is_not(None))
    )
    counted = connection.scalar(select(func.coalesce(func.sum(registers.minute.c.parts), 0)))
    if tallied != kept or closed != kept or counted != kept:
        others = f"the tally says {tallied}, the minutes say {counted}, and {closed} parts are closed"
        return [f"{kept} inspections, but {others}"]
    return _check_outcomes(connection)


def _check_outcomes(connection: Connection) -> list[str]:
    """A verdict that was changed in the book is another than was tallied when it was written."""
    tally, known = tables.tally.c, tables.inspection.c
    tallies = connection.execute(select(tally.outcome, func.sum(tally.parts)).group_by(tally.outcome))
    counts = connection.execute(select(known.outcome, func.count()).group_by(known.outcome))
    tallied: dict[int, int] = {outcome: parts for outcome, parts in tallies}  # noqa: C416 - a row is no pair to mypy
    kept: dict[int, int] = {outcome: parts for outcome, parts in counts}  # noqa: C416
    return [
        f"{kept.get(outcome, 0)} parts are {_NAMES.get(outcome, outcome)}, but {tallied.get(outcome, 0)} were when "
        "they were written: a verdict was changed"
        for outcome in sorted({*tallied, *kept})
        if kept.get(outcome, 0) != tallied.get(outcome, 0)
    ]
