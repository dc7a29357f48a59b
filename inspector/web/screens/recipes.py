"""Recipes and rules: which revisions there are, what they say, and what they would change."""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import Access
from inspector.domain.errors import ConfigError
from inspector.domain.recipe import Recipe
from inspector.domain.sentences import difference, sentences
from inspector.domain.whatif import WhatIf, what_if
from inspector.ports.revisions import Revision, Standing
from inspector.web.access import Here, Routes, Visit
from inspector.web.screen import N_, Screen
from inspector.web.words import Words

_ROUTES = Routes("recipes")
_KIND = "recipe"
MOST_TEXT = 200_000
ARCHIVE = 10_000
"""Parts of the archive that another recipe is tried on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A revision with the recipe that stands in it; ``broken``: why it is none for this station, "" if it is."""

    revision: Revision
    recipe: Recipe | None
    broken: str


def read(visit: Visit, revision: Revision) -> Read:
    """Parse and fit a revision."""
    try:
        return Read(revision=revision, recipe=visit.station.read_recipe(revision.content), broken="")
    except ConfigError as error:
        return Read(revision=revision, recipe=None, broken=str(error))


def revisions(visit: Visit) -> list[Read]:
    """Every revision of a recipe, newest first."""
    return [read(visit, revision) for revision in visit.station.shelf.revisions(_KIND)]


def active(visit: Visit) -> str:
    """The sha256 of the recipe that the line judges by now; "" where it is not known."""
    running = visit.feed.now.liveness.status.get("recipe", {})
    return str(running.get("sha256", "")) if isinstance(running, dict) else ""


def replay(visit: Visit, sha256: str, parts: int) -> tuple[WhatIf, float]:
    """What a revision would have changed in the newest parts, and how many seconds it took to tell."""
    one = _found(visit, sha256)
    if one.recipe is None:
        raise HTTPException(409, one.broken)
    started = time.perf_counter()
    found = what_if(one.recipe, visit.station.archive.judged(parts), visit.station.scale)
    return found, time.perf_counter() - started


def _found(visit: Visit, sha256: str) -> Read:
    for revision in visit.station.shelf.revisions(_KIND, limit=200):
        if revision.sha256 == sha256:
            return read(visit, revision)
    raise HTTPException(404, visit.words.gettext("There is no such revision."))


@_ROUTES.get("/recipes", Access.EXPERT)
def recipes(visit: Here) -> Response:
    """All revisions."""
    return visit.page(
        "recipes.html",
        here="recipes",
        revisions=revisions(visit),
        active=active(visit),
        standings=standing_words(visit.words),
    )


@_ROUTES.post("/recipes", Access.EXPERT)
def propose(visit: Here, content: Annotated[str, Form(max_length=MOST_TEXT)]) -> Response:
    """Propose a text; what is no recipe for this station is refused with the reason."""
    text = content.replace("\r\n", "\n")
    try:
        recipe = visit.station.read_recipe(text)
    except ConfigError as error:
        raise HTTPException(422, str(error)) from error
    now, who = visit.station.now(), visit.person.name
    sha256 = visit.station.shelf.propose(_KIND, recipe.name, text, by=who, at_utc=now)
    return RedirectResponse(f"/recipes/{sha256}", status_code=303)


@_ROUTES.get("/recipes/{sha256}", Access.EXPERT)
def revision(visit: Here, sha256: str, tried: Annotated[str, Query(max_length=1)] = "") -> Response:
    """One revision: its rules as sentences, what differs from the one that runs, and what it would change."""
    one = _found(visit, sha256)
    running = next((other.recipe for other in revisions(visit) if other.revision.sha256 == active(visit)), None)
    tried_out = replay(visit, sha256, ARCHIVE) if tried and one.recipe else None
    return visit.page(
        "recipe.html",
        here="recipes",
        one=one,
        active=active(visit),
        sentences=sentences(one.recipe) if one.recipe else (),
        changes=difference(running, one.recipe) if running and one.recipe else None,
        tried=tried_out[0] if tried_out else None,
        took=tried_out[1] if tried_out else 0.0,
        parts=ARCHIVE,
        standings=standing_words(visit.words),
        decidable=one.revision.standing is Standing.PROPOSED and one.revision.proposed_by != visit.person.name,
        waits=one.revision.standing is Standing.PROPOSED,
    )


@_ROUTES.post("/recipes/{sha256}/decision", Access.EXPERT)
def decide(
    visit: Here,
    sha256: str,
    approved: Annotated[str, Form(max_length=1)] = "",
    comment: Annotated[str, Form(max_length=2000)] = "",
    secret: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Approve or reject what another person proposed, signed with the password."""
    one = _found(visit, sha256)
    if approved and one.recipe is None:
        raise HTTPException(409, one.broken)
    visit.gatekeeper.sign(visit.person, secret)
    visit.station.shelf.decide(
        _KIND, sha256, by=visit.person.name, approved=bool(approved), comment=comment, at_utc=visit.station.now()
    )
    return RedirectResponse(f"/recipes/{sha256}", status_code=303)


def standing_words(words: Words) -> dict[Standing, str]:
    """How far a revision has come."""
    _ = words.gettext
    return {
        Standing.LOADED: _("loaded from a file"),
        Standing.PROPOSED: _("waits for approval"),
        Standing.APPROVED: _("approved"),
        Standing.REJECTED: _("rejected"),
    }


SCREEN = Screen(
    name="recipes",
    path="/recipes",
    title=N_("Recipes and rules"),
    access=Access.EXPERT,
    routes=_ROUTES,
)
