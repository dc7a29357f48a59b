"""What waits for people, what they find, and what they sign."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from inspector.adapters.journal_sql import PeoplesBook, open_for_people, open_journal, open_recorder, verify
from inspector.adapters.journal_sql.lines import MOST_ROWS
from inspector.domain.errors import ReviewError
from inspector.domain.inspection import AlarmEvent, Inspection, Opinion
from inspector.domain.reviewing import OvertakenError
from inspector.domain.shifts import Span
from inspector.domain.verdict import Decision, Outcome, Verdict, undecided
from inspector.ports.figures import Counted, Selection
from inspector.ports.history import PartSearch
from inspector.ports.review import QueueFilter, QueueKind, QueueOrder
from inspector.ports.revisions import Standing
from tests.adapters.journal_sql.records import (
    CRACKED,
    NOW,
    PICTURE,
    STATION,
    alarm,
    ask,
    disposal,
    inspection,
    older_book,
    review,
)

LATE = undecided("no verdict in time", rule="law.late", measured=500.0, limit=400.0, unit="ms")


def measured(value: float, outcome: Outcome = Outcome.FAIL) -> Verdict:
    decision = Decision(rule="score.max", measured=value, limit=2.0, unit="score")
    return Verdict(outcome=outcome, reason="score", decision=decision)


def at(minutes: float, part_seq: int, verdict: Verdict | None = None, **changes: object) -> Inspection:
    opened = NOW + timedelta(minutes=minutes)
    given = () if verdict is None else (verdict,)
    return inspection(part_seq, *given, opened_utc=opened, created_utc=opened + timedelta(seconds=1), **changes)


BORN = (
    at(0, 1, CRACKED, lot="L1", serial="S1"),
    at(1, 2, lot="L1", serial="S2"),
    at(2, 3, measured(1.0, Outcome.UNDECIDED), lot="L1", serial="S1", attempt=2),
    at(61, 4, LATE, lot="L2"),
    at(62, 5, measured(2.2), lot="L2"),
    at(63, 6, measured(1.9, Outcome.PASS), lot="L2", evidence=PICTURE, kept_probability=0.05),
    at(64, 7, measured(0.0, Outcome.PASS), lot="L2", evidence=PICTURE, kept_probability=0.05),
)


@pytest.fixture
def book(path: Path) -> Iterator[PeoplesBook]:
    with open_recorder(path, station=STATION) as recorder:
        for one in BORN:
            recorder.close(one)
        recorder.note(disposal(1))
    with open_for_people(path, station=STATION) as people:
        yield people


def waiting(book: PeoplesBook, which: QueueFilter, order: QueueOrder = QueueOrder.OLDEST) -> list[int]:
    """Part numbers of a whole queue, read in pages of two."""
    found: list[int] = []
    after = ""
    while True:
        page = book.desk.waiting(which, order=order, after=after, limit=2)
        found += [item.line.part.part_seq for item in page.items]
        after = page.following
        if not after:
            assert book.desk.left(which) == len(found)
            return found


def found(book: PeoplesBook, **sought: object) -> list[int]:
    numbers: list[int] = []
    after = ""
    while True:
        page = book.history.search(PartSearch(**sought), after=after, limit=2)  # type: ignore[arg-type]
        numbers += [line.part.part_seq for line in page.items]
        after = page.following
        if not after:
            return numbers


def test_each_queue_has_its_parts_once_oldest_first(book: PeoplesBook) -> None:
    assert waiting(book, QueueFilter()) == [1, 3, 4, 5]
    assert waiting(book, QueueFilter(kind=QueueKind.SAMPLE)) == [6, 7]
    assert waiting(book, QueueFilter(kind=QueueKind.BORDERLINE)) == [5, 6]
    sample = book.desk.waiting(QueueFilter(kind=QueueKind.SAMPLE)).items
    assert [item.probability for item in sample] == [0.05, 0.05]
    assert book.desk.waiting(QueueFilter()).items[2].nearness is None, "a law of the house decided"


def test_nearest_to_the_limit_comes_first_and_what_no_figure_decided_last(book: PeoplesBook) -> None:
    assert waiting(book, QueueFilter(), QueueOrder.NEAREST)[0] == 5
    assert waiting(book, QueueFilter(), QueueOrder.NEAREST)[-1] == 4
    assert waiting(book, QueueFilter(kind=QueueKind.BORDERLINE), QueueOrder.NEAREST) == [6, 5]


def test_queues_are_filtered_by_recipe_defect_and_shift(book: PeoplesBook) -> None:
    early = Span(start_utc=NOW, end_utc=NOW + timedelta(hours=1))
    late = Span(start_utc=NOW + timedelta(hours=1), end_utc=NOW + timedelta(hours=2))
    assert waiting(book, QueueFilter(opened=early)) == [1, 3]
    assert waiting(book, QueueFilter(opened=late)) == [4, 5]
    assert waiting(book, QueueFilter(opened=Span(start_utc=NOW, end_utc=NOW))) == []
    assert waiting(book, QueueFilter(label="crack")) == [1]
    assert waiting(book, QueueFilter(recipe="critical", label="crack")) == [1]
    assert waiting(book, QueueFilter(recipe="other")) == []


def test_a_place_of_another_list_is_refused(book: PeoplesBook) -> None:
    place = book.desk.waiting(QueueFilter(), limit=1).following
    with pytest.raises(ValueError, match="not where a page of this list ended"):
        book.desk.waiting(QueueFilter(), order=QueueOrder.NEAREST, after=place)
    for nonsense in ("x", "[]", '["oldest"]', '{"a":1}', '["oldest","1; DROP"]'):
        with pytest.raises(ValueError, match="not where a page"):
            book.desk.waiting(QueueFilter(), after=nonsense)


def test_parts_are_found_by_what_is_known_of_them(book: PeoplesBook) -> None:
    hour = Span(start_utc=NOW + timedelta(minutes=1), end_utc=NOW + timedelta(minutes=62))
    assert found(book) == [7, 6, 5, 4, 3, 2, 1]
    assert found(book, serial="S1") == [3, 1]
    assert found(book, lot="L1") == [3, 2, 1]
    assert found(book, lot="L1", outcome=Outcome.FAIL) == [1]
    assert found(book, outcome=Outcome.PASS) == [7, 6, 2]
    assert found(book, outcome=Outcome.UNDECIDED) == [4, 3]
    assert found(book, label="crack") == [1]
    assert found(book, label="crack", lot="L2") == []
    assert found(book, part_seq=5) == [5]
    assert found(book, opened=hour) == [4, 3, 2]
    assert found(book, opened=hour, model="seg", recipe="critical") == [4, 3, 2]
    assert found(book, model="other") == []
    assert found(book, serial="S'; DROP TABLE part") == []
    assert (book.history.recipes(), book.history.models(), book.history.labels()) == (["critical"], ["seg"], ["crack"])


def test_one_part_comes_with_all_that_was_said_of_it(book: PeoplesBook) -> None:
    number = book.desk.sign(review(BORN[0].result_id))
    file = book.history.part(BORN[0].result_id)
    assert file is not None
    assert file.inspection == BORN[0]
    assert [signed.journal_seq for signed in file.reviews] == [number]
    assert file.reviews[0].review == review(BORN[0].result_id)
    assert len(file.disposals) == 1
    assert book.history.part(uuid4()) is None


def test_a_reject_has_a_running_number_in_its_shift(book: PeoplesBook) -> None:
    assert book.history.reject_number(BORN[4].result_id, NOW) == 4
    assert book.history.reject_number(BORN[4].result_id, NOW + timedelta(hours=1)) == 2
    assert book.history.reject_number(BORN[1].result_id, NOW) == 0, "it was passed"


def test_a_reviewed_part_waits_no_more_and_the_first_record_stays(book: PeoplesBook, path: Path) -> None:
    before = ask(path, "SELECT * FROM inspection")
    signed = review(BORN[0].result_id)
    number = book.desk.sign(signed)
    assert waiting(book, QueueFilter()) == [3, 4, 5]
    assert found(book, disagreement=True) == [1]
    assert found(book, disagreement=True, label="crack") == [1]
    line = book.history.search(PartSearch(serial="S1", outcome=Outcome.FAIL)).items[0]
    assert (line.opinion, line.true_outcome, line.reviewer) == (Opinion.DISAGREE, "PASS", "ana")
    with open_journal(path) as journal:
        assert journal.after(number - 1)[0].event == signed
    assert ask(path, "SELECT * FROM inspection") == before
    assert [sentence for sentence in verify(path).findings if "revisions" not in sentence] == []


def test_a_second_review_is_another_persons_and_says_that_it_is(book: PeoplesBook) -> None:
    first = review(BORN[0].result_id)
    with pytest.raises(ReviewError, match="first review, not the second"):
        book.desk.sign(replace(first, second=True))
    book.desk.sign(first)
    with pytest.raises(ReviewError, match="ana reviewed this part at"):
        book.desk.sign(replace(first, reviewer="ben"))
    with pytest.raises(ReviewError, match="another person's"):
        book.desk.sign(replace(first, second=True))
    book.desk.sign(replace(first, reviewer="ben", second=True, opinion=Opinion.AGREE, true_outcome="FAIL"))
    assert found(book, disagreement=True) == [], "the last review counts"
    with pytest.raises(ReviewError, match="there is no part"):
        book.desk.sign(review(uuid4()))


def test_a_slip_is_taken_back_by_a_row_and_the_part_waits_again(book: PeoplesBook, path: Path) -> None:
    first = review(BORN[0].result_id)
    number = book.desk.sign(first)
    undo = replace(first, opinion=Opinion.WITHDRAWN, true_outcome="", corrections=(), withdraws=number)
    with pytest.raises(ReviewError, match="only they take it back"):
        book.desk.sign(replace(undo, reviewer="ben"))
    book.desk.sign(undo)
    assert waiting(book, QueueFilter()) == [1, 3, 4, 5]
    assert found(book, disagreement=True) == []
    with pytest.raises(ReviewError, match="nothing to take back"):
        book.desk.sign(undo)
    book.desk.sign(replace(first, opinion=Opinion.UNSURE))
    assert waiting(book, QueueFilter()) == [3, 4, 5]
    assert ask(path, "SELECT count(*) FROM review") == [(3,)]


def test_a_second_review_follows_the_one_that_its_person_saw(book: PeoplesBook) -> None:
    part = BORN[0].result_id
    first = book.desk.sign(review(part))
    bens = replace(review(part), reviewer="ben", second=True)
    seen = book.desk.sign(bens, after=first)
    with pytest.raises(OvertakenError, match="ben reviewed this part at") as overtaken:
        book.desk.sign(replace(bens, reviewer="cem"), after=first)
    assert overtaken.value.now is not None
    assert (overtaken.value.now.journal_seq, overtaken.value.now.review.reviewer) == (seen, "ben")
    book.desk.sign(replace(bens, reviewer="cem"), after=seen)
    with pytest.raises(OvertakenError, match="nobody has reviewed") as gone:
        book.desk.sign(replace(review(BORN[2].result_id), second=True), after=first)
    assert gone.value.now is None


def test_what_one_person_left_open_waits_for_the_others(book: PeoplesBook) -> None:
    unsure = {"opinion": Opinion.UNSURE, "true_outcome": "", "corrections": ()}
    for number in (1, 2, 5, 6):
        book.desk.sign(replace(review(BORN[number - 1].result_id), **unsure))  # type: ignore[arg-type]
    bens = QueueFilter(kind=QueueKind.UNSURE, reader="ben")
    assert waiting(book, bens) == [1, 2, 5, 6], "a good part without a picture too"
    assert waiting(book, bens, order=QueueOrder.NEAREST)[:2] == [6, 5]
    assert waiting(book, replace(bens, label="crack")) == [1]
    assert waiting(book, replace(bens, recipe="other")) == []
    late = Span(start_utc=NOW + timedelta(hours=1), end_utc=NOW + timedelta(hours=2))
    assert waiting(book, replace(bens, opened=late)) == [5, 6]
    assert book.desk.left(bens) == 4
    assert book.desk.left(replace(bens, reader="ana")) == 0, "they are another person's to decide"
    page = book.desk.waiting(bens)
    assert [item.probability for item in page.items] == [1.0, 1.0, 1.0, 0.05]
    book.desk.sign(replace(review(BORN[0].result_id), reviewer="ben", second=True))
    assert waiting(book, bens) == [2, 5, 6]


def test_a_correction_that_left_no_defect_is_kept_as_one(book: PeoplesBook, path: Path) -> None:
    cleared = replace(review(BORN[0].result_id, Opinion.AGREE), true_outcome="FAIL", corrections=(), cleared=True)
    book.desk.sign(cleared)
    file = book.history.part(BORN[0].result_id)
    assert file is not None
    assert file.reviews[0].review == cleared
    (after,) = book.figures.pareto(Selection())
    assert (after.reviewed, after.false_calls) == (after.defects, after.defects)
    assert [sentence for sentence in verify(path).findings if "revisions" not in sentence] == []


def test_figures_are_counted_by_shift_lot_and_class(book: PeoplesBook) -> None:
    early = Span(start_utc=NOW, end_utc=NOW + timedelta(hours=1))
    late = Span(start_utc=NOW + timedelta(hours=1), end_utc=NOW + timedelta(hours=2))
    figures = book.figures
    assert figures.count(Selection()) == Counted(passed=3, failed=2, undecided=1, kept_from=1)
    assert figures.count(Selection(span=early)) == Counted(passed=1, failed=1, undecided=1)
    assert figures.count(Selection(lot="L2")) == Counted(passed=2, failed=1, kept_from=1)
    assert figures.count(Selection(lot="L2", span=early)) == Counted()
    assert figures.count(Selection(recipe="other")) == Counted()
    assert [one.counted.parts for one in figures.trend((early, late), Selection(recipe="critical"))] == [3, 4]
    assert [(one.lot, one.counted.parts) for one in figures.lots()] == [("L2", 4), ("L1", 3)]
    assert figures.lots()[1].counted == Counted(passed=1, failed=1, undecided=1)


def test_the_kept_sums_of_a_lot_are_those_of_its_parts(book: PeoplesBook) -> None:
    always = Span(start_utc=NOW - timedelta(days=1), end_utc=NOW + timedelta(days=1))
    for lot in ("L1", "L2", "none such"):
        assert book.figures.count(Selection(lot=lot)) == book.figures.count(Selection(lot=lot, span=always))


@pytest.mark.parametrize("selection", [Selection(), Selection(lot="L1"), Selection(recipe="critical")])
def test_false_calls_leave_their_mark_in_the_pareto(book: PeoplesBook, selection: Selection) -> None:
    many = len(BORN[0].verdict.defects)
    (before,) = book.figures.pareto(selection)
    assert (before.label, before.defects, before.parts, before.reviewed) == ("crack", many, 1, 0)
    book.desk.sign(replace(review(BORN[0].result_id), corrections=()))
    (after,) = book.figures.pareto(selection)
    assert (after.reviewed, after.false_calls) == (many, many)


def test_alarms_stand_until_they_are_cleared_whatever_people_say(path: Path, book: PeoplesBook) -> None:
    with open_recorder(path, station=STATION) as recorder:
        recorder.note(alarm("camera.lost"))
        recorder.note(alarm("disk.low"))
        recorder.note(replace(alarm("disk.low"), action="cleared"))
    said = AlarmEvent(
        code="camera.lost", station=STATION, action="acknowledged", text="", at_utc=NOW, details={"by": "ana"}
    )
    book.alarms.say(said)
    until = NOW + timedelta(hours=1)
    book.alarms.say(replace(said, action="shelved", details={"by": "ana", "until": until.isoformat()}))
    (standing,) = book.alarms.standing()
    assert (standing.code, standing.acknowledged_by, standing.shelved_until) == ("camera.lost", "ana", until)
    book.alarms.say(replace(said, action="unshelved"))
    assert book.alarms.standing()[0].shelved_until is None
    with open_journal(path, station=STATION) as journal:
        assert journal.standing_alarms() == {"camera.lost": "no frame"}, "what the next start clears"
    with open_journal(path, station="right") as journal:
        assert journal.standing_alarms() == {}
    page = book.alarms.alarms(limit=2)
    assert [line.event.action for line in page.items] == ["unshelved", "shelved"]
    assert len(book.alarms.alarms(after=page.following).items) == 4
    assert len(book.alarms.alarms(code="disk.low").items) == 2
    with pytest.raises(ValueError, match="people say"):
        book.alarms.say(replace(said, action="cleared"))


def test_an_alarm_stands_however_often_people_speak_of_it_and_one_persons_word_stands_once(
    path: Path, book: PeoplesBook
) -> None:
    with open_recorder(path, station=STATION) as recorder:
        recorder.note(alarm("camera.lost"))
    said = AlarmEvent(
        code="camera.lost", station=STATION, action="acknowledged", text="", at_utc=NOW, details={"by": "ana"}
    )
    first = book.alarms.say(said)
    assert book.alarms.say(said) == first
    with open_recorder(path, station=STATION) as recorder:
        for number in range(MOST_ROWS + 1):
            recorder.note(replace(said, details={"by": f"person {number}"}))
    (standing,) = book.alarms.standing()
    assert (standing.code, standing.acknowledged_by) == ("camera.lost", f"person {MOST_ROWS}")
    with open_recorder(path, station=STATION) as recorder:
        recorder.note(alarm("camera.lost"))
    assert book.alarms.standing()[0].acknowledged_by == ""
    assert book.alarms.say(said) > first, "another raising"


def test_a_revision_is_approved_by_a_second_person_once(book: PeoplesBook) -> None:
    sha256 = book.shelf.propose("recipe", "critical", "text", by="ana", at_utc=NOW)
    with pytest.raises(ReviewError, match="another person decides"):
        book.shelf.decide("recipe", sha256, by="ana", approved=True, comment="", at_utc=NOW)
    book.shelf.decide("recipe", sha256, by="ben", approved=True, comment="tried", at_utc=NOW)
    with pytest.raises(ReviewError, match="is approved: there is nothing to decide"):
        book.shelf.decide("recipe", sha256, by="cem", approved=False, comment="", at_utc=NOW)
    with pytest.raises(ReviewError, match="there is no recipe revision"):
        book.shelf.decide("recipe", "0" * 64, by="ben", approved=True, comment="", at_utc=NOW)
    (revision,) = book.shelf.revisions("recipe")
    assert (revision.standing, revision.proposed_by, revision.decided_by) == (Standing.APPROVED, "ana", "ben")
    assert book.shelf.propose("recipe", "critical", "text", by="cem", at_utc=NOW) == sha256
    assert [entry.action for entry in book.audit.audit(action="recipe").items] == ["recipe.approved", "recipe.proposed"]


def test_a_book_of_schema_0002_keeps_its_rows_and_gains_registers_and_a_chain(path: Path) -> None:
    older_book(path, "0002")
    kept = ("inspection", "part", "defect", "entry")
    rows = {table: ask(path, f"SELECT count(*) FROM {table}") for table in kept}
    first = ask(path, "SELECT journal_seq, result_id, reviewer, opinion, corrections FROM review")
    with open_for_people(path) as book:
        assert waiting(book, QueueFilter()) == [1]
        assert found(book, disagreement=True) == [2]
        assert book.figures.count(Selection(lot="L")) == book.figures.count(Selection()) == Counted(failed=2)
        assert book.figures.pareto(Selection())[0].defects == 2
        assert book.figures.lots()[0].counted == Counted(failed=2)
        assert book.audit.audit_head().number == 1
        (entry,) = book.audit.audit().items
        assert (entry.who, entry.action) == ("ana", "review.signed")
    assert {table: ask(path, f"SELECT count(*) FROM {table}") for table in kept} == rows
    assert ask(path, "SELECT journal_seq, result_id, reviewer, opinion, corrections FROM review") == first
    assert not [sentence for sentence in verify(path).findings if "audit" in sentence or "tally" in sentence]
