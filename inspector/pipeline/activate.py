"""Activate: a line takes another revision of a recipe between two parts, once the book holds that it did.

    request ─▶ in use is what the signer saw? ─▶ approved, fits, model loaded? ─▶ answer DONE ─▶ pen
                      └────────── no: REFUSED with the reason, nothing is changed ──────────┘
    the answer stands in the book, and its row in the audit chain ─▶ the board is swapped: the next part is judged by it
A line that dies in between takes it at its next start: the answer in the book is the truth.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from inspector.domain.activation import ACTIVATE
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.request import Answer, Request, RequestState
from inspector.pipeline.recipes import ActiveRecipe, RecipeBoard
from inspector.pipeline.requests import answer_to

log = structlog.get_logger(__name__)

FLUSH_S = 0.5
SHOWN = 12
"""Characters of a sha256 that people are shown."""

__all__ = ["ACTIVATE", "ActivationDesk", "RevisionSource"]


class RevisionSource(Protocol):
    """Revisions of recipes as this line would judge by them. Called by the request thread."""

    def fetch(self, slot: str, sha256: str) -> ActiveRecipe:
        """Read, check and fit a revision.

        Raises:
            ConfigError: there is none, nobody approved it, or it does not fit the slot, the models or the camera.
            JournalError: the book cannot be read.
        """
        ...

    def checksum(self, recipes: Iterable[str]) -> int:
        """16 bits of settings, models and these revisions, given as sha256 in the order of the slots."""
        ...

    def taken(self, slot: str) -> int:
        """The number of the newest request for this slot that was answered DONE in the book; 0 for none.

        Raises:
            JournalError: the book cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A revision that waits for its answer to stand in the book."""

    request: int
    slot: str
    active: ActiveRecipe


class ActivationDesk:
    """Fulfils ``Clerk``; owned by the request thread.

    ``flush``: waits so many seconds until everything given to the pen is committed. ``tell``: is told of each recipe
    that was put on the board.
    """

    def __init__(
        self,
        *,
        board: RecipeBoard,
        source: RevisionSource,
        flush: Callable[[float], bool],
        tell: Callable[[ActiveRecipe], None],
    ) -> None:
        self._board = board
        self._source = source
        self._flush = flush
        self._tell = tell
        self._ready: _Ready | None = None

    def begin(self, request: Request) -> Answer:
        """Check it; the answer DONE is what makes it so, and stands in the book before the line acts by it."""
        try:
            refused = self._refusal(request)
            if refused:
                return answer_to(request, RequestState.REFUSED, refused)
            slot, sha256 = str(request.content["slot"]), str(request.content["sha256"])
            active = self._source.fetch(slot, sha256)
            self._board.check(slot, active)
        except ConfigError as error:
            return answer_to(request, RequestState.REFUSED, str(error))
        except JournalError as error:
            return answer_to(request, RequestState.FAILED, str(error))
        self._ready = _Ready(request=request.number, slot=slot, active=active)
        return answer_to(request, RequestState.DONE, f"{_named(active)} is in use in slot {slot}")

    def look(self) -> Sequence[Answer]:
        """Put on the board what the book has taken by now."""
        ready = self._ready
        if ready is None or not self._flush(FLUSH_S):
            return ()
        if self._source.taken(ready.slot) == ready.request:
            self._board.put(ready.slot, ready.active)
            self._tell(ready.active)
            log.info(
                "recipe.activated", slot=ready.slot, name=ready.active.stamp.name, sha256=ready.active.stamp.sha256
            )
        else:  # the pen had no room for the answer: nothing was changed, and the request stands open
            log.error("recipe.not_activated", request=ready.request, slot=ready.slot)
        self._ready = None
        return ()

    def finish(
        self,
        state: RequestState,  # noqa: ARG002 - a port's signature
        text: str,  # noqa: ARG002
        *,
        request: int | None = None,  # noqa: ARG002
    ) -> Sequence[Answer]:
        """Nothing is under way that could be ended: each request was answered at once."""
        return ()

    def _refusal(self, request: Request) -> str:
        """Why this is not done; "" where it may be."""
        content, slots = request.content, self._board.slots
        slot, sha256, before = (content.get(key) for key in ("slot", "sha256", "before"))
        if not isinstance(slot, str) or slot not in slots:
            return f"slot = {slot!r}: this line has no recipe of that name in its settings; it has: {', '.join(slots)}"
        if not isinstance(sha256, str):
            return f"sha256 = {sha256!r}: the sha256 of a revision is right"
        if self._ready is not None:
            return f"request {self._ready.request} waits for the disk; ask again when it is done"
        now = slots[slot]
        if now.stamp.sha256 == sha256:
            return f"{_named(now)} is in use already"
        if now.stamp.sha256 != before:
            return f"{_named(now)} is in use by now, not revision {str(before)[:SHOWN]}: look at the difference again"
        return ""


def _named(active: ActiveRecipe) -> str:
    return f"recipe {active.stamp.name} revision {active.stamp.sha256[:SHOWN]}"
