"""Sessions for programs: the same as a browser's."""

from fastapi import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from inspector.domain.account import Access
from inspector.web.access import Here, Routes, cookie_name
from inspector.web.gatekeeper import RefusedError
from inspector.web.screens.session import refusal, set_cookie

ROUTES = Routes("session")


class Credentials(BaseModel):
    """Who signs in."""

    name: str = Field(max_length=200, description="account or badge")
    secret: str = Field(max_length=1000, description="PIN or password")


class SignedIn(BaseModel):
    """What a program needs for its further requests, beside the cookie."""

    account: str
    role: str
    csrf: str = Field(description="send it as header X-CSRF-Token with everything that is not a GET")


@ROUTES.post("/api/session", Access.PUBLIC, responses={401: {"description": "wrong name or secret, or locked"}})
def begin(visit: Here, credentials: Credentials, response: Response) -> SignedIn:
    """Sign in: the answer sets the session's cookie."""
    try:
        token, session = visit.gatekeeper.enter(credentials.name, credentials.secret, address=visit.address)
    except RefusedError as refused:
        raise HTTPException(401, refusal(visit, refused)) from refused
    set_cookie(visit, response, token)
    account = visit.station.accounts.find(session.account)
    return SignedIn(account=session.account, role=account.role.value if account else "", csrf=session.csrf)


@ROUTES.delete("/api/session", Access.ANYONE, status_code=204)
def end(visit: Here, response: Response) -> None:
    """Sign out: the cookie is worth nothing from now on."""
    if visit.session is not None:
        visit.gatekeeper.leave(visit.session, address=visit.address)
    response.delete_cookie(cookie_name(secure=visit.station.site.secure))
