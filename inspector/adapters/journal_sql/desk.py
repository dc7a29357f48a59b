"""The review desk: what waits for a person, and signing, in one transaction with the audit chain."""

from typing import Any

from sqlalchemy import Connection, FromClause, Select, exists, func, literal_column, select, tuple_

from inspector.adapters.journal_sql import nouns, registers, tables
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.lines import MOST_ROWS, bounds, cursor, following, lines
from inspector.adapters.journal_sql.page import Page as JournalPage
from inspector.adapters.journal_sql.registers import NO_FIGURE
from inspector.adapters.journal_sql.rows import to_us
from inspector.domain.errors import ReviewError
from inspector.domain.inspection import Opinion, Review
from inspector.domain.reviewing import OvertakenError, SignedReview, standing
from inspector.ports.history import Page
from inspector.ports.review import QueueFilter, QueueItem, QueueKind, QueueOrder

RARE = 2000
"""A class of so few defects in the whole book is looked up by itself."""
_COLUMN = {
    QueueKind.REJECTS: "rejected",
    QueueKind.BORDERLINE: "borderline",
    QueueKind.SAMPLE: "sampled",
}


_OF_SAMPLES = frozenset({QueueKind.SAMPLE, QueueKind.UNSURE})
"""Queues in which good parts stand that were kept at random."""


class SqlDesk:
    """Fulfils ``ReviewQueue`` and ``ReviewDesk``."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def waiting(
        self,
        which: QueueFilter,
        *,
        order: QueueOrder = QueueOrder.OLDEST,
        after: str = "",
        limit: int = 50,
    ) -> Page[QueueItem]:
        """The next parts. See ``ReviewQueue``."""
        waits = _queue(which.kind).c
        by = (waits.journal_seq,) if order is QueueOrder.OLDEST else (waits.nearness, waits.journal_seq)
        last, limit = cursor(after, order.value, values=len(by)), min(limit, MOST_ROWS)
        with self._file.reading() as connection:
            query = self._narrowed(connection, which, select(waits.journal_seq, waits.nearness))
            if last:
                beyond = tuple_(*by) > tuple_(*last) if len(by) > 1 else by[0] > last[0]
                query = query.where(beyond)
            rows = connection.execute(query.order_by(*by).limit(limit + 1)).all()
            near = {row.journal_seq: row.nearness for row in rows[:limit]}
            found = lines(connection, list(near))
        more = ""
        if len(rows) > limit:
            end = rows[limit - 1]
            place = (end.journal_seq,) if order is QueueOrder.OLDEST else (end.nearness, end.journal_seq)
            more = following(order.value, *place)
        return Page(
            items=tuple(
                QueueItem(
                    line=line,
                    nearness=None if near[line.journal_seq] >= NO_FIGURE else near[line.journal_seq],
                    probability=(line.kept_probability or 1.0) if which.kind in _OF_SAMPLES else 1.0,
                )
                for line in found
            ),
            following=more,
        )

    def left(self, which: QueueFilter) -> int:
        """How many wait. See ``ReviewQueue``."""
        with self._file.reading() as connection:
            counting = select(func.count()).select_from(_queue(which.kind))
            return connection.scalar(self._narrowed(connection, which, counting)) or 0

    def sign(self, review: Review, *, after: int | None = None) -> int:
        """Write a review and its row in the audit chain. See ``ReviewDesk``."""
        known = tables.inspection.c
        with self._file.writing() as connection:
            query = select(known.journal_seq).where(known.result_id == str(review.result_id))
            if connection.scalar(query) is None:
                raise ReviewError(f"there is no part {review.result_id} in this journal")
            _require_in_turn(review, _said(connection, review), after)
            return JournalPage(connection).write(review)

    def _narrowed(self, connection: Connection, which: QueueFilter, query: Select[Any]) -> Select[Any]:
        waits, defect = _queue(which.kind).c, tables.defect.c
        if which.kind is QueueKind.UNSURE:
            query = query.where(waits.reviewer != which.reader)
        else:
            query = query.where(literal_column(f"waiting.{_COLUMN[which.kind]} = 1"))
        if self._file.station:
            query = query.where(waits.station == self._file.station)
        if which.recipe:
            query = query.where(waits.recipe == which.recipe)
        if which.opened is not None:
            limits = bounds(connection, station=self._file.station, span=which.opened, setup_ids=None)
            if limits is not None:
                query = query.where(waits.journal_seq.between(*limits))
            start, end = to_us(which.opened.start_utc), to_us(which.opened.end_utc)
            query = query.where(waits.opened_us >= start, waits.opened_us < end)
        if which.label and _rare(connection, which.label):
            query = query.where(waits.journal_seq.in_(select(defect.journal_seq).where(defect.label == which.label)))
        elif which.label:
            query = query.where(exists().where(defect.label == which.label, defect.journal_seq == waits.journal_seq))
        return query


def _queue(kind: QueueKind) -> FromClause:
    """Where the parts of a queue stand."""
    return registers.left_open if kind is QueueKind.UNSURE else registers.waiting


def _rare(connection: Connection, label: str) -> bool:
    """Whether it is cheaper to begin with the parts that have this defect than with those that wait."""
    defect = tables.defect.c
    some = select(defect.journal_seq).where(defect.label == label).limit(1).offset(RARE)
    return connection.scalar(some) is None


def _said(connection: Connection, review: Review) -> list[SignedReview]:
    known = tables.review
    query = select(known).where(known.c.result_id == str(review.result_id)).order_by(known.c.journal_seq)
    rows = connection.execute(query).mappings().all()
    return [SignedReview(journal_seq=row["journal_seq"], review=nouns.review(row)) for row in rows]


def _require_in_turn(review: Review, said: list[SignedReview], after: int | None) -> None:
    """Refuse what does not follow from what was said before.

    Raises:
        ReviewError: as ``ReviewDesk.sign`` says.
    """
    counts = standing(said)
    if review.opinion is Opinion.WITHDRAWN:
        if counts is None or counts.journal_seq != review.withdraws:
            raise ReviewError(f"review {review.withdraws} does not stand: there is nothing to take back")
        if counts.review.reviewer != review.reviewer:
            raise ReviewError(f"review {review.withdraws} is {counts.review.reviewer}'s: only they take it back")
        return
    if review.withdraws is not None:
        raise ReviewError(f"withdraws = {review.withdraws}: only a WITHDRAWN review takes one back")
    if counts is not None and (not review.second or after not in {None, counts.journal_seq}):
        raise OvertakenError(
            f"{counts.review.reviewer} reviewed this part at {counts.review.at_utc:%Y-%m-%d %H:%M} UTC "
            f"({counts.review.opinion.value}); a second review by another person is possible",
            now=counts,
        )
    if counts is not None and counts.review.reviewer == review.reviewer:
        raise ReviewError(f"{review.reviewer} reviewed this part already; the second review is another person's")
    if counts is None and review.second:
        raise OvertakenError("nobody has reviewed this part yet: this is the first review, not the second", now=None)
