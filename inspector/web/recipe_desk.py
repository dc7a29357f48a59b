"""Takes what a person says of a recipe to the shelf and to the line, from a page or from a program."""

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from inspector.domain.activation import Activation, Wish
from inspector.domain.errors import ConfigError, ReviewError
from inspector.domain.recipe import Recipe
from inspector.domain.request import WITHDRAW, Answer, RequestState
from inspector.ports.liveness import Life
from inspector.ports.revisions import Revision, Standing
from inspector.web.access import Visit

KIND = "recipe"
USABLE = frozenset({Standing.LOADED, Standing.APPROVED})
ANSWER_S = 10.0
"""How long a person waits for the line's answer; it comes within half a second of a line that is well."""
_LOOK_S = 0.05
_GOODBYE_S = 1.0
_SHOWN_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A revision with the recipe that stands in it; ``broken``: why it is none for this station, "" if it is."""

    revision: Revision
    recipe: Recipe | None
    broken: str

    @property
    def usable(self) -> bool:
        """Whether it may be activated: read, and approved or loaded by the line itself."""
        return self.recipe is not None and self.revision.standing in USABLE


class FileState(Enum):
    """How a slot's file stands to what is in use there.

    SAME: it says the same. OLDER: another revision that the journal knows. BY_HAND: a text that nobody approved; it is
    not used. NEXT: nothing was ever activated here, and the file was changed since the line started: it would be loaded
    with the next start. MISSING: it cannot be read.
    """

    SAME = "same"
    OLDER = "older"
    BY_HAND = "by_hand"
    NEXT = "next"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What is in use in one slot. ``live``: the running line says so; False: what it begins with at its next start.

    ``activation``: by which it came there; None: from its file. ``before``: what it would be rolled back to.
    """

    name: str
    job: int
    recipe: str
    sha256: str
    live: bool
    default: bool
    activation: Activation | None
    file: FileState
    before: Revision | None


def read(visit: Visit, revision: Revision) -> Read:
    """Parse and fit a revision."""
    try:
        return Read(revision=revision, recipe=visit.station.read_recipe(revision.content), broken="")
    except ConfigError as error:
        return Read(revision=revision, recipe=None, broken=str(error))


def found(visit: Visit, sha256: str) -> Read | None:
    """One by its sha256; None if the book has none."""
    revision = visit.station.shelf.revision(KIND, sha256)
    return None if revision is None else read(visit, revision)


def revisions(visit: Visit) -> list[Read]:
    """The newest revisions of recipes, newest first."""
    return [read(visit, revision) for revision in visit.station.shelf.revisions(KIND)]


def in_use(visit: Visit) -> list[Slot]:
    """What each slot is judged by, the default one first."""
    taken = visit.station.activations.in_force()
    running = _running(visit.feed.now.liveness.status) if line_runs(visit) else {}
    return [_slot(visit, name, running.get(name), taken.get(name)) for name in visit.station.slots]


def line_runs(visit: Visit) -> bool:
    """Whether a line lives that would answer; one that has said goodbye does not."""
    liveness = visit.feed.now.liveness
    return liveness.life is Life.ALIVE and liveness.status.get("alive") is not False


