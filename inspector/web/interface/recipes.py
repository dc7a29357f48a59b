"""Recipes for programs: revisions, their rules, what they would change; to propose, approve and activate them."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from inspector.domain.account import Access
from inspector.domain.activation import Activation
from inspector.domain.request import RequestState
from inspector.web import recipe_desk
from inspector.web.access import Here, Routes
from inspector.web.recipe_desk import Read, Slot
from inspector.web.rule_words import sentences
from inspector.web.screens import recipes as screen
from inspector.web.station import Json
from inspector.web.words import Words

ROUTES = Routes("recipes")
_SAID = {
    404: {"description": "no such revision"},
    409: {"description": "it may not be: the reason; nothing was changed"},
    422: {"description": "it is no recipe for this station, or the signature is wrong"},
    423: {"description": "too many wrong signatures: the account is locked"},
    428: {"description": "send the secret again: it is the signature"},
    504: {"description": "the line did not answer; the request was withdrawn"},
}
_STRICT = ConfigDict(extra="forbid")
Secret = Annotated[str, Field(max_length=1000, description="password again, as a signature")]


class ProposalGiven(BaseModel):
    """A recipe's text."""

    model_config = _STRICT

    content: str = Field(min_length=1, max_length=screen.MOST_TEXT, description="TOML")


class DecisionGiven(BaseModel):
    """What another person than the author says of a proposal."""

    model_config = _STRICT

    approved: bool
    comment: str = Field("", max_length=screen.MOST_REASON)
    secret: Secret = ""


class ActivationGiven(BaseModel):
    """That the line shall judge by a revision from its next part on."""

    model_config = _STRICT

    before: str = Field(max_length=64, description="sha256 of what is in use now; where it is not, nothing is changed")
    reason: str = Field(min_length=1, max_length=screen.MOST_REASON)
    secret: Secret = ""


@ROUTES.get("/api/recipes", Access.EXPERT)
def recipes(visit: Here) -> Json:
    """Revisions of recipes, newest first; ``broken`` says why one does not fit, "" if it does."""
    used = {slot.sha256 for slot in recipe_desk.in_use(visit)}
    return {"items": [_revision(one, visit.words, used=used) for one in recipe_desk.revisions(visit)]}


@ROUTES.get("/api/recipes/in-use", Access.EXPERT)
def in_use(visit: Here) -> Json:
    """By slot: what is in use, how it came there, and how the file of that name stands to it."""
    return {"items": [_slot(slot) for slot in recipe_desk.in_use(visit)]}


@ROUTES.get("/api/recipes/activations", Access.EXPERT)
def activations(visit: Here, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Json:
    """What was asked of the line, newest first, and what it answered; ``state`` null: not yet."""
    return {"items": [_activation(one) for one in visit.station.activations.activations(limit=limit)]}


@ROUTES.post("/api/recipes", Access.EXPERT, status_code=201, responses={422: _SAID[422]})
def propose(visit: Here, given: ProposalGiven) -> Json:
    """Propose a text; another person approves it. One that the journal knows keeps its standing."""
    stored = recipe_desk.propose(visit, given.content)
    return {"name": stored.name, "sha256": stored.sha256, "standing": stored.standing.value}


@ROUTES.post("/api/recipes/{sha256}/decision", Access.EXPERT, responses=_SAID)
def decide(visit: Here, sha256: str, given: DecisionGiven) -> Response:
    """Approve or reject what another person proposed."""
    one = screen.found(visit, sha256)
    recipe_desk.decide(visit, one, approved=given.approved, comment=given.comment, secret=given.secret)
    standing = screen.found(visit, sha256).revision.standing
    return JSONResponse({"sha256": sha256, "standing": standing.value})


@ROUTES.post("/api/recipes/{sha256}/activation", Access.EXPERT, responses=_SAID)
def activate(visit: Here, sha256: str, given: ActivationGiven) -> Response:
    """Activate a revision, or an earlier one again: the answer is the line's own."""
    one = screen.found(visit, sha256)
    try:
        answer = recipe_desk.activate(visit, one, before=given.before, reason=given.reason, secret=given.secret)
    except recipe_desk.SilentError:
        return JSONResponse({"detail": screen.silent(visit.words)}, status_code=504)
    if answer is None:
        return JSONResponse({"sha256": sha256, "state": "done", "request": None, "text": "in use already"})
    done = answer.state is RequestState.DONE
    body = {"sha256": sha256, "state": answer.state.value, "request": answer.request, "text": answer.text}
    return JSONResponse(body if done else {**body, "detail": answer.text}, status_code=200 if done else 409)


@ROUTES.get("/api/recipes/{sha256}", Access.EXPERT, responses={404: _SAID[404]})
def text(visit: Here, sha256: str) -> Json:
    """One revision: its text (TOML) as it was stored, and how it stands. sha256 of ``content`` is its name."""
    one = screen.found(visit, sha256)
    used = {slot.sha256 for slot in recipe_desk.in_use(visit)}
    return {**_revision(one, visit.words, used=used), "comment": one.revision.comment, "content": one.revision.content}


@ROUTES.get("/api/recipes/{sha256}/what-if", Access.EXPERT, responses={404: _SAID[404], 409: _SAID[409]})
def what_if(visit: Here, sha256: str, parts: Annotated[int, Query(ge=1, le=100_000)] = screen.ARCHIVE) -> Json:
    """Which of the newest parts would have ended otherwise."""
    found, _ = screen.replay(visit, sha256, parts)
    return {
        "parts": found.parts,
        "leftOut": found.left_out,
        "moved": {f"{was.name}>{now.name}": many for (was, now), many in sorted(found.moved.items())},
        "flips": [
            {
                "resultId": str(flip.part.result_id),
                "partSeq": flip.part.part.part_seq,
                "was": flip.part.outcome.name,
                "now": flip.now.outcome.name,
                "reason": flip.now.reason,
            }
            for flip in found.flips
        ],
    }


def _told(status: int) -> Response:
    return JSONResponse({"detail": _SAID[status]["description"]}, status_code=status)


def _revision(one: Read, words: Words, *, used: set[str]) -> Json:
    return {
        "name": one.revision.name,
        "sha256": one.revision.sha256,
        "storedTime": one.revision.stored_utc.isoformat(),
        "standing": one.revision.standing.value,
        "proposedBy": one.revision.proposed_by,
        "decidedBy": one.revision.decided_by,
        "inUse": one.revision.sha256 in used,
        "broken": one.broken,
        "rules": list(sentences(one.recipe, words)) if one.recipe else [],
    }


def _slot(slot: Slot) -> Json:
    return {
        "slot": slot.name,
        "default": slot.default,
        "job": slot.job,
        "name": slot.recipe,
        "sha256": slot.sha256,
        "live": slot.live,
        "file": slot.file.value,
        "activation": _activation(slot.activation) if slot.activation else None,
        "before": slot.before.sha256 if slot.before else None,
    }


def _activation(one: Activation) -> Json:
    return {
        "request": one.request,
        "slot": one.wish.slot,
        "name": one.wish.name,
        "sha256": one.wish.sha256,
        "before": one.wish.before,
        "reason": one.wish.reason,
        "who": one.who,
        "askedTime": one.asked_utc.isoformat(),
        "state": one.state.value if one.state else None,
        "text": one.text,
        "answeredTime": one.answered_utc.isoformat() if one.answered_utc else None,
    }
