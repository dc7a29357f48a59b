"""What a person or a program asks of the history, as an address says it."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query
from starlette.exceptions import HTTPException

from inspector.domain.shifts import Shift
from inspector.domain.verdict import Outcome
from inspector.ports.history import PartSearch
from inspector.web.access import Here

_SHIFTS = 12
Text = Annotated[str, Query(max_length=200)]


class Sought:
    """A search of parts; what is ``unknown`` is left out, so that an old address still shows a page."""

    def __init__(
        self,
        visit: Here,
        serial: Text = "",
        lot: Text = "",
        part_seq: Annotated[str, Query(max_length=10)] = "",
        label: Text = "",
        outcome: Text = "",
        recipe: Text = "",
        model: Text = "",
        shift: Text = "",
        overruled: Annotated[str, Query(max_length=1)] = "",
    ) -> None:
        self.serial, self.lot, self.label, self.recipe, self.model = serial.strip(), lot, label, recipe, model
        self.part_seq = part_seq if part_seq.isascii() and part_seq.isdecimal() else ""
        self.outcome = outcome.upper() if outcome.upper() in Outcome.__members__ else ""
        self.overruled = "1" if overruled == "1" else ""
        self.shifts = visit.station.site.shifts.latest(visit.station.now(), _SHIFTS)
        self.shift = next((one for one in self.shifts if key_of(one) == shift), None)
        offered = {
            "outcome": (outcome, self.outcome, ", ".join(Outcome.__members__)),
            "part_seq": (part_seq, self.part_seq, "numbers, in digits"),
            "shift": (shift, self.shift, ", ".join(key_of(one) for one in self.shifts)),
            "overruled": (overruled, self.overruled, "1"),
        }
        self.unknown = tuple(
            f"{name} = {given!r} is unknown; there are: {right}"
            for name, (given, taken, right) in offered.items()
            if given and not taken
        )

    @property
    def search(self) -> PartSearch:
        """As the history is asked."""
        return PartSearch(
            serial=self.serial,
            lot=self.lot,
            part_seq=int(self.part_seq) if self.part_seq else None,
            opened=self.shift.span if self.shift else None,
            label=self.label,
            outcome=Outcome[self.outcome] if self.outcome else None,
            disagreement=bool(self.overruled),
            model=self.model,
            recipe=self.recipe,
        )

    def address(self, path: str, **other: str) -> str:
        """The page of this path with the same search."""
        asked = {
            "serial": self.serial,
            "lot": self.lot,
            "part_seq": self.part_seq,
            "label": self.label,
            "outcome": self.outcome,
            "recipe": self.recipe,
            "model": self.model,
            "shift": key_of(self.shift) if self.shift else "",
            "overruled": self.overruled,
        } | other
        asked = {key: value for key, value in asked.items() if value}
        return f"{path}?{urlencode(asked)}" if asked else path


def key_of(shift: Shift) -> str:
    """A shift in an address."""
    return shift.span.start_utc.strftime("%Y%m%dT%H%M")


Search = Annotated[Sought, Depends(Sought)]


def exactly(sought: Search) -> Sought:
    """The search as it was asked: a program or a table that is told of other parts than were meant would not notice."""
    if sought.unknown:
        raise HTTPException(422, "; ".join(sought.unknown))
    return sought


ExactSearch = Annotated[Sought, Depends(exactly)]
