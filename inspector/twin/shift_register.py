"""The shift register of the simulated PLC: parts between light gate and decision, each a reject until it is told OK.

Pure: edges and encoder counts are arguments.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import Enum

from inspector.twin.belt import COUNTER, counts_between

SERIAL_NUMBERS = (1 << 32) - 1
"""0 is not used: the number after 2**32 - 1 is 1."""
_REMEMBERED = 1000


class Code(Enum):
    """A result code on the wire. Only OK lets a part pass."""

    NONE = 0
    OK = 1
    NG = 2
    NOT_DECIDABLE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the PLC does with one part. ``code``: the result it accepted in time, NONE if there was none."""

    part_seq: int
    eject: bool
    code: Code


@dataclass(slots=True, kw_only=True)
class _Place:
    part_seq: int
    decide_at: int
    code: Code = Code.NONE


@dataclass(slots=True)
class ShiftRegister:
    """``decide_after``: counts from the light gate to the decision. ``tally``: results that were not followed."""

    decide_after: int
    next_seq: int
    tally: Counter[str]
    last_edge: int = 0
    last_seq: int = field(init=False)
    _places: deque[_Place] = field(default_factory=deque)
    _decided: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def __post_init__(self) -> None:
        self.last_seq = self.next_seq - 1

    def count(self, edge: int) -> int:
        """A part crosses the light gate; give its number."""
        part_seq = self.last_seq = self.next_seq
        self.last_edge = edge
        self.next_seq = part_seq % SERIAL_NUMBERS + 1
        self._places.append(_Place(part_seq=part_seq, decide_at=(edge + self.decide_after) % COUNTER))
        return part_seq

    def accept(self, part_seq: int, code: Code, arrived: int) -> bool:
        """Take the first result for a part that is still on its way; False for one that is late, stale or a second."""
        place = next((place for place in self._places if place.part_seq == part_seq), None)
        if place is None:
            self.tally["late" if part_seq in self._decided else "stale"] += 1
        elif counts_between(place.decide_at, arrived) <= 0:
            self.tally["late"] += 1
        elif place.code is not Code.NONE:
            self.tally["duplicates"] += 1
        else:
            place.code = code
            return True
        return False

    def decide(self, encoder: int) -> tuple[Decision, ...]:
        """The parts that are before the ejector by now: all but an OK are rejected."""
        decisions = []
        while self._places and counts_between(encoder, self._places[0].decide_at) >= 0:
            place = self._places.popleft()
            self._decided.append(place.part_seq)
            decisions.append(Decision(part_seq=place.part_seq, eject=place.code is not Code.OK, code=place.code))
        return tuple(decisions)

    def forget(self) -> tuple[Decision, ...]:
        """Power fails: it counts anew from 1, and what was on its way is rejected by default."""
        lost = tuple(Decision(part_seq=place.part_seq, eject=True, code=Code.NONE) for place in self._places)
        self._places.clear()
        self._decided.clear()
        self.next_seq, self.last_seq, self.last_edge = 1, 0, 0
        return lost
