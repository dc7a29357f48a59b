"""Recipes for programs: revisions, their rules, and what they would change."""

from typing import Annotated

from fastapi import Query

from inspector.domain.account import Access
from inspector.domain.sentences import sentences
from inspector.web.access import Here, Routes
from inspector.web.screens import recipes as screen
from inspector.web.station import Json

ROUTES = Routes("recipes")
_SAID = {
    404: {"description": "no such revision"},
    409: {"description": "it is no recipe for this station: the reason"},
}


@ROUTES.get("/api/recipes", Access.EXPERT)
def recipes(visit: Here) -> Json:
    """Every revision of a recipe, newest first; ``broken`` says why one does not fit, "" if it does."""
    running = screen.active(visit)
    return {
        "items": [
            {
                "name": one.revision.name,
                "sha256": one.revision.sha256,
                "storedTime": one.revision.stored_utc.isoformat(),
                "standing": one.revision.standing.value,
                "proposedBy": one.revision.proposed_by,
                "decidedBy": one.revision.decided_by,
                "inUse": one.revision.sha256 == running,
                "broken": one.broken,
                "rules": list(sentences(one.recipe)) if one.recipe else [],
            }
            for one in screen.revisions(visit)
        ]
    }


@ROUTES.get("/api/recipes/{sha256}/what-if", Access.EXPERT, responses=_SAID)
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
