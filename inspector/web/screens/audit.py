"""Audit: who did what, in the order of the chain."""

from typing import Annotated

from fastapi import Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from inspector.domain.account import Access
from inspector.web.access import Here, Routes
from inspector.web.screen import N_, Screen
from inspector.web.words import Words

_ROUTES = Routes("audit")
_PAGE = 50
_KINDS = ("session", "review", "account", "recipe", "export", "output", "drawing")


@_ROUTES.get("/audit", Access.EXPERT)
def audit(
    visit: Here,
    who: Annotated[str, Query(max_length=200)] = "",
    action: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """The audit chain, newest first, with the head that the plant's broker should hold too."""
    try:
        page = visit.station.audit.audit(who=who, action=action, after=after, limit=_PAGE)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return visit.page(
        "audit.html",
        here="audit",
        page=page,
        head=visit.station.audit.audit_head(),
        who=who,
        action=action,
        kinds=_KINDS,
        acts=act_words(visit.words),
        people=sorted(account.name for account in visit.station.accounts.listed()),
    )


def act_words(words: Words) -> dict[str, str]:
    """What was done, by the action of a row; an action that is not here is its own word."""
    _ = words.gettext
    return {
        "session.began": _("signed in"),
        "session.ended": _("signed out"),
        "session.locked_out": _("locked out after wrong tries"),
        "review.signed": _("reviewed a part"),
        "account.changed": _("changed an account"),
        "export.made": _("exported data"),
        "recipe.proposed": _("proposed a recipe"),
        "recipe.approved": _("approved a recipe"),
        "recipe.rejected": _("rejected a recipe"),
        "recipe.activation_asked": _("requested a recipe change"),
        "recipe.activated": _("recipe activated"),
        "recipe.not_activated": _("recipe not activated"),
    }


SCREEN = Screen(name="audit", path="/audit", title=N_("Audit trail"), access=Access.EXPERT, routes=_ROUTES)
