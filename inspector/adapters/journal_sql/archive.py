"""The archive as rules are replayed over it, and as labels are made of it: walked in pages."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import exists, literal_column, select

from inspector.adapters.journal_sql import nouns, registers, tables
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.lines import MOST_ROWS
from inspector.adapters.journal_sql.rows import detections_from
from inspector.domain.inspection import Inspection
from inspector.domain.reviewing import SignedReview
from inspector.domain.verdict import Outcome
from inspector.domain.whatif import JudgedPart


class SqlArchive:
    """Fulfils ``PartArchive``."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def judged(self, limit: int) -> Iterator[JudgedPart]:
        """The newest parts, newest first. See ``PartArchive``."""
        inspection, part, seen = tables.inspection, tables.part, tables.detections
        query = (
            select(
                inspection.c.journal_seq,
                inspection.c.result_id,
                inspection.c.outcome,
                inspection.c.rule,
                inspection.c.serial,
                inspection.c.lot,
                part.c.series,
                part.c.part_seq,
                seen.c.content,
            )
            .join(part, part.c.id == inspection.c.part_id)
            .outerjoin(seen, seen.c.journal_seq == inspection.c.journal_seq)
            .order_by(inspection.c.journal_seq.desc())
        )
        if self._file.station:
            # "+": by the numbers of the book, not by all parts of the station, sorted for each page.
            query = query.where(literal_column("+part.station") == self._file.station)
        before: int | None = None
        while limit > 0:
            page = query if before is None else query.where(inspection.c.journal_seq < before)
            with self._file.reading() as connection:
                rows = connection.execute(page.limit(min(limit, MOST_ROWS))).mappings().all()
            for row in rows:
                yield JudgedPart(
                    result_id=UUID(row["result_id"]),
                    part=nouns.part_of(row),
                    outcome=Outcome(row["outcome"]),
                    rule=row["rule"],
                    detections=() if row["content"] is None else detections_from(row["content"]),
                )
            limit -= len(rows)
            if len(rows) < MOST_ROWS:
                return
            before = rows[-1]["journal_seq"]

    def reviewed(self) -> Iterator[tuple[Inspection, SignedReview]]:
        """Every part with the review that counts. See ``PartArchive``."""
        told, review, part = registers.reviewed, tables.review, tables.part
        query = select(told.c.journal_seq, told.c.review_seq).order_by(told.c.journal_seq).limit(MOST_ROWS)
        if self._file.station:
            of_station = select(tables.inspection.c.journal_seq).join(part, part.c.id == tables.inspection.c.part_id)
            ours = of_station.where(part.c.station == self._file.station)
            query = query.where(exists(ours.where(tables.inspection.c.journal_seq == told.c.journal_seq)))
        last = 0
        while True:
            with self._file.reading() as connection:
                page = connection.execute(query.where(told.c.journal_seq > last)).all()
                number_in = tables.inspection.c.journal_seq.in_([row.journal_seq for row in page])
                fetched = nouns.fetch(connection, number_in, newest_first=False, limit=MOST_ROWS)
                its = select(review).where(review.c.journal_seq.in_([row.review_seq for row in page]))
                said = {row["journal_seq"]: row for row in connection.execute(its).mappings()}
            born = dict(fetched.inspections())
            for row in page:
                signed = SignedReview(journal_seq=row.review_seq, review=nouns.review(said[row.review_seq]))
                yield born[row.journal_seq], signed
            if len(page) < MOST_ROWS:
                return
            last = page[-1].journal_seq
