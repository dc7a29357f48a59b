"""The book in figures: sums over the minutes and lots that triggers keep."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, case, func, literal_column, select

from inspector.adapters.journal_sql import registers, tables
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.lines import MOST_ROWS, bounds, setups
from inspector.adapters.journal_sql.registers import BAND, FAILED, LAW, MINUTE_US, PASSED
from inspector.adapters.journal_sql.rows import from_us, to_us
from inspector.domain.inspection import Opinion
from inspector.domain.shifts import Span
from inspector.ports.figures import ClassCount, Counted, CountedSpan, LotCount, Selection

_BY_LAW: ColumnElement[bool] = literal_column("inspection.rule LIKE 'law.%'")


class SqlFigures:
    """Fulfils ``Figures`` and ``Lots``."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def count(self, selection: Selection) -> Counted:
        """How the selected parts ended. See ``Figures``."""
        minute = registers.minute
        if selection == Selection(lot=selection.lot) and selection.lot:
            return self._whole_lot(selection.lot)
        if selection.lot:
            ending = case(((tables.inspection.c.outcome == BAND) & _BY_LAW, LAW), else_=tables.inspection.c.outcome)
            query = self._of_lot(select(ending, func.count()).group_by(ending), selection)
        else:
            summed = select(minute.c.ending, func.sum(minute.c.parts)).group_by(minute.c.ending)
            query = self._of_minutes(summed, minute, selection)
        with self._file.reading() as connection:
            return _counted({int(ending): int(parts) for ending, parts in connection.execute(query)})

    def trend(self, spans: Sequence[Span], selection: Selection) -> Sequence[CountedSpan]:
        """The same for each span. See ``Figures``."""
        return [
            CountedSpan(span=span, counted=self.count(Selection(span=span, lot=selection.lot, recipe=selection.recipe)))
            for span in spans
        ]

    def pareto(self, selection: Selection) -> Sequence[ClassCount]:
        """Defects by class, most defects first. See ``Figures``."""
        minute, defect = registers.minute_defect, tables.defect
        if selection.lot:
            counted = select(defect.c.label, func.count(), func.count(defect.c.journal_seq.distinct()))
            counted = counted.select_from(
                defect.join(tables.inspection, tables.inspection.c.journal_seq == defect.c.journal_seq)
            )
            query = self._of_lot(counted.group_by(defect.c.label), selection)
        else:
            summed = select(minute.c.label, func.sum(minute.c.defects), func.sum(minute.c.parts))
            query = self._of_minutes(summed.group_by(minute.c.label), minute, selection)
        with self._file.reading() as connection:
            found = {label: (int(defects), int(parts)) for label, defects, parts in connection.execute(query)}
            setup_ids = setups(connection, recipe=selection.recipe) if selection.recipe else None
            limits = bounds(connection, station=self._file.station, span=selection.span, setup_ids=setup_ids)
            reviewed = self._told(selection)
            if limits is not None:
                reviewed = reviewed.where(registers.reviewed.c.journal_seq.between(*limits))
            told = {label: (int(many), int(false)) for label, many, false in connection.execute(reviewed)}
        return sorted(
            (
                ClassCount(
                    label=label,
                    defects=defects,
                    parts=parts,
                    reviewed=told.get(label, (0, 0))[0],
                    false_calls=told.get(label, (0, 0))[1],
                )
                for label, (defects, parts) in found.items()
            ),
            key=lambda one: (-one.defects, one.label),
        )

    def lots(self, limit: int = 20) -> Sequence[LotCount]:
        """Lots, the last begun first. See ``Lots``."""
        lot = registers.lot
        query = select(lot).order_by(lot.c.first_us.desc()).limit(min(limit, MOST_ROWS))
        if self._file.station:
            query = query.where(lot.c.station == self._file.station)
        with self._file.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            LotCount(
                lot=row["lot"],
                span=Span(start_utc=from_us(row["first_us"]), end_utc=from_us(row["last_us"])),
                counted=Counted(
                    passed=row["passed"],
                    failed=row["failed"],
                    undecided=row["undecided"],
                    kept_from=row["kept_from"],
                ),
            )
            for row in rows
        ]

    def _whole_lot(self, name: str) -> Counted:
        """A lot may have a million parts: its sums are kept by the book itself."""
        lot = registers.lot.c
        sums = (lot.passed, lot.failed, lot.undecided, lot.kept_from)
        query = select(*(func.coalesce(func.sum(one), 0) for one in sums)).where(lot.lot == name)
        if self._file.station:
            query = query.where(lot.station == self._file.station)
        with self._file.reading() as connection:
            passed, failed, undecided, kept_from = connection.execute(query).one()
        return Counted(passed=passed, failed=failed, undecided=undecided, kept_from=kept_from)

    def _of_minutes(self, query: Select[Any], table: Table, selection: Selection) -> Select[Any]:
        if selection.span is not None:
            start, end = to_us(selection.span.start_utc) // MINUTE_US, to_us(selection.span.end_utc) // MINUTE_US
            query = query.where(table.c.minute >= start, table.c.minute < end)
        if self._file.station:
            query = query.where(table.c.station == self._file.station)
        if selection.recipe:
            query = query.where(table.c.setup_id.in_(_setups_of(selection.recipe)))
        return query

    def _of_lot(self, query: Select[Any], selection: Selection) -> Select[Any]:
        """Parts of a lot one by one, where its own sums do not say it."""
        inspection, part = tables.inspection.c, tables.part
        query = query.where(inspection.lot == selection.lot)
        if self._file.station:
            ours = select(part.c.id).where(part.c.id == inspection.part_id, part.c.station == self._file.station)
            query = query.where(ours.exists())
        return _narrowed(query, selection)

    def _told(self, selection: Selection) -> Select[Any]:
        """By class: how many defects stand on parts with a review, and how many of them are false calls.

        Of a part that was overruled all are; of one whose marks were corrected, those that no mark continues.
        """
        reviewed, defect, review = registers.reviewed, tables.defect, tables.review
        inspection = tables.inspection
        kept: ColumnElement[bool] = literal_column(
            "EXISTS (SELECT 1 FROM json_each(review.corrections) mark "
            "WHERE json_extract(mark.value, '$.defect') = defect.position)"
        )
        corrected = review.c.corrections != "[]"
        overruled = (reviewed.c.opinion == Opinion.DISAGREE.value) & (inspection.c.outcome > PASSED)
        false = case((corrected & ~kept, 1), (~corrected & overruled, 1), else_=0)
        query = (
            select(defect.c.label, func.count(), func.sum(false))
            .select_from(reviewed)
            .join(inspection, inspection.c.journal_seq == reviewed.c.journal_seq)
            .join(review, review.c.journal_seq == reviewed.c.review_seq)
            .join(defect, defect.c.journal_seq == reviewed.c.journal_seq)
            .where(reviewed.c.opinion != Opinion.UNSURE.value)
            .group_by(defect.c.label)
        )
        if selection.lot:
            query = query.where(inspection.c.lot == selection.lot)
        return _narrowed(query, selection)


def _narrowed(query: Select[Any], selection: Selection) -> Select[Any]:
    inspection = tables.inspection.c
    if selection.span is not None:
        start, end = to_us(selection.span.start_utc), to_us(selection.span.end_utc)
        query = query.where(inspection.opened_us >= start, inspection.opened_us < end)
    if selection.recipe:
        query = query.where(inspection.setup_id.in_(_setups_of(selection.recipe)))
    return query


def _setups_of(recipe: str) -> Select[Any]:
    return select(tables.setup.c.id).where(tables.setup.c.recipe_name == recipe)


def _counted(by_ending: Mapping[int, int]) -> Counted:
    return Counted(
        passed=by_ending.get(PASSED, 0),
        failed=by_ending.get(FAILED, 0),
        undecided=by_ending.get(BAND, 0),
        kept_from=by_ending.get(LAW, 0),
    )
