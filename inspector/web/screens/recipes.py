"""Recipes and rules: which revisions there are, what they say and would change, who approved them, which is in use."""

import time
from collections.abc import Callable
from typing import Annotated

from fastapi import File, Form, Query, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import Access
from inspector.domain.difference import difference
from inspector.domain.errors import ConfigError, ReviewError
from inspector.domain.request import RequestState
from inspector.domain.whatif import WhatIf, what_if
from inspector.ports.revisions import Standing
from inspector.web import recipe_desk
from inspector.web.access import Here, Routes, Visit
from inspector.web.gatekeeper import RefusedError, UnsignedError
from inspector.web.lock_words import locked_out
from inspector.web.recipe_desk import KIND, FileState, Read
from inspector.web.rule_words import sentences
from inspector.web.screen import N_, Screen
from inspector.web.words import Words

_ROUTES = Routes("recipes")
MOST_TEXT = 200_000
MOST_REASON = 2000
ARCHIVE = 10_000
"""Parts of the archive that another recipe is tried on."""
_HISTORY = 20
Text = Annotated[str, Form(max_length=MOST_TEXT)]
Reason = Annotated[str, Form(max_length=MOST_REASON)]
Secret = Annotated[str, Form(max_length=1000)]


def replay(visit: Visit, sha256: str, parts: int) -> tuple[WhatIf, float]:
    """What a revision would have changed in the newest parts, and how many seconds it took to tell."""
    one = found(visit, sha256)
    if one.recipe is None:
        raise HTTPException(409, one.broken)
    started = time.perf_counter()
    changed = what_if(one.recipe, visit.station.archive.judged(parts), visit.station.scale)
    return changed, time.perf_counter() - started


def found(visit: Visit, sha256: str) -> Read:
    """The revision; a 404 where there is none."""
    one = recipe_desk.found(visit, sha256)
    if one is None:
        raise HTTPException(404, visit.words.gettext("There is no such revision."))
    return one


