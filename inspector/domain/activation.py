"""Which revision of a recipe a station judges by: what a person asks for, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from inspector.domain.request import RequestState

ACTIVATE = "recipe.activate"
"""The kind of a request that a line takes another revision of a recipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Another revision for one slot.

    ``slot``: the recipe's name in the settings (station.recipe, or one of station.jobs), whose revision is replaced.
    ``name``: what the revision calls itself. ``before``: sha256 of what is in use there, as the person who signed saw
    it; where that is no longer so, nothing is changed. ``sha256`` "": the slot is given back to its file.
    """

    slot: str
    name: str
    sha256: str
    before: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A wish that was signed. ``request``: its number; ``state``, ``text`` and ``answered_utc``: the line's last word.

    ``state`` None: the line has not answered yet. DONE is what makes a revision the one in use, from then on and at
    every further start of the line.
    """

    request: int
    wish: Wish
    who: str
    asked_utc: datetime
    state: RequestState | None
    text: str
    answered_utc: datetime | None
