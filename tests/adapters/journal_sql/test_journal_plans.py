"""What people's pages ask goes by an index: nothing walks all parts, and no page is sorted by hand."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inspector.adapters.journal_sql import PeoplesBook, desk, open_for_people, open_recorder
from inspector.domain.shifts import Span
from inspector.domain.verdict import Outcome
from inspector.ports.figures import Selection
from inspector.ports.history import PartSearch
from inspector.ports.review import QueueFilter, QueueKind, QueueOrder
from tests.adapters.journal_sql.records import CRACKED, NOW, STATION, inspection, review
from tests.adapters.journal_sql.test_journal_schema import plans

SHIFT = Span(start_utc=NOW, end_utc=NOW + timedelta(hours=8))
BORN = inspection(1, CRACKED, lot="L", serial="S")
ASKED: dict[str, tuple[Callable[[PeoplesBook], Any], str]] = {
    "oldest": (lambda b: b.desk.waiting(QueueFilter()), "waiting USING INDEX waiting_rejected (station=?"),
    "nearest": (
        lambda b: b.desk.waiting(QueueFilter(), order=QueueOrder.NEAREST),
        "waiting USING COVERING INDEX waiting_rejected_near (station=?",
    ),
    "sample": (lambda b: b.desk.waiting(QueueFilter(kind=QueueKind.SAMPLE)), "INDEX waiting_sampled (station=?"),
    "next page": (
        lambda b: b.desk.waiting(QueueFilter(), after='["oldest",1]'),
        "INDEX waiting_rejected (station=? AND journal_seq>?",
    ),
    "left": (lambda b: b.desk.left(QueueFilter()), "waiting USING COVERING INDEX waiting_rejected"),
    "left of a recipe": (
        lambda b: b.desk.left(QueueFilter(recipe="critical")),
        "waiting USING COVERING INDEX waiting_rejected_recipe (station=? AND recipe=?",
    ),
    "of a recipe": (
        lambda b: b.desk.waiting(QueueFilter(recipe="critical")),
        "waiting USING INDEX waiting_rejected_recipe (station=? AND recipe=?",
    ),
    "unsure": (
        lambda b: b.desk.waiting(QueueFilter(kind=QueueKind.UNSURE)),
        "reviewed USING INDEX reviewed_opinion (opinion=?",
    ),
    "left unsure": (
        lambda b: b.desk.left(QueueFilter(kind=QueueKind.UNSURE, recipe="critical", label="crack", opened=SHIFT)),
        "reviewed USING INDEX reviewed_opinion (opinion=?",
    ),
    "left of a rare class": (
        lambda b: b.desk.left(QueueFilter(label="crack")),
        "defect USING COVERING INDEX defect_label (label=?",
    ),
    "newest": (lambda b: b.history.search(PartSearch()), "inspection"),
    "serial": (lambda b: b.history.search(PartSearch(serial="S")), "INDEX inspection_serial (serial=?"),
    "lot": (lambda b: b.history.search(PartSearch(lot="L")), "INDEX inspection_lot (lot=?"),
    "part number": (lambda b: b.history.search(PartSearch(part_seq=1)), "station=? AND series=? AND part_seq=?"),
    "failed": (lambda b: b.history.search(PartSearch(outcome=Outcome.FAIL)), "INDEX inspection_outcome (outcome=?"),
    "class": (lambda b: b.history.search(PartSearch(label="crack")), "INDEX defect_label (label=?"),
    "class in a shift": (
        lambda b: b.history.search(PartSearch(label="crack", opened=SHIFT)),
        "INDEX defect_label (label=? AND journal_seq>?",
    ),
    "overruled": (lambda b: b.history.search(PartSearch(disagreement=True)), "INDEX reviewed_opinion (opinion=?"),
    "one part": (lambda b: b.history.part(BORN.result_id), "sqlite_autoindex_inspection"),
    "reject number": (lambda b: b.history.reject_number(BORN.result_id, NOW), "INDEX inspection_outcome"),
    "counts": (lambda b: b.figures.count(Selection(span=SHIFT)), "minute USING PRIMARY KEY (minute>?"),
    "pareto": (lambda b: b.figures.pareto(Selection(span=SHIFT)), "minute_defect USING PRIMARY KEY (minute>?"),
    "lot counts": (lambda b: b.figures.count(Selection(lot="L")), "lot USING PRIMARY KEY (station=? AND lot=?"),
    "lot counts in a shift": (
        lambda b: b.figures.count(Selection(lot="L", span=SHIFT)),
        "INDEX inspection_lot (lot=?",
    ),
    "archive": (lambda b: list(b.archive.judged(500)), "SEARCH part USING INTEGER PRIMARY KEY"),
    "reviewed parts": (lambda b: list(b.archive.reviewed()), "reviewed USING INTEGER PRIMARY KEY (rowid>?"),
    "alarms": (lambda b: b.alarms.alarms(code="x"), "INDEX alarm_event_code (code=?"),
    "audit": (lambda b: b.audit.audit(who="ana"), "INDEX audit_who (who=?"),
}
WALKED = ("SCAN inspection", "SCAN reviewed", "SCAN mark", "SCAN setup", "SCAN audit")
"""Walked backwards until the page is full; the setups, of which there are few; marks of one review."""


@pytest.mark.parametrize("name", ASKED)
def test_a_page_goes_by_its_index(path: Path, name: str) -> None:
    act, expected = ASKED[name]
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(BORN)
    with open_for_people(path, station=STATION) as book:
        if name in {"overruled", "pareto", "reviewed parts"}:
            book.desk.sign(review(BORN.result_id))
        steps = plans(book.desk._file.engine, lambda: act(book))
    assert any(expected in step for step in steps), steps
    assert [step for step in steps if step.startswith("SCAN") and not step.startswith(WALKED)] == []


@pytest.mark.parametrize("rare", [0, desk.RARE])
def test_a_class_is_looked_up_from_its_shorter_side_and_both_say_the_same(
    path: Path, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "RARE", rare)
    with open_recorder(path, station=STATION) as recorder:
        for number in range(1, 8):
            recorder.close(inspection(number, CRACKED))
    with open_for_people(path, station=STATION) as book:
        known, unknown = QueueFilter(label="crack"), QueueFilter(label="none such")
        steps = plans(book.desk._file.engine, lambda: book.desk.left(known))
        assert any("label=? AND journal_seq=?" in step for step in steps) is (rare == 0), steps
        assert (book.desk.left(known), book.desk.left(unknown)) == (7, 0)
        for order in QueueOrder:
            page = book.desk.waiting(known, order=order, limit=5)
            rest = book.desk.waiting(known, order=order, limit=5, after=page.following)
            assert [item.line.part.part_seq for item in (*page.items, *rest.items)] == list(range(1, 8))