@_ROUTES.get("/recipes", Access.EXPERT)
def recipes(
    visit: Here,
    edit: Annotated[str, Query(max_length=64)] = "",
    file: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """What is in use, all revisions, and where to propose one. ``edit``: begin with this one; ``file``: with a file."""
    one = found(visit, edit).revision if edit else None
    draft = one.content if one else visit.station.recipe_file(file) or "" if file else ""
    return _list(visit, draft=draft, drafted=one.name if one else file)


@_ROUTES.post("/recipes", Access.EXPERT)
def propose(
    visit: Here,
    content: Text = "",
    upload: Annotated[UploadFile | None, File()] = None,
    drafted: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Propose a text, typed or from a file; what is no recipe for this station comes back with the reason.

    ``drafted``: the recipe whose text it was begun with: the page keeps what is typed under that name.
    """

    def refused(trouble: str) -> Response:
        return _list(visit, draft=content, drafted=drafted, trouble=trouble, status=422)

    if upload is not None and upload.filename:
        raw = upload.file.read(MOST_TEXT + 1)
        try:
            content = raw.decode()
        except UnicodeDecodeError:
            return refused(visit.words.gettext("The file is not a text file."))
        if len(raw) > MOST_TEXT:
            return refused(visit.words.gettext("The file is too large."))
    try:
        revision = recipe_desk.propose(visit, content)
    except ConfigError as error:
        return refused(str(error))
    return RedirectResponse(f"/recipes/{revision.sha256}", status_code=303)


def _list(visit: Visit, *, draft: str, drafted: str = "", trouble: str = "", status: int = 200) -> Response:
    slots = recipe_desk.in_use(visit)
    return visit.page(
        "recipes.html",
        status=status,
        here="recipes",
        revisions=recipe_desk.revisions(visit),
        slots=slots,
        used={slot.sha256 for slot in slots},
        alive=recipe_desk.line_runs(visit),
        activations=visit.station.activations.activations(limit=_HISTORY),
        standings=standing_words(visit.words),
        files=file_words(visit.words),
        endings=ending_words(visit.words),
        draft=draft,
        drafted=drafted,
        trouble=trouble,
        FileState=FileState,
    )


@_ROUTES.get("/recipes/{sha256}", Access.EXPERT)
def revision(visit: Here, sha256: str, tried: Annotated[str, Query(max_length=1)] = "") -> Response:
    """One revision: its rules as sentences, what differs from the one that runs, and what it would change."""
    return _one(visit, found(visit, sha256), tried=bool(tried))


@_ROUTES.get("/recipes/{sha256}/text", Access.EXPERT)
def text(visit: Here, sha256: str) -> Response:
    """The text as a file: for the plant's own archive, or to edit it elsewhere."""
    one = found(visit, sha256).revision
    named = {"Content-Disposition": f'attachment; filename="{one.sha256[:12]}.toml"'}
    return Response(one.content, media_type="application/toml", headers=named)


@_ROUTES.post("/recipes/{sha256}/decision", Access.EXPERT)
def decide(
    visit: Here,
    sha256: str,
    approved: Annotated[str, Form(max_length=1)] = "",
    comment: Reason = "",
    secret: Secret = "",
) -> Response:
    """Approve or reject what another person proposed, signed with the password."""
    one = found(visit, sha256)

    def act() -> str:
        recipe_desk.decide(visit, one, approved=bool(approved), comment=comment, secret=secret)
        return ""

    return _signed(visit, one, act, typed=comment)


@_ROUTES.post("/recipes/{sha256}/activation", Access.EXPERT)
def activate(
    visit: Here,
    sha256: str,
    before: Annotated[str, Form(max_length=64)] = "",
    reason: Reason = "",
    secret: Secret = "",
) -> Response:
    """Ask the line to judge by this revision from the next part on, signed with the password."""
    one = found(visit, sha256)

    def act() -> str:
        answer = recipe_desk.activate(visit, one, before=before, reason=reason, secret=secret)
        if answer is None or answer.state is RequestState.DONE:
            return ""
        return visit.words.gettext("The line did not accept it; the previous recipe stays in use.") + f" {answer.text}"

    return _signed(visit, one, act, typed=reason)


def _signed(visit: Visit, one: Read, act: Callable[[], str], *, typed: str) -> Response:
    """Do what was signed; where it did not work, show the page again with the reason and what was typed."""
    _ = visit.words.gettext
    status = 409
    try:
        trouble = act()
    except ReviewError as error:
        trouble = str(error)
    except UnsignedError:
        trouble, status = _("Enter your password again: it is your signature."), 428
    except RefusedError as refused:
        status = 423 if refused.until else 422
        trouble = locked_out(refused, visit.words) or _("The password is wrong. Nothing was changed.")
    except recipe_desk.SilentError:
        trouble, status = silent(visit.words), 504
    if trouble:
        return _one(visit, found(visit, one.revision.sha256), trouble=trouble, typed=typed, status=status)
    return RedirectResponse(f"/recipes/{one.revision.sha256}", status_code=303)


def silent(words: Words) -> str:
    """What is said where the line gave no answer."""
    return words.gettext(
        "The line did not respond and the request was withdrawn. See the list of activations for the outcome."
    )


def _one(
    visit: Visit, one: Read, *, tried: bool = False, trouble: str = "", typed: str = "", status: int = 200
) -> Response:
    slot = recipe_desk.slot_of(recipe_desk.in_use(visit), one.revision.name)
    running = recipe_desk.found(visit, slot.sha256)
    before = running.recipe if running is not None else None
    tried_out = replay(visit, one.revision.sha256, ARCHIVE) if tried and one.recipe else None
    return visit.page(
        "recipe.html",
        status=status,
        here="recipes",
        one=one,
        slot=slot,
        used=slot.sha256 == one.revision.sha256,
        alive=recipe_desk.line_runs(visit),
        sentences=sentences(one.recipe, visit.words) if one.recipe else (),
        changes=difference(before, one.recipe) if before and one.recipe else None,
        tried=tried_out[0] if tried_out else None,
        took=tried_out[1] if tried_out else 0.0,
        parts=ARCHIVE,
        standings=standing_words(visit.words),
        files=file_words(visit.words),
        decidable=one.revision.standing is Standing.PROPOSED and one.revision.proposed_by != visit.person.name,
        waits=one.revision.standing is Standing.PROPOSED,
        trouble=trouble,
        typed=typed,
    )


def standing_words(words: Words) -> dict[Standing, str]:
    """How far a revision has come."""
    _ = words.gettext
    return {
        Standing.LOADED: _("loaded from a file"),
        Standing.PROPOSED: _("waiting for approval"),
        Standing.APPROVED: _("approved"),
        Standing.REJECTED: _("rejected"),
    }


def file_words(words: Words) -> dict[FileState, str]:
    """How a slot's file stands to what is in use."""
    _ = words.gettext
    return {
        FileState.SAME: _("The file is identical."),
        FileState.OLDER: _("The file is another known revision; the activated one is used."),
        FileState.BY_HAND: _("The file was edited and its content is not approved. It is not used."),
        FileState.NEXT: _("The file has changed since the line started: it will be used at the next start."),
        FileState.MISSING: _("The file cannot be read."),
    }


def ending_words(words: Words) -> dict[RequestState | None, str]:
    """What became of an activation."""
    _ = words.gettext
    return {
        None: _("no response yet"),
        RequestState.RUNNING: _("no response yet"),
        RequestState.DONE: _("accepted by the line"),
        RequestState.REFUSED: _("refused by the line"),
        RequestState.WITHDRAWN: _("withdrawn"),
        RequestState.FAILED: _("failed"),
        RequestState.ENDED: _("not accepted: the line stopped"),
    }


SCREEN = Screen(
    name="recipes",
    path="/recipes",
    title=N_("Recipes and rules"),
    access=Access.EXPERT,
    routes=_ROUTES,
)

__all__ = ["KIND", "SCREEN", "found", "replay", "silent"]
