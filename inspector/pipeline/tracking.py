"""When the ejector moves for which part. Pure: positions are arguments, there is no clock and no device.

The reject of every part is scheduled at its trigger; only a PASS in time cancels it.

    trigger at p ──▶ due = p + distance        window = due - before ... due + after
    in a window:     all of its parts passed  ──▶ PASS
                     one did not              ──▶ EJECT
    in no window, or while the belt stands    ──▶ the ejector rests
    where nobody knows what lies there        ──▶ EJECT ("blind": after a start, a stop under time, a missed trigger)

Positions grow along the belt: encoder counts without their wrap (``Odometer``), or seconds where the belt runs at one
speed. A belt that runs back takes the windows with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from inspector.domain.verdict import Outcome

COUNTER = 1 << 32
_REMEMBERED = 1024


class Rest(Enum):
    """Where the ejector stands while nobody tells it anything. A flap that rests in EJECT rejects what nobody saw."""

    EJECT = "eject"
    PASS = "pass"  # noqa: S105 - a way, no password


class Motion(Enum):
    """What the ejector does now."""

    PASS = "pass"  # noqa: S105 - a way, no password
    EJECT = "eject"


class Refusal(Enum):
    """Why a PASS no longer cancels the reject."""

    LATE = "late"
    CONDEMNED = "condemned"


class Odometer:
    """The belt's position from a 32-bit counter that wraps and is never reset."""

    def __init__(self) -> None:
        self._raw: int | None = None
        self.position = 0

    def read(self, raw: int) -> int:
        """Take the counter as it stands; gives the position, which never wraps."""
        self.position = raw if self._raw is None else self.place(raw)
        self._raw = raw
        return self.position

    def place(self, raw: int) -> int:
        """The position at which the counter stood at ``raw``, within half a turn of where it is now."""
        if self._raw is None:
            return raw
        ahead = (raw - self._raw) % COUNTER
        return self.position + (ahead if ahead < COUNTER // 2 else ahead - COUNTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The way from trigger to ejector, in counts or seconds. ``remember``: how far back a belt may run."""

    distance: float
    before: float
    after: float
    rest: Rest = Rest.EJECT
    remember: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A part that is past the ejector. ``outcome``: what was said of it in time, None: nothing.

    ``ejected``: what the ejector did as it came by. ``due``: where that was. ``why``: "" or why it was condemned.
    ``between``: nobody knows what the ejector did as it came by: it went either way. ``placed``: False where nobody
    knows when it comes there, and it is ejected whenever it does.
    """

    part_seq: int
    ejected: bool
    outcome: Outcome | None
    due: float
    why: str = ""
    between: bool = False
    placed: bool = True

    @property
    def as_told(self) -> bool:
        """Whether a part that was told PASS passed, and every other one was ejected.

        One that was condemned and was not ejected had been told PASS as it went by: whatever else is ejected. (Where
        the ejector rests on "pass", what went by while nobody moved it is told without ``why``: see ``went_by``.)
        """
        return bool(self.why) or self.ejected == (self.outcome is not Outcome.PASS)


@dataclass(slots=True, kw_only=True)
class _Place:
    """A part on its way. ``early``: it may be at the ejector so far before ``due``.

    ``first``: what the ejector did there, once ``came``; None: nobody knows.
    """

    part_seq: int
    due: float
    early: float = 0.0
    came: bool = False
    first: Motion | None = None
    outcome: Outcome | None = None
    why: str = ""
    ejected: bool | None = None
    left: bool = False


@dataclass(slots=True, kw_only=True)
class _Zone:
    """A stretch that nobody answers for. ``end`` None: it grows until the belt runs again."""

    begin: float
    end: float | None
    why: str


@dataclass(slots=True)
class Tracker:
    """Owned by one thread, or by a lock. ``start``: where the belt stands now; everything before is ejected."""

    passage: Passage
    start: float
    _places: list[_Place] = field(default_factory=list)
    _zones: list[_Zone] = field(default_factory=list)
    _told_left: list[Left] = field(default_factory=list)
    _doomed: dict[int, str] = field(default_factory=dict)
    _motion: Motion | None = None
    _motion_before: Motion | None = None

    def __post_init__(self) -> None:
        self._blind_up_to(self.start, "the line was started while it was on the belt")

    @property
    def in_flight(self) -> int:
        """Parts between trigger and ejector."""
        return sum(not place.left for place in self._places)

    def expect(self, part_seq: int, at: float, *, early: float = 0.0) -> None:
        """A part was triggered at this position, or up to ``early`` before it: its reject is scheduled."""
        self._doomed.pop(part_seq, None)
        self._places.append(_Place(part_seq=part_seq, due=at + self.passage.distance, early=early))

    def expect_between(self, part_seq: int, begin: float, end: float, why: str) -> None:
        """A part was triggered somewhere between these positions: all that comes by then is ejected, and it with it."""
        distance, passage = self.passage.distance, self.passage
        self._zones.append(_Zone(begin=begin + distance - passage.before, end=end + distance + passage.after, why=why))
        place = _Place(part_seq=part_seq, due=end + distance, why=why)
        self._leave(place, ejected=True, why=why, placed=False)
        self._doom(place)

    def unseen(self, begin: float, end: float, why: str) -> None:
        """Parts that nobody expects were triggered between these positions."""
        distance = self.passage.distance
        self._zones.append(
            _Zone(begin=begin + distance + self.passage.after, end=end + distance - self.passage.before, why=why)
        )

    def settle(self, part_seq: int, outcome: Outcome, now: float) -> Refusal | None:
        """Take what was judged. What is refused is ejected, and stays UNDECIDED; only a PASS can be late."""
        place = next((one for one in self._places if one.part_seq == part_seq and not one.left), None)
        if part_seq in self._doomed or (place is not None and place.why):
            return Refusal.CONDEMNED
        if outcome is not Outcome.PASS:
            if place is not None:
                place.outcome = outcome
            return None
        if place is None or now >= self._begins(place):
            return Refusal.LATE
        if self._blind(self._begins(place), place.due + self.passage.after):
            place.why = self.why_blind(place.due)
            return Refusal.CONDEMNED
        place.outcome = Outcome.PASS
        return None

    def why(self, part_seq: int) -> str:
        """Why a part was condemned; "" if it was not."""
        found = next((one.why for one in self._places if one.part_seq == part_seq), "")
        return found or self._doomed.get(part_seq, "")

    def why_blind(self, position: float) -> str:
        """Why nobody answers for this position."""
        return next((zone.why for zone in self._zones if zone.end is None or zone.end >= position), "")

    def condemn(self, why: str) -> int:
        """Everything on its way is ejected, whatever is or was said of it; how many parts."""
        doomed = [one for one in self._places if not one.left and not one.why]
        for one in doomed:
            one.why, one.outcome = why, None
        return len(doomed)

    def lose_places(self, now: float, why: str) -> int:
        """Nobody knows any more where the parts are: all are ejected, from now on until ``found_again``; how many."""
        count = self.condemn(why)
        for place in self._places:
            if not place.left:
                self._leave(place, ejected=True, why=place.why, between=now >= self._begins(place))
                self._doom(place)
        self._places.clear()
        if not any(zone.end is None for zone in self._zones):
            self._zones.append(_Zone(begin=float("-inf"), end=None, why=why))
        return count

    def found_again(self, now: float) -> None:
        """Parts triggered from here on have known places; what came before is still ejected."""
        for zone in self._zones:
            if zone.end is None:
                zone.end = now + self.passage.distance + self.passage.after

    @property
    def lost(self) -> bool:
        """Whether places are unknown now."""
        return any(zone.end is None for zone in self._zones)

    def went_by(self, now: float) -> int:
        """Nobody moved the ejector for a while, and it went to its rest: what is past it now may have gone either way.

        Where it rests on "eject" only those that had passed. How many parts. Called before ``condemn`` and
        ``lose_places``: these keep what was said of them.
        """
        gone = 0
        for place in [one for one in self._places if not one.left and one.due <= now]:
            if self.passage.rest is Rest.EJECT and place.outcome is not Outcome.PASS:
                self._leave(place, ejected=True, why=place.why)
            else:
                self._leave(place, ejected=False, why="", between=True)
                gone += 1
        return gone

    def unwritten(self) -> None:
        """The ejector was not told what the last look found: it does what it did before."""
        self._motion = self._motion_before

    def look(self, now: float, *, standing: bool = False, effective: float = float("-inf")) -> Motion:
        """What the ejector must do at this position. ``standing``: the belt does not move: it rests.

        ``effective``: from this position on the ejector surely did what the last look found; until there, perhaps
        what the look before that one did.
        """
        prior, before, self._motion = self._motion_before, self._motion, self._at(now, standing=standing)
        self._motion_before = before
        for place in self._places:
            if place.ejected is not None:
                continue
            if not place.came and now >= place.due - place.early:
                place.came = True
                place.first = self._acting(place.due - place.early, now, before, prior, effective)
            if now >= place.due:
                acting = self._acting(place.due, now, before, prior, effective)
                sure = acting is not None and acting is place.first
                # what nobody knows is told as it should not have been
                ejected = acting is Motion.EJECT if sure else place.outcome is Outcome.PASS
                self._leave(place, ejected=ejected, why=place.why, between=not sure)
        gone = now - self.passage.after - self.passage.remember
        self._places = [place for place in self._places if not (place.left and place.due < gone)]
        self._zones = [zone for zone in self._zones if zone.end is None or zone.end >= gone]
        return self._motion

    def said_here(self, now: float) -> Sequence[Outcome | None]:
        """What was said of the parts that are at the ejector now."""
        return [one.outcome for one in self._here(now)]

    def left(self) -> Sequence[Left]:
        """Parts that are past the ejector since the last call, in order."""
        told, self._told_left = self._told_left, []
        return told

    def _doom(self, place: _Place) -> None:
        self._doomed[place.part_seq] = place.why
        while len(self._doomed) > _REMEMBERED:
            del self._doomed[next(iter(self._doomed))]

    def _leave(self, place: _Place, *, ejected: bool, why: str, between: bool = False, placed: bool = True) -> None:
        place.ejected, place.left = ejected, True
        self._told_left.append(
            Left(
                part_seq=place.part_seq,
                ejected=ejected,
                outcome=place.outcome,
                due=place.due,
                why=why,
                between=between,
                placed=placed,
            )
        )

    def _acting(
        self, at: float, now: float, before: Motion | None, prior: Motion | None, effective: float
    ) -> Motion | None:
        """What the ejector did at a position that is reached now; None: nobody knows."""
        if before is None or now <= at:
            return self._motion
        return before if at >= effective or prior in {None, before} else None

    def _begins(self, place: _Place) -> float:
        """Where its window begins."""
        return place.due - place.early - self.passage.before

    def _at(self, now: float, *, standing: bool) -> Motion:
        rest = Motion(self.passage.rest.value)
        if standing:
            return rest
        if self._blind(now, now):
            return Motion.EJECT
        here = self._here(now)
        if not here:
            return rest
        return Motion.PASS if all(one.outcome is Outcome.PASS for one in here) else Motion.EJECT

    def _here(self, now: float) -> list[_Place]:
        return [one for one in self._places if self._begins(one) <= now <= one.due + self.passage.after]

    def _blind(self, begin: float, end: float) -> bool:
        return any(zone.begin < end and (zone.end is None or begin < zone.end) for zone in self._zones)

    def _blind_up_to(self, trigger: float, why: str) -> None:
        end = trigger + self.passage.distance + self.passage.after
        self._zones.append(_Zone(begin=float("-inf"), end=end, why=why))
