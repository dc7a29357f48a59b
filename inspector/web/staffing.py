"""Takes what an administrator says of accounts to the desk, from a page or from a program."""

import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from inspector.domain.account import (
    Account,
    AccountError,
    Role,
    Session,
    Unfit,
    check_new,
    check_secret,
)
from inspector.ports.accounts import AccountDesk
from inspector.web.access import Visit
from inspector.web.words import LANGUAGES, Words

_STRICT = ConfigDict(extra="forbid")
_KEY_LENGTH = 16
Short = Annotated[str, Field(max_length=200)]
Secret = Annotated[str, Field(max_length=1000)]
Language = Annotated[str, Field(pattern="^(" + "|".join(LANGUAGES) + ")?$", description='"" for the site\'s own')]


class Signed(BaseModel):
    """What every change of an account carries."""

    model_config = _STRICT

    signature: Secret = Field("", description="the administrator's own password again")


class NewAccount(Signed):
    """One more person who may sign in. ``name`` is for ever: the audit trail names people by it."""

    name: Short
    role: Role
    secret: Secret = Field(description="PIN (operators) or password (all others)")
    full_name: Short = Field("", alias="fullName")
    badge: Short = ""
    language: Language = ""


class AccountChange(Signed):
    """What is to be another; what is not given stays as it is."""

    role: Role | None = None
    secret: Secret = Field("", description="a new PIN or password; it ends all sessions of the account")
    full_name: Short | None = Field(None, alias="fullName")
    badge: Short | None = None
    language: Language | None = None
    active: bool | None = Field(None, description="false: may not sign in any more, and all its sessions end at once")


class OwnSecret(BaseModel):
    """Another PIN or password of one's own: then nobody else knows it, and a signature by it is one's own."""

    model_config = _STRICT

    signature: Secret = Field(description="the PIN or password by now")
    secret: Secret = Field(description="the new one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account as a screen shows it. ``sessions``: alive, last used first.

    ``locked``: where it may not sign in after wrong secrets, by address, and until when; "" stands for everywhere.
    """

    key: str
    account: Account
    locked: Mapping[str, datetime]
    sessions: tuple[Session, ...]

    @property
    def locked_until(self) -> datetime | None:
        """When the last of its lock-outs ends; None: it is not locked out anywhere."""
        return max(self.locked.values(), default=None)


def key_of(account: Account) -> str:
    """An account in an address: names may hold any sign."""
    return hashlib.sha256(account.name.encode()).hexdigest()[:_KEY_LENGTH]


def person_of(visit: Visit, account: Account) -> Person:
    """The account with what is known of it by now."""
    station, now = visit.station, visit.station.now()
    return Person(
        key=key_of(account),
        account=account,
        locked={place: lock.until for place, lock in station.failures.locked(account.name, now).items()},
        sessions=tuple(one for one in station.sessions.of(account.name) if account.active and one.alive(now)),
    )


def people(visit: Visit) -> list[Person]:
    """Everybody, by name."""
    return [person_of(visit, account) for account in visit.station.accounts.listed()]


def found(visit: Visit, key: str) -> Account:
    """The account of this key; a 404 for none."""
    for account in visit.station.accounts.listed():
        if key_of(account) == key:
            return account
    raise HTTPException(404, visit.words.gettext("There is no such account."))


def add(visit: Visit, given: NewAccount) -> Account:
    """Let one more person sign in.

    Raises:
        AccountError: it cannot be so; UnsignedError, RefusedError: the signature is missing or wrong.
        JournalError: it could not be noted; nothing was changed.
    """
    draft = Account(
        name=_written(given.name),
        role=given.role,
        secret_hash="",
        full_name=_written(given.full_name),
        badge=given.badge.strip(),
        language=given.language,
    )
    check_new(draft, visit.station.accounts.listed())
    check_secret(given.secret, given.role)
    desk = _desk(visit, given.signature)
    account = replace(draft, secret_hash=visit.station.secrets.hashed(given.secret))
    desk.add(account)
    return account


def change(visit: Visit, key: str, given: AccountChange) -> Account:
    """Change an account; raises as ``add`` does."""
    before = found(visit, key)
    role = given.role or before.role
    if given.secret:
        check_secret(given.secret, role)
    desk = _desk(visit, given.signature)
    after = replace(
        before,
        role=role,
        secret_hash=visit.station.secrets.hashed(given.secret) if given.secret else before.secret_hash,
        full_name=before.full_name if given.full_name is None else _written(given.full_name),
        badge=before.badge if given.badge is None else given.badge.strip(),
        language=before.language if given.language is None else given.language,
        active=before.active if given.active is None else given.active,
    )
    desk.change(before, after)
    return after


def change_own(visit: Visit, given: OwnSecret) -> None:
    """Give oneself another PIN or password; all one's sessions end. Raises as ``add`` does."""
    before = visit.person
    check_secret(given.secret, before.role)
    desk = _desk(visit, given.signature)
    desk.change(before, replace(before, secret_hash=visit.station.secrets.hashed(given.secret)))


def unlock(visit: Visit, key: str, given: Signed) -> Account:
    """Lift the lock-out after wrong secrets; raises as ``add`` does."""
    account = found(visit, key)
    _desk(visit, given.signature).unlock(account)
    return account


def sign_out(visit: Visit, key: str, given: Signed) -> Account:
    """End all sessions of an account at once; raises as ``add`` does."""
    account = found(visit, key)
    _desk(visit, given.signature).sign_out(account)
    return account


def _desk(visit: Visit, signature: str) -> AccountDesk:
    """The desk of who is signed in, once they have signed."""
    visit.sign(signature)
    return visit.station.staff(visit.person.name)


def _written(text: str) -> str:
    """As a name is kept: letters that can be written in two ways in one of them."""
    return unicodedata.normalize("NFC", text.strip())


def role_words(words: Words) -> dict[Role, str]:
    """What the roles are called."""
    _ = words.gettext
    return {
        Role.OPERATOR: _("operator"),
        Role.ENGINEER: _("engineer"),
        Role.QUALITY: _("quality"),
        Role.ADMIN: _("administrator"),
    }


def unfit_words(words: Words) -> Callable[[AccountError], str]:
    """Why an account cannot be so, and what would be right."""
    _ = words.gettext
    told = {
        Unfit.NAME: _("A user name must have 1 to 60 printable characters."),
        Unfit.FULL_NAME: _("A full name can have up to 100 printable characters."),
        Unfit.BADGE: _("A badge number may contain printable characters only."),
        Unfit.NAME_TAKEN: _(
            "This user name is already taken, or looks too much like one that is. Names are never reused, because the "
            "audit trail refers to them. Choose another one."
        ),
        Unfit.BADGE_TAKEN: _("This badge belongs to another account. Each account needs its own."),
        Unfit.PIN: _("An operator PIN needs at least 4 digits, not all the same. Enter another one."),
        Unfit.PASSWORD: _("A password needs at least 10 characters, at least 4 of them different. Enter another one."),
        Unfit.LAST_ADMIN: _("This is the last administrator. Add another one first."),
        Unfit.MEANWHILE: _("Someone else has changed this account in the meantime. Check it again."),
    }
    return lambda error: told[error.unfit]