def _running(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    told = status.get("recipes")
    rows = [row for row in told if isinstance(row, Mapping)] if isinstance(told, list) else []
    return {str(row.get("slot")): row for row in rows}


def _slot(visit: Visit, name: str, running: Mapping[str, Any] | None, taken: Activation | None) -> Slot:
    text = visit.station.recipe_file(name)
    file_sha256 = "" if text is None else hashlib.sha256(text.encode()).hexdigest()
    planned = taken.wish.sha256 if taken else file_sha256
    sha256 = str(running.get("sha256", "")) if running else planned
    activation = taken if taken is not None and taken.wish.sha256 == sha256 else None
    recipe = str(running.get("name", "")) if running else taken.wish.name if taken else name
    job = running.get("job", 0) if running else 0
    return Slot(
        name=name,
        job=job if isinstance(job, int) else 0,
        recipe=recipe,
        sha256=sha256,
        live=running is not None,
        default=name == visit.station.slots[0],
        activation=activation,
        file=_file_state(visit, file_sha256, sha256, activated=taken is not None),
        before=visit.station.shelf.revision(KIND, activation.wish.before) if activation else None,
    )


def _file_state(visit: Visit, file_sha256: str, sha256: str, *, activated: bool) -> FileState:
    if not file_sha256:
        return FileState.MISSING
    if file_sha256 == sha256:
        return FileState.SAME
    if not activated:
        return FileState.NEXT
    known = visit.station.shelf.revision(KIND, file_sha256)
    return FileState.OLDER if known is not None and known.standing in USABLE else FileState.BY_HAND


def slot_of(slots: list[Slot], name: str) -> Slot:
    """Where a recipe of this name goes: to where one of its name is in use; any other is another default."""
    for slot in slots:
        if slot.recipe == name:
            return slot
    return next((slot for slot in slots if slot.name == name), slots[0])


def propose(visit: Visit, content: str) -> Revision:
    """Store a text that another person is to approve; one that the book knows keeps its standing.

    Raises:
        ConfigError: it is no recipe for this station.
    """
    text, station = content.replace("\r\n", "\n"), visit.station
    recipe = station.read_recipe(text)
    sha256 = station.shelf.propose(KIND, recipe.name, text, by=visit.person.name, at_utc=station.now())
    stored = station.shelf.revision(KIND, sha256)
    if stored is None:
        raise ReviewError(visit.words.gettext("There is no such revision."))
    return stored


def decide(visit: Visit, one: Read, *, approved: bool, comment: str, secret: str) -> None:
    """Approve or reject what another person proposed, signed with the password.

    Raises:
        ReviewError: it does not fit; UnsignedError: it must be signed; RefusedError: the signature is wrong.
    """
    if approved and one.recipe is None:
        raise ReviewError(one.broken)
    if one.revision.standing is not Standing.PROPOSED:
        raise ReviewError(visit.words.gettext("There is nothing left to decide."))
    if one.revision.proposed_by == visit.person.name:
        raise ReviewError(visit.words.gettext("Another person must approve it."))
    visit.sign(secret)
    station = visit.station
    station.shelf.decide(
        KIND,
        one.revision.sha256,
        by=visit.person.name,
        approved=approved,
        comment=comment,
        at_utc=station.now(),
    )


def activate(visit: Visit, one: Read, *, before: str, reason: str, secret: str) -> Answer | None:
    """Ask the line to judge by this revision from the next part on; its answer, None where it is in use already.

    ``before``: sha256 of what the person saw in use. The request stands in the audit chain before the line sees it.

    Raises:
        ReviewError: it may not be; nothing was changed. UnsignedError, RefusedError: as ``decide``.
        SilentError: the line did not answer.
    """
    _, slot = visit.words.gettext, slot_of(in_use(visit), one.revision.name)
    if slot.live and slot.sha256 == one.revision.sha256:
        return None
    _refuse(visit, one, slot, before)
    if not reason.strip():
        raise ReviewError(_("Enter a reason: it is recorded in the audit trail."))
    visit.sign(secret)
    wish = Wish(
        slot=slot.name, name=one.revision.name, sha256=one.revision.sha256, before=before, reason=reason.strip()
    )
    station = visit.station
    answer = _answer(visit, station.activations.ask(wish, by=visit.person.name, at_utc=station.now()))
    if answer.state is RequestState.DONE:
        _until_shown(visit, wish)
    return answer


class SilentError(Exception):
    """The line did not answer in time; the request was withdrawn."""


def _refuse(visit: Visit, one: Read, slot: Slot, before: str) -> None:
    """What is known before the line is asked; it looks once more itself."""
    _ = visit.words.gettext
    if one.recipe is None:
        raise ReviewError(one.broken)
    if not one.usable:
        raise ReviewError(_("Not approved yet: someone other than the author must approve it first."))
    if not slot.live:
        raise ReviewError(_("The line is not running, so nothing was changed. Start it, then activate."))
    if slot.sha256 != before:
        raise ReviewError(
            _(
                "%(recipe)s %(revision)s was activated in the meantime. Nothing was changed. Check the differences "
                "again."
            )
            % {"recipe": slot.recipe, "revision": slot.sha256[:12]}
        )
    for other in visit.station.activations.activations(limit=1):
        if other.state is None and (other.who, other.wish.sha256) != (visit.person.name, one.revision.sha256):
            raise ReviewError(
                _("%(who)s is activating %(recipe)s %(revision)s right now. Check that first.")
                % {"who": other.who, "recipe": other.wish.name, "revision": other.wish.sha256[:12]}
            )


def _answer(visit: Visit, request: int) -> Answer:
    """Wait for the line's last word; where it stays silent, take the request back."""
    last = _last(visit, request, ANSWER_S)
    if last is None:
        visit.station.requests.ask(WITHDRAW, {"request": request}, asked_by=visit.person.name)
        last = _last(visit, request, _GOODBYE_S)
    if last is None:
        raise SilentError
    return last


def _until_shown(visit: Visit, wish: Wish) -> None:
    """Until the line's status says it too, so that the next page does; a line that died meanwhile is not waited for."""
    pause, until = threading.Event(), time.monotonic() + _SHOWN_S
    while time.monotonic() < until:
        row = _running(visit.feed.now.liveness.status).get(wish.slot, {})
        if row.get("sha256") == wish.sha256:
            return
        pause.wait(_LOOK_S)


def _last(visit: Visit, request: int, patience_s: float) -> Answer | None:
    pause, until = threading.Event(), time.monotonic() + patience_s
    while True:
        for _number, answer in visit.station.requests.answers(request):
            if answer.state.final:
                return answer
        if time.monotonic() >= until:
            return None
        pause.wait(_LOOK_S)
