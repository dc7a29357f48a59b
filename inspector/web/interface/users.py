"""Accounts for programs: everybody, and what an administrator may change."""

from typing import Annotated

from fastapi import Path

from inspector.domain.account import Access
from inspector.web import staffing
from inspector.web.access import Here, Routes
from inspector.web.station import Json

ROUTES = Routes("users")
_SAID = {
    404: {"description": "no such account"},
    422: {"description": "it cannot be so: the reason says what would be right; or the signature is wrong"},
    423: {"description": "too many wrong signatures: the administrator's account is locked"},
    428: {"description": "no signature: send the administrator's own password again"},
}
Key = Annotated[str, Path(max_length=100, description="`key` of the list")]


@ROUTES.get("/api/users", Access.ADMIN)
def users(visit: Here) -> Json:
    """Everybody who has an account. Secrets, and what stands on badges, are given to nobody."""
    return {"items": [_told(one) for one in staffing.people(visit)]}


@ROUTES.get("/api/users/{key}", Access.ADMIN, responses={404: _SAID[404]})
def user(visit: Here, key: Key) -> Json:
    """One account."""
    return _told(staffing.person_of(visit, staffing.found(visit, key)))


@ROUTES.post("/api/users", Access.ADMIN, status_code=201, responses=_SAID)
def add(visit: Here, given: staffing.NewAccount) -> Json:
    """Let one more person sign in."""
    return _told(staffing.person_of(visit, staffing.add(visit, given)))


@ROUTES.post("/api/users/{key}", Access.ADMIN, responses=_SAID)
def change(visit: Here, key: Key, given: staffing.AccountChange) -> Json:
    """Change an account. Accounts are never deleted: ``active: false`` ends one, and its sessions at once."""
    return _told(staffing.person_of(visit, staffing.change(visit, key, given)))


@ROUTES.post("/api/users/{key}/unlock", Access.ADMIN, responses=_SAID)
def unlock(visit: Here, key: Key, given: staffing.Signed) -> Json:
    """Lift the lock-out after wrong secrets."""
    return _told(staffing.person_of(visit, staffing.unlock(visit, key, given)))


@ROUTES.post("/api/users/{key}/sign-out", Access.ADMIN, responses=_SAID)
def sign_out(visit: Here, key: Key, given: staffing.Signed) -> Json:
    """End all sessions of an account at once."""
    return _told(staffing.person_of(visit, staffing.sign_out(visit, key, given)))


@ROUTES.post("/api/account/secret", Access.ANYONE, status_code=204, responses=_SAID)
def change_own(visit: Here, given: staffing.OwnSecret) -> None:
    """Give oneself another PIN or password. All one's sessions end, this one too."""
    staffing.change_own(visit, given)


def _told(person: staffing.Person) -> Json:
    account = person.account
    return {
        "key": person.key,
        "name": account.name,
        "fullName": account.full_name,
        "role": account.role.value,
        "language": account.language,
        "badge": bool(account.badge),
        "active": account.active,
        "lockedUntil": person.locked_until.isoformat() if person.locked_until else None,
        "locked": [
            {"address": place or None, "until": until.isoformat()} for place, until in sorted(person.locked.items())
        ],
        "sessions": [{"began": one.began.isoformat(), "used": one.used.isoformat()} for one in person.sessions],
    }
