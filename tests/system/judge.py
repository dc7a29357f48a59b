"""Whether every verdict stands on the right part: the twin's rows and the book side by side."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from inspector.adapters import journal_sql
from inspector.app.demo.plant import STATION
from inspector.domain.inspection import AlarmEvent, Disposal, Inspection
from inspector.domain.verdict import Outcome

Row = Mapping[str, Any]
_SWEEPS = frozenset({"io.watchdog", "belt.lost_places", "encoder.jump", "ejector.late"})
_NEAR = timedelta(seconds=2)
Seen = tuple[tuple[str, float, float, float], ...]


def entries(journal: Path) -> list[object]:
    found: list[object] = []
    at = 0
    with journal_sql.open_journal(journal, station=STATION, read_only=True) as book:
        while page := book.after(at):
            at = page[-1].journal_seq
            found += [entry.event for entry in page]
    return found


def inspections(journal: Path) -> dict[int, Inspection]:
    return {one.part.part_seq: one for one in entries(journal) if isinstance(one, Inspection)}


def disposals(journal: Path) -> list[Disposal]:
    return [one for one in entries(journal) if isinstance(one, Disposal)]


def unexplained(journal: Path, numbers: Sequence[int]) -> list[int]:
    """Of parts that passed and were ejected, those of which the book does not say both that and why.

    A module whose PC stood still drops its outputs, and the belt is swept: safe, and never in silence.
    """
    told = entries(journal)
    gone = {one.part.part_seq: one for one in told if isinstance(one, Disposal) and one.commanded == "reject"}
    begun: dict[str, AlarmEvent] = {}
    spans = []
    for one in told:
        if isinstance(one, AlarmEvent) and one.code in _SWEEPS:
            if one.action == "raised":
                begun[one.code] = one
            elif one.action == "cleared" and one.code in begun:
                spans.append((begun.pop(one.code).at_utc, one.at_utc))
    last = max((one.at_utc for one in gone.values()), default=None)
    spans += [(one.at_utc, last) for one in begun.values() if last is not None]
    return [
        number
        for number in numbers
        if number not in gone
        or not any(first - _NEAR <= gone[number].at_utc <= until + _NEAR for first, until in spans)
    ]


def by_law(inspection: Inspection) -> bool:
    return inspection.verdict.decision.rule.startswith("law.")


def seen(inspection: Inspection) -> Seen:
    """What the model saw: the same picture gives the same, so it tells which picture was judged."""
    return tuple((d.label, d.score, d.box.x, d.box.y) for d in inspection.detections)


def wrong_parts(rows: Sequence[Row], book: Mapping[int, Inspection]) -> list[int]:
    """Numbers that were judged by a picture that does not show the part that was counted so.

    What each scene looks like to the model is learnt from the run itself: it is what was seen most often.
    """
    judged = [
        (number, row["seed"], seen(book[number]))
        for row in rows
        for number in row["numbers"]
        if number in book and not by_law(book[number]) and row["what"] != "part-turned"
    ]
    looks: defaultdict[int, Counter[Seen]] = defaultdict(Counter)
    for _, seed, what in judged:
        looks[seed][what] += 1
    known = {seed: counted.most_common(1)[0][0] for seed, counted in looks.items()}
    assert len({what for what in known.values() if what}) >= len(known) * 0.3, "the scenes cannot be told apart"
    return [number for number, seed, what in judged if what != known[seed]]


def told_apart(rows: Sequence[Row], book: Mapping[int, Inspection]) -> tuple[list[int], list[int]]:
    """Rows against the book: numbers ejected although every Inspection of the part is PASS; passed although not."""

    def good(row: Row) -> bool:
        return bool(row["numbers"]) and all(
            number in book and book[number].verdict.outcome is Outcome.PASS for number in row["numbers"]
        )

    wrong = [row["part_seq"] for row in rows if row["ejected"] and good(row)]
    missed = [row["part_seq"] for row in rows if not row["ejected"] and not good(row)]
    return wrong, missed
