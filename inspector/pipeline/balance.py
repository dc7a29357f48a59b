"""Whether every part that entered came out, by the sensors behind the ejector. Pure: no clock, no device.

entries = good + rejected + removed + on the way. A sensor's pulse belongs to the oldest part that may be at the sensors
now; a pulse without a part is a part that nobody saw; a part without a pulse was taken off the belt.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from inspector.domain.verdict import Outcome
from inspector.pipeline.tracking import COUNTER, Left


class Lane(Enum):
    """Where a sensor saw a part."""

    GOOD = "good"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What became of one part.

    ``confirmed``: the sensor of the lane where its verdict sends it saw it; False: it did not; None: no such sensor.
    ``seen``: where it was seen; None: nowhere, or no sensor.
    """

    left: Left
    confirmed: bool | None
    seen: Lane | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that a person must look into."""

    code: str
    text: str


_MOST_PULSES = 10_000
"""Between two readings; an outage of minutes has hundreds."""
CONFIRM_ALARM = "ejector.confirm"
"""A part was not seen where it was sent, or one was seen that nobody sent."""


@dataclass(slots=True)
class Balance:
    """``reach``: how far behind the ejector a part must have been seen, in the tracker's positions.

    ``lanes``: which sensors there are. ``all_known``: every part at the reject sensor was told to us; False: a PLC
    rejects by default what it could not tell.
    """

    reach: float
    lanes: frozenset[Lane]
    all_known: bool = True
    entries: int = 0
    good: int = 0
    rejected: int = 0
    removed: int = 0
    unexpected: int = 0
    flushed: int = 0
    _waiting: deque[Left] = field(default_factory=deque)
    _counts: dict[Lane, int] = field(default_factory=dict)
    _owed: Counter[Lane | None] = field(default_factory=Counter)
    _departures: list[Departure] = field(default_factory=list)
    _troubles: list[Trouble] = field(default_factory=list)

    @property
    def on_the_way(self) -> int:
        """Parts past the ejector that the sensors may still see."""
        return len(self._waiting)

    def left(self, part: Left) -> None:
        """A part is past the ejector."""
        self.entries += 1
        lane = Lane.REJECT if part.ejected else Lane.GOOD
        if lane in self.lanes and part.placed:
            self._waiting.append(part)
            return
        if lane in self.lanes:  # when it comes to the sensor nobody can say
            self._owed[lane] += 1
        self._settle(part, seen=None, confirmed=None, lane=lane)

    def counted(self, lane: Lane, count: int, *, blind: bool) -> None:
        """A sensor's 32-bit counter as it stands. ``blind``: parts that nobody knows are being ejected."""
        before = self._counts.get(lane, count)
        self._counts[lane] = count
        pulses = (count - before) % COUNTER
        if pulses > COUNTER // 2:  # it began anew
            return
        if pulses > _MOST_PULSES:
            text = f"the {lane.value} lane's counter jumped by {pulses}: none of them is taken for a part"
            self._troubles.append(Trouble(code=CONFIRM_ALARM, text=text))
            return
        for _ in range(pulses):
            self._pulse(lane, blind=blind)

    def look(self, position: float) -> None:
        """The belt is at this position: who should have been seen by now and was not was taken off."""
        while self._waiting and position > self._waiting[0].due + self.reach:
            part = self._waiting.popleft()
            self.removed += 1
            where = "the reject bin" if part.ejected else "either lane" if part.between else "the good lane"
            self._troubles.append(
                Trouble(code=CONFIRM_ALARM, text=f"part {part.part_seq} was sent to {where} and did not arrive")
            )
            self._departures.append(Departure(left=part, confirmed=False, seen=None))

    def forget(self) -> None:
        """Positions are not known any more: nobody waits for a sensor, and a pulse that still comes is no surprise."""
        while self._waiting:
            part = self._waiting.popleft()
            lane = Lane.REJECT if part.ejected else Lane.GOOD
            self._owed[None if part.between else lane] += 1
            self._settle(part, seen=None, confirmed=None, lane=lane)

    def departures(self) -> Sequence[Departure]:
        """What became of parts since the last call."""
        told, self._departures = self._departures, []
        return told

    def troubles(self) -> Sequence[Trouble]:
        """What came up since the last call."""
        told, self._troubles = self._troubles, []
        return told

    def _pulse(self, lane: Lane, *, blind: bool) -> None:
        owed = lane if self._owed[lane] else None
        place = self._whose(lane, owed=self._owed[owed] > 0)
        if place is not None:
            part = self._waiting[place]
            del self._waiting[place]
            sent = Lane.REJECT if part.ejected else Lane.GOOD
            if sent is not lane and not part.between:
                self._troubles.append(
                    Trouble(
                        code=CONFIRM_ALARM,
                        text=f"part {part.part_seq} was sent to the {sent.value} lane, seen on the {lane.value} lane",
                    )
                )
            belongs = Lane.GOOD if part.outcome is Outcome.PASS else Lane.REJECT
            right = lane is belongs if part.between else sent is lane and part.as_told
            self._settle(part, seen=lane, confirmed=right, lane=lane)
        elif self._owed[owed]:
            self._owed[owed] -= 1
        elif lane is Lane.REJECT and (blind or not self.all_known):
            self.flushed += 1
        else:
            self.unexpected += 1
            self._troubles.append(
                Trouble(code=CONFIRM_ALARM, text=f"a part that nobody counted was seen on the {lane.value} lane")
            )

    def _whose(self, lane: Lane, *, owed: bool) -> int | None:
        """The oldest part that was sent there; else the oldest of all. The lanes' sensors may be unequally far away."""
        sent = next((place for place, part in enumerate(self._waiting) if self._may_be(part, lane)), None)
        return 0 if sent is None and self._waiting and not owed else sent

    @staticmethod
    def _may_be(part: Left, lane: Lane) -> bool:
        return part.between or (Lane.REJECT if part.ejected else Lane.GOOD) is lane

    def _settle(self, part: Left, *, seen: Lane | None, confirmed: bool | None, lane: Lane) -> None:
        if lane is Lane.GOOD:
            self.good += 1
        else:
            self.rejected += 1
        self._departures.append(Departure(left=part, confirmed=confirmed, seen=seen))
