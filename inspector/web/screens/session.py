"""Signing in and out, and the language of the pages."""

from typing import Annotated

from fastapi import Form, Query
from starlette.responses import RedirectResponse, Response

from inspector.domain.account import LONGEST, Access, AccountError, Role
from inspector.web import staffing
from inspector.web.access import LANGUAGE_COOKIE, Here, Routes, Visit, cookie_name, local_path
from inspector.web.gatekeeper import RefusedError, UnsignedError
from inspector.web.lock_words import locked_out
from inspector.web.words import LANGUAGES

ROUTES = Routes("session")
_YEAR_S = 365 * 24 * 3600


@ROUTES.get("/login", Access.PUBLIC)
def login_page(visit: Here, next_: Annotated[str, Query(alias="next", max_length=2000)] = "/") -> Response:
    """Who are you."""
    return _page(visit, next_, "")


@ROUTES.post("/login", Access.PUBLIC)
def login(
    visit: Here,
    name: Annotated[str, Form(max_length=200)],
    secret: Annotated[str, Form(max_length=1000)],
    next_: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Sign in; a browser's session of before ends."""
    try:
        token, _session = visit.gatekeeper.enter(name, secret, address=visit.address)
    except RefusedError as refused:
        return _page(visit, next_, refusal(visit, refused), status=401, name=name)
    if visit.session is not None:
        visit.gatekeeper.leave(visit.session, address=visit.address)
    response = RedirectResponse(local_path(next_), status_code=303)
    set_cookie(visit, response, token)
    return response


@ROUTES.post("/logout", Access.ANYONE)
def logout(visit: Here) -> Response:
    """Sign out: the cookie is worth nothing from now on."""
    if visit.session is not None:
        visit.gatekeeper.leave(visit.session, address=visit.address)
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(cookie_name(secure=visit.station.site.secure), secure=visit.station.site.secure)
    return response


@ROUTES.get("/language", Access.PUBLIC)
def language(visit: Here, to: str, back: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """Speak this language from now on, in this browser."""
    response = RedirectResponse(local_path(back), status_code=303)
    if to in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, to, max_age=_YEAR_S, samesite="strict", httponly=True, secure=visit.station.site.secure
        )
    return response


@ROUTES.get("/site.css", Access.PUBLIC)
def site_css(visit: Here) -> Response:
    """The panel's pitch, from the site's settings: sizes on the screen are in millimetres."""
    return Response(f":root{{--mm:{visit.station.site.px_per_mm:g}px}}\n", media_type="text/css")


@ROUTES.get("/account", Access.PUBLIC)
def account(visit: Here) -> Response:
    """Who is signed in, and in which language the station speaks."""
    return _account(visit, "")


@ROUTES.post("/account/secret", Access.ANYONE)
def secret(
    visit: Here,
    now: Annotated[str, Form(max_length=1000)] = "",
    new: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Give oneself another PIN or password, and sign in anew."""
    _ = visit.words.gettext
    if new != again:
        return _account(visit, _("The two new entries differ. Nothing was changed."))
    try:
        staffing.change_own(visit, staffing.OwnSecret(signature=now, secret=new))
    except AccountError as error:
        return _account(visit, staffing.unfit_words(visit.words)(error))
    except UnsignedError:
        return _account(visit, _("Sign with your own password."))
    except RefusedError as refused:
        wrong = _("Your own password is wrong. Nothing was changed.")
        return _account(visit, refusal(visit, refused) if refused.until else wrong)
    return RedirectResponse("/login?next=/account", status_code=303)


def _account(visit: Visit, trouble: str) -> Response:
    return visit.page(
        "account.html",
        status=422 if trouble else 200,
        here="account",
        role=staffing.role_words(visit.words)[visit.account.role] if visit.account else "",
        trouble=trouble,
    )


def set_cookie(visit: Visit, response: Response, token: str) -> None:
    """Give the browser its session."""
    secure = visit.station.site.secure
    response.set_cookie(
        cookie_name(secure=secure),
        token,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def refusal(visit: Visit, refused: RefusedError) -> str:
    """Why somebody was not let in, in words."""
    return locked_out(refused, visit.words) or visit.words.gettext("Name or PIN is wrong.")


def _page(visit: Visit, next_: str, trouble: str, *, status: int = 200, name: str = "") -> Response:
    operators = [
        account.name for account in visit.station.accounts.listed() if account.active and account.role is Role.OPERATOR
    ]
    return visit.page(
        "login.html", status=status, next=local_path(next_), trouble=trouble, operators=operators, name=name
    )
