"""Writes events inside one open transaction and numbers them: whoever holds the pen writes a page."""

from collections.abc import Callable
from typing import assert_never

from sqlalchemy import Connection, Table, insert, select

from inspector.adapters.journal_sql import rows, tables
from inspector.adapters.journal_sql.activations import note_answer
from inspector.adapters.journal_sql.seal import Record, inspection_record, seal, sealed_head
from inspector.adapters.journal_sql.trail import SIGNED, Trail, review_content
from inspector.domain.inspection import AlarmEvent, Disposal, Inspection, ModelStamp, OpenedPart, RecipeStamp, Review
from inspector.domain.request import Answer

Written = OpenedPart | Inspection | Disposal | Review | AlarmEvent | Answer


class Page:
    """One transaction's writing. ``connection`` must have begun IMMEDIATE: journal_seq is the last number + 1.

    What it remembers is true for this transaction only; after a rollback take a new page.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        head = sealed_head(connection)
        self._last, self._seal = head.number, head.sha256
        self._setups: dict[tuple[RecipeStamp, ModelStamp, str], int] = {}
        self._series: set[tuple[str, int]] = set()

    def write(self, event: Written) -> int:
        """Write one event; give its journal_seq (0 for an opened part and an answer, which have none)."""
        match event:
            case OpenedPart():
                self._open(event)
                return 0
            case Inspection():
                return self._close(event)
            case Disposal():
                return self._event("disposal", tables.disposal, lambda number: rows.disposal_row(event, number))
            case Review():
                return self._review(event)
            case AlarmEvent():
                return self._event("alarm", tables.alarm_event, lambda number: rows.alarm_row(event, number))
            case Answer():
                self._connection.execute(insert(tables.answer), rows.answer_row(event))
                note_answer(self._connection, event)
                return 0
            case _:
                assert_never(event)

    @property
    def _next(self) -> int:
        """The number of the next entry."""
        return self._last + 1

    def _enter(self, kind: str, record: Record) -> int:
        """Write the next entry with its seal over this record; give its number. The record's rows follow it."""
        number = self._next
        self._seal = seal(self._seal, number, kind, record)
        self._connection.execute(insert(tables.entry), {"journal_seq": number, "kind": kind, "sha256": self._seal})
        self._last = number
        return number

    def _event(self, kind: str, table: Table, row: Callable[[int], rows.Row]) -> int:
        written = row(self._next)
        number = self._enter(kind, written)
        self._connection.execute(insert(table), written)
        return number

    def _review(self, signed: Review) -> int:
        row = rows.review_row(signed, self._next)
        number = self._enter("review", row)
        self._connection.execute(insert(tables.review), row)
        Trail(self._connection).add(
            at_utc=signed.at_utc,
            who=row["reviewer"],
            action=SIGNED,
            subject=row["result_id"],
            content=review_content(row),
        )
        return number

    def _open(self, opened: OpenedPart) -> None:
        setup_id = self._setup_id(opened.recipe, opened.model, opened.settings_sha256)
        self._insert_part(rows.part_row(opened, setup_id))

    def _close(self, born: Inspection) -> int:
        setup_id = self._setup_id(born.recipe, born.model, born.settings_sha256)
        part_id = self._part_id(born)
        if part_id is None:
            part_id = self._insert_part(rows.part_row_of(born, setup_id))
        number = self._next
        row = rows.inspection_row(born, journal_seq=number, part_id=part_id, setup_id=setup_id)
        seen = rows.detections_text(born.detections) if born.detections else None
        defects = rows.defect_rows(born.verdict.defects, born.detections, number)
        part = {"station": born.station, "series": int(born.part.series), "part_seq": int(born.part.part_seq)}
        setup = rows.setup_row(born.recipe, born.model, born.settings_sha256)
        self._enter("inspection", inspection_record(row, part=part, setup=setup, seen=seen, defects=defects))
        self._connection.execute(insert(tables.inspection), row)
        if seen is not None:
            self._connection.execute(insert(tables.detections), {"journal_seq": number, "content": seen})
        if defects:
            self._connection.execute(insert(tables.defect), defects)
        return number

    def _part_id(self, born: Inspection) -> int | None:
        part = tables.part.c
        query = select(part.id).where(
            part.station == born.station, part.series == born.part.series, part.part_seq == born.part.part_seq
        )
        return self._connection.scalar(query)

    def _insert_part(self, row: rows.Row) -> int:
        self._know_series(row["station"], row["series"], row["part_seq"], row["opened_us"])
        return int(self._connection.execute(insert(tables.part), row).lastrowid)

    def _know_series(self, station: str, series: int, part_seq: int, at_us: int) -> None:
        """A part of a series nobody began is not refused: the series begins just before it, and says so."""
        if (station, series) in self._series:
            return
        known = tables.series.c
        query = select(known.series).where(known.station == station, known.series == series)
        if self._connection.scalar(query) is None:
            row = {
                "station": station,
                "series": series,
                "first_seq": max(part_seq - 1, 0),
                "started_us": at_us,
                "why": "a part came before the series was begun",
            }
            self._connection.execute(insert(tables.series), row)
        self._series.add((station, series))

    def _setup_id(self, recipe: RecipeStamp, model: ModelStamp, settings_sha256: str) -> int:
        key = (recipe, model, settings_sha256)
        if key not in self._setups:
            self._setups[key] = self._find_setup(rows.setup_row(recipe, model, settings_sha256))
        return self._setups[key]

    def _find_setup(self, row: rows.Row) -> int:
        query = select(tables.setup.c.id).where(*(tables.setup.c[name] == value for name, value in row.items()))
        found = self._connection.scalar(query)
        if found is not None:
            return int(found)
        return int(self._connection.execute(insert(tables.setup), row).lastrowid)
