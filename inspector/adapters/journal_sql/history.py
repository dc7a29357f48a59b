"""The book as people read it: parts found by what is known of them, newest first in the order of the book."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal_column, select, tuple_

from inspector.adapters.journal_sql import nouns, registers, tables
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.lines import MOST_ROWS, bounds, cursor, following, lines, setups
from inspector.adapters.journal_sql.rows import to_us
from inspector.domain.inspection import Opinion
from inspector.domain.reviewing import SignedReview
from inspector.ports.history import Page, PartFile, PartLine, PartSearch

_FOUND = "found"


class SqlHistory:
    """Fulfils ``History`` and ``Names``."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def search(self, sought: PartSearch, *, after: str = "", limit: int = 50) -> Page[PartLine]:
        """Parts, newest first. See ``History``."""
        before = cursor(after, _FOUND)
        limit = min(limit, MOST_ROWS)
        with self._file.reading() as connection:
            query = self._narrowed(connection, sought)
            if before:
                query = query.where(query.selected_columns[0] < before[0])
            newest_first = query.order_by(query.selected_columns[0].desc()).limit(limit + 1)
            numbers = list(connection.scalars(newest_first))
            found = lines(connection, numbers[:limit])
        more = following(_FOUND, numbers[limit - 1]) if len(numbers) > limit else ""
        return Page(items=tuple(found), following=more)

    def part(self, result_id: UUID) -> PartFile | None:
        """One part with all that was said of it. See ``History``."""
        review, disposal = tables.review, tables.disposal
        with self._file.reading() as connection:
            its_id = tables.inspection.c.result_id == str(result_id)
            fetched = nouns.fetch(connection, its_id, newest_first=False, limit=1)
            signed = select(review).where(review.c.result_id == str(result_id)).order_by(review.c.journal_seq)
            reviews = connection.execute(signed.limit(MOST_ROWS)).mappings().all()
            born = fetched.inspections()
            if not born:
                return None
            number, inspection = born[0]
            part = inspection.part
            what = (disposal.c.station, disposal.c.series, disposal.c.part_seq)
            of_part = tuple_(*what) == (inspection.station, part.series, part.part_seq)
            where = select(disposal).where(of_part).order_by(disposal.c.journal_seq).limit(MOST_ROWS)
            disposals = connection.execute(where).mappings().all()
        return PartFile(
            journal_seq=number,
            inspection=inspection,
            reviews=tuple(SignedReview(journal_seq=row["journal_seq"], review=nouns.review(row)) for row in reviews),
            disposals=tuple(nouns.disposal(row) for row in disposals),
        )

    def reject_number(self, result_id: UUID, since: datetime) -> int:
        """The how-manieth reject since then; 0 for a part that was passed or is not there. See ``History``."""
        inspection = tables.inspection.c
        rejected: ColumnElement[bool] = literal_column("inspection.outcome > 1")
        with self._file.reading() as connection:
            number = connection.scalar(
                select(inspection.journal_seq).where(inspection.result_id == str(result_id), rejected)
            )
            if number is None:
                return 0
            from_us = to_us(since)
            minute = registers.minute.c
            first = connection.scalar(
                select(func.min(minute.first_seq)).where(minute.minute >= from_us // registers.MINUTE_US)
            )
            query = select(func.count()).select_from(tables.inspection)
            # named one by one, so that the index of rejects is used and not the walk of all parts
            one_of: ColumnElement[bool] = literal_column("inspection.outcome IN (2, 3)")
            query = query.where(rejected, one_of, inspection.journal_seq.between(first or number, number))
            return connection.scalar(query.where(inspection.opened_us >= from_us)) or 0

    def recipes(self) -> Sequence[str]:
        """Names of recipes that judged. See ``Names``."""
        return self._named(select(tables.setup.c.recipe_name).distinct().order_by(tables.setup.c.recipe_name))

    def models(self) -> Sequence[str]:
        """Names of models that looked. See ``Names``."""
        return self._named(select(tables.setup.c.model_name).distinct().order_by(tables.setup.c.model_name))

    def labels(self) -> Sequence[str]:
        """Classes of defect, each found by one seek in the index by class. See ``Names``."""
        label = tables.defect.c.label
        found: list[str] = []
        with self._file.reading() as connection:
            while True:
                following_one = select(func.min(label))
                name = connection.scalar(following_one.where(label > found[-1]) if found else following_one)
                if name is None:
                    return found
                found.append(name)

    def _named(self, query: Select[Any]) -> list[str]:
        with self._file.reading() as connection:
            return list(connection.scalars(query))

    def _narrowed(self, connection: Connection, sought: PartSearch) -> Select[Any]:
        """Numbers of the parts sought; the first column is the one that an index gives in order."""
        inspection, station = tables.inspection.c, self._file.station
        wanted = setups(connection, recipe=sought.recipe, model=sought.model) if sought.recipe or sought.model else None
        limits = bounds(connection, station=station, span=sought.opened, setup_ids=wanted)
        query, number = _leading(sought)
        if limits is not None:
            query = query.where(number.between(*limits))
        if sought.opened is not None:
            start, end = to_us(sought.opened.start_utc), to_us(sought.opened.end_utc)
            query = query.where(inspection.opened_us >= start, inspection.opened_us < end)
        if wanted is not None:
            query = query.where(_unindexed("inspection.setup_id").in_(wanted))
        if sought.outcome is not None:
            query = query.where(inspection.outcome == literal_column(str(int(sought.outcome))))
            if sought.outcome > 1:
                query = query.where(literal_column("inspection.outcome > 1"))
        if sought.serial:
            query = query.where(inspection.serial == sought.serial)
        if sought.lot:
            query = query.where(inspection.lot == sought.lot)
        if station or sought.part_seq is not None:
            query = query.where(self._is_part(sought))
        return query

    def _is_part(self, sought: PartSearch) -> Any:
        """The part's station, and its number in any series."""
        part, series, station = tables.part.c, tables.series.c, self._file.station
        of_part = part.id == tables.inspection.c.part_id
        if sought.part_seq is None:
            return exists().where(of_part, _unindexed("part.station") == station)
        runs = select(series.station, series.series)
        if station:
            runs = runs.where(series.station == station)
        numbered = tuple_(part.station, part.series).in_(runs)
        ids = select(part.id).where(numbered, part.part_seq == sought.part_seq)
        return tables.inspection.c.part_id.in_(ids)


def _unindexed(column: str) -> Any:
    """A column as SQLite's planner will not choose an index for: "+" before its name."""
    return literal_column(f"+{column}")


def _leading(sought: PartSearch) -> tuple[Select[Any], Any]:
    """What is walked, in order of the book: reviews that overruled, defects of a class, or all inspections."""
    inspection, defect, reviewed = tables.inspection, tables.defect, registers.reviewed
    of_class = exists().where(defect.c.journal_seq == inspection.c.journal_seq, defect.c.label == sought.label)
    if sought.disagreement:
        query = select(reviewed.c.journal_seq).join(inspection, inspection.c.journal_seq == reviewed.c.journal_seq)
        query = query.where(reviewed.c.opinion == Opinion.DISAGREE.value)
        return (query.where(of_class) if sought.label else query), reviewed.c.journal_seq
    if sought.label and not (sought.serial or sought.part_seq is not None or sought.lot):
        query = select(defect.c.journal_seq).distinct()
        query = query.join(inspection, inspection.c.journal_seq == defect.c.journal_seq)
        return query.where(defect.c.label == sought.label), defect.c.journal_seq
    query = select(inspection.c.journal_seq)
    return (query.where(of_class) if sought.label else query), inspection.c.journal_seq
