"""What became of every part, in two questions that are never mixed.

Was the gate right about the verdict?  ``wrong_ejections``: ejected although a valid OK came in time;
                                       ``missed_ejections``: passed although none did. Both must be 0.
Was the verdict right about the part?  ``escapes``: verdict OK, truth FAIL; ``false_rejects``: verdict NG, truth
                                       not FAIL. UNDECIDED (code 3, or no result in time) is in neither.
Where the line fires the ejector itself, nobody but its book says what the verdict was: ``compare`` asks the first
question of rows and book together.
"""

from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspector.domain.verdict import Outcome
from inspector.twin.shift_register import Code

_CODE_NAMES = {Code.OK: "ok", Code.NG: "ng", Code.NOT_DECIDABLE: "undecided", Code.NONE: "none"}
_REASONS = {
    Code.OK: "OK in time",
    Code.NG: "NG in time",
    Code.NOT_DECIDABLE: "not decidable, in time",
    Code.NONE: "no valid result in time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One part at the ejector. ``code``: what was validly said of it in time, by the witness on the wire.

    ``part_seq``, ``frame_no``: its number and picture, 0 for none; ``numbers``, ``frames``: all of them, where a fault
    gave it more than one or none. ``what``: what is wrong with the part ("part-removed", "part-inserted", ...).
    ``witnessed`` False: the line moves the ejector itself, and tells nobody on the wire.
    """

    part_seq: int
    frame_no: int
    seed: int
    truth: Outcome
    code: Code
    ejected: bool
    numbers: tuple[int, ...] = ()
    frames: tuple[int, ...] = ()
    what: str = ""
    witnessed: bool = True

    @property
    def in_time(self) -> bool:
        """Whether any valid result came in time."""
        return self.code is not Code.NONE

    @property
    def reason(self) -> str:
        """Why the part went where it went."""
        if not self.witnessed:
            return "the line's own output"
        if self.ejected == (self.code is Code.OK):
            return f"the gate was WRONG: {'ejected' if self.ejected else 'passed'} with {_REASONS[self.code]}"
        return _REASONS[self.code]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "part_seq": self.part_seq,
            "frame_no": self.frame_no,
            "numbers": list(self.numbers),
            "frames": list(self.frames),
            "what": self.what,
            "seed": self.seed,
            "truth": self.truth.name,
            "code": _CODE_NAMES[self.code],
            "in_time": self.in_time,
            "ejected": self.ejected,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Rows against the book.

    ``wrong``: numbers ejected although the book says PASS; ``missed``: parts passed without a PASS for every one of
    their numbers, as (number or 0, index of the row).
    """

    wrong: tuple[int, ...]
    missed: tuple[tuple[int, int], ...]


def compare(rows: Sequence[PartRow], passed: Collection[int]) -> Comparison:
    """Whether the ejector did what the book says. ``passed``: the numbers whose Inspection is PASS."""
    wrong = [row.part_seq for row in rows if row.ejected and row.numbers and all(n in passed for n in row.numbers)]
    missed = [
        (row.part_seq, index)
        for index, row in enumerate(rows)
        if not row.ejected and not (row.numbers and all(n in passed for n in row.numbers))
    ]
    return Comparison(wrong=tuple(wrong), missed=tuple(missed))


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinReport:
    """The simulated line's account of a run.

    ``parts``: that entered; ``triggers``: numbers the trigger gave (without faults the same);
    ``last_trigger``: the last of them (0: none); ``passed`` + ``ejected`` + ``removed`` + ``on_belt`` = ``parts``;
    ``stuck``: passed because the ejector did not move. ``faults``: committed on purpose. ``codes``: valid results in
    time, by "ok", "ng", "undecided", "none". ``refused``: telegrams the PLC did not follow ("late", "stale", "bad_crc",
    "duplicates", ...). ``light_gate_late_ms``: the most that a part came after its place on the belt: the PC did not
    run the simulated line in time, which no real light gate does. ``rows``: the newest parts, all of them unless
    there were more than ``rows_kept``.
    """

    parts: int
    triggers: int
    last_trigger: int
    passed: int
    ejected: int
    removed: int
    stuck: int
    on_belt: int
    faults: Mapping[str, int]
    codes: Mapping[str, int]
    truth: Mapping[str, int]
    wrong_ejections: int
    missed_ejections: int
    escapes: int
    false_rejects: int
    undecided: int
    refused: Mapping[str, int]
    finished: bool
    light_gate_late_ms: float
    rows: tuple[PartRow, ...]

    def figures(self) -> dict[str, Any]:
        """Every figure, JSON-ready, without the rows."""
        return {
            "parts": self.parts,
            "triggers": self.triggers,
            "last_trigger": self.last_trigger,
            "passed": self.passed,
            "ejected": self.ejected,
            "removed": self.removed,
            "stuck": self.stuck,
            "on_belt": self.on_belt,
            "faults": dict(self.faults),
            "codes": dict(self.codes),
            "truth": dict(self.truth),
            "wrong_ejections": self.wrong_ejections,
            "missed_ejections": self.missed_ejections,
            "escapes": self.escapes,
            "false_rejects": self.false_rejects,
            "undecided": self.undecided,
            "refused": dict(self.refused),
            "finished": self.finished,
            "light_gate_late_ms": round(self.light_gate_late_ms, 1),
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything, JSON-ready."""
        return {**self.figures(), "rows": [row.as_dict() for row in self.rows]}


@dataclass(slots=True, kw_only=True)
class Tally:
    """The running count behind a report."""

    rows_kept: int
    parts: int = 0
    triggers: int = 0
    last_trigger: int = 0
    late_s: float = 0.0
    passed: int = 0
    ejected: int = 0
    removed: int = 0
    stuck: int = 0
    wrong_ejections: int = 0
    missed_ejections: int = 0
    escapes: int = 0
    false_rejects: int = 0
    codes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_CODE_NAMES.values(), 0))
    truth: dict[str, int] = field(default_factory=lambda: {outcome.name: 0 for outcome in Outcome})
    faults: Counter[str] = field(default_factory=Counter)
    rows: deque[PartRow] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.rows = deque(self.rows, maxlen=self.rows_kept)

    def enter(self, *, late_s: float = 0.0) -> None:
        """A part came, so many seconds after its place on the belt."""
        self.late_s = max(self.late_s, late_s)
        self.parts += 1

    def trigger(self, part_seq: int) -> None:
        """The trigger gave a number."""
        self.triggers += 1
        self.last_trigger = part_seq

    def remove(self, row: PartRow) -> None:
        """Somebody took a part off the belt; it is in no row."""
        self.truth[row.truth.name] += 1
        self.removed += 1

    def settle(self, row: PartRow, *, stuck: bool = False) -> None:
        """A part passed the ejector, or was ejected. ``stuck``: the ejector did not move, whatever it was told."""
        self.rows.append(row)
        if not row.witnessed or stuck:
            self._count(row)
            self.stuck += stuck
            return
        self.wrong_ejections += row.ejected and row.code is Code.OK
        self.missed_ejections += not row.ejected and row.code is not Code.OK
        self._count(row)

    def _count(self, row: PartRow) -> None:
        self.codes[_CODE_NAMES[row.code]] += 1
        self.truth[row.truth.name] += 1
        self.passed += not row.ejected
        self.ejected += row.ejected
        said_ok = row.code is Code.OK or not row.witnessed
        self.escapes += said_ok and not row.ejected and row.truth is Outcome.FAIL
        self.false_rejects += row.code is Code.NG and row.truth is not Outcome.FAIL

    @property
    def settled(self) -> int:
        """Parts that have passed the ejector's place, or were taken off before it."""
        return self.passed + self.ejected + self.removed

    def report(self, *, refused: Mapping[str, int], finished: bool) -> TwinReport:
        """The account as it stands."""
        return TwinReport(
            parts=self.parts,
            triggers=self.triggers,
            last_trigger=self.last_trigger,
            passed=self.passed,
            ejected=self.ejected,
            removed=self.removed,
            stuck=self.stuck,
            on_belt=self.parts - self.settled,
            faults=dict(self.faults),
            codes=dict(self.codes),
            truth=dict(self.truth),
            wrong_ejections=self.wrong_ejections,
            missed_ejections=self.missed_ejections,
            escapes=self.escapes,
            false_rejects=self.false_rejects,
            undecided=self.codes["undecided"] + self.codes["none"],
            refused=dict(refused),
            finished=finished,
            light_gate_late_ms=self.late_s * 1e3,
            rows=tuple(self.rows),
        )
