"""Users: who may sign in, as what, and who is signed in now."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Form
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import Access, AccountError, Role
from inspector.web import staffing
from inspector.web.access import Here, Routes, Visit
from inspector.web.gatekeeper import RefusedError, UnsignedError
from inspector.web.screen import N_, Screen
from inspector.web.screens.audit import act_words
from inspector.web.screens.session import refusal

_ROUTES = Routes("users")
_VISITS = 20
Text = Annotated[str, Form(max_length=1000)]


@_ROUTES.get("/users", Access.ADMIN)
def users(visit: Here) -> Response:
    """Everybody who has an account."""
    return _list(visit, "", {})


@_ROUTES.post("/users", Access.ADMIN)
def add(
    visit: Here,
    name: Text,
    role: Annotated[Role, Form()],
    secret: Text,
    signature: Text = "",
    full_name: Text = "",
    badge: Text = "",
    language: Text = "",
) -> Response:
    """Let one more person sign in."""
    typed = {"name": name, "role": role.value, "fullName": full_name, "badge": badge, "language": language}

    def done() -> str:
        given = staffing.NewAccount.model_validate({**typed, "secret": secret, "signature": signature})
        return staffing.key_of(staffing.add(visit, given))

    return _tried(visit, done, lambda trouble: _list(visit, trouble, typed))


@_ROUTES.get("/users/{key}", Access.ADMIN)
def user(visit: Here, key: str) -> Response:
    """One account."""
    return _one(visit, key, "", {})


@_ROUTES.post("/users/{key}", Access.ADMIN)
def change(
    visit: Here,
    key: str,
    role: Annotated[Role, Form()],
    signature: Text = "",
    secret: Text = "",
    full_name: Text = "",
    badge: Text = "",
    language: Text = "",
) -> Response:
    """Change an account."""
    typed = {"role": role.value, "fullName": full_name, "badge": badge, "language": language}

    def done() -> str:
        given = staffing.AccountChange.model_validate({**typed, "secret": secret, "signature": signature})
        return staffing.key_of(staffing.change(visit, key, given))

    return _tried(visit, done, lambda trouble: _one(visit, key, trouble, typed))


@_ROUTES.post("/users/{key}/off", Access.ADMIN)
def off(visit: Here, key: str, signature: Text = "") -> Response:
    """End an account: its sessions end at once; what it signed stays."""
    return _switched(visit, key, signature, active=False)


@_ROUTES.post("/users/{key}/on", Access.ADMIN)
def on(visit: Here, key: str, signature: Text = "") -> Response:
    """Let an account that was ended sign in again."""
    return _switched(visit, key, signature, active=True)


@_ROUTES.post("/users/{key}/unlock", Access.ADMIN)
def unlock(visit: Here, key: str, signature: Text = "") -> Response:
    """Lift the lock-out after wrong secrets."""
    return _done(visit, key, lambda: staffing.unlock(visit, key, staffing.Signed(signature=signature)))


@_ROUTES.post("/users/{key}/sign-out", Access.ADMIN)
def sign_out(visit: Here, key: str, signature: Text = "") -> Response:
    """End all sessions of an account at once."""
    return _done(visit, key, lambda: staffing.sign_out(visit, key, staffing.Signed(signature=signature)))


def _switched(visit: Visit, key: str, signature: str, *, active: bool) -> Response:
    given = staffing.AccountChange.model_validate({"active": active, "signature": signature})
    return _done(visit, key, lambda: staffing.change(visit, key, given))


def _done(visit: Visit, key: str, act: Callable[[], object]) -> Response:
    def done() -> str:
        act()
        return key

    return _tried(visit, done, lambda trouble: _one(visit, key, trouble, {}))


def _tried(visit: Visit, act: Callable[[], str], again: Callable[[str], Response]) -> Response:
    """The account's page after what was asked; the page of before, with what was typed, where it was refused."""
    _ = visit.words.gettext
    try:
        key = act()
    except AccountError as error:
        return again(staffing.unfit_words(visit.words)(error))
    except UnsignedError:
        return again(_("Sign with your own password."))
    except RefusedError as refused:
        locked = refusal(visit, refused) if refused.until else _("Your own password is wrong. Nothing was changed.")
        return again(locked)
    except ValidationError:
        return again(_("A text is too long, or this station does not have the language."))
    return RedirectResponse(f"/users/{key}", status_code=303)


def _list(visit: Visit, trouble: str, typed: dict[str, str]) -> Response:
    return visit.page(
        "users.html",
        status=422 if trouble else 200,
        here="users",
        people=staffing.people(visit),
        roles=staffing.role_words(visit.words),
        trouble=trouble,
        typed={"name": "", "role": Role.OPERATOR.value, "fullName": "", "badge": "", "language": "", **typed},
    )


def _one(visit: Visit, key: str, trouble: str, typed: dict[str, str]) -> Response:
    person = staffing.person_of(visit, staffing.found(visit, key))
    account = person.account
    known = {
        "role": account.role.value,
        "fullName": account.full_name,
        "badge": account.badge,
        "language": account.language,
    }
    return visit.page(
        "user.html",
        status=422 if trouble else 200,
        here="users",
        person=person,
        roles=staffing.role_words(visit.words),
        trouble=trouble,
        typed={**known, **typed},
        changes=visit.station.audit.audit(action="account", limit=200).items,
        visits=[
            one for one in visit.station.audit.audit(action="session", limit=200).items if one.subject == account.name
        ][:_VISITS],
        acts=act_words(visit.words),
    )


SCREEN = Screen(
    name="users",
    path="/users",
    title=N_("Users"),
    access=Access.ADMIN,
    routes=_ROUTES,
    hint=N_("user accounts and roles"),
)
