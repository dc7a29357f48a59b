"""Who may do what at the operators' station."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from inspector.domain.chain import Content
from inspector.domain.errors import ConfigError


class Role(Enum):
    """What a person is at the station. Nobody is two things: a person who is both has two accounts."""

    OPERATOR = "operator"
    ENGINEER = "engineer"
    QUALITY = "quality"
    ADMIN = "admin"


class Access(Enum):
    """Who may call a route. ADMIN may all; PUBLIC needs no account at all, LIVE none where the site says so."""

    PUBLIC = "public"
    LIVE = "live"
    ANYONE = "anyone"
    ENGINEER = "engineer"
    QUALITY = "quality"
    EXPERT = "expert"
    ADMIN = "admin"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that may."""
        return _MAY[self]


_MAY = {
    Access.PUBLIC: frozenset(Role),
    Access.LIVE: frozenset(Role),
    Access.ANYONE: frozenset(Role),
    Access.ENGINEER: frozenset({Role.ENGINEER, Role.ADMIN}),
    Access.QUALITY: frozenset({Role.QUALITY, Role.ADMIN}),
    Access.EXPERT: frozenset({Role.ENGINEER, Role.QUALITY, Role.ADMIN}),
    Access.ADMIN: frozenset({Role.ADMIN}),
}

IDLE = timedelta(minutes=15)
"""A session that nobody used for so long has ended."""
LONGEST = timedelta(hours=12)
"""A session ends so long after it began, whatever was done in it."""
SHORTEST_PIN, SHORTEST_PASSWORD = 4, 10
LONGEST_NAME, LONGEST_FULL_NAME = 60, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person's account. ``badge``: what a badge reader types; "" for none. ``language``: BCP-47; "" for the site's.

    ``secret_hash``: of the PIN (operators) or password (all others). ``active`` False: it may not sign in any more; an
    account is never deleted, since what it signed stands in the book, and its ``name`` never changes, for the same
    reason. ``full_name``: how people call the person; it may change, "" where nobody said.
    """

    name: str
    role: Role
    secret_hash: str
    badge: str = ""
    language: str = ""
    active: bool = True
    full_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody signed in. ``token_hash``: sha256 of the secret in the browser's cookie; ``csrf``: told to its pages."""

    token_hash: str
    account: str
    csrf: str
    began: datetime
    used: datetime

    def alive(self, now: datetime) -> bool:
        """Whether it still counts."""
        return now - self.used < IDLE and now - self.began < LONGEST


class Unfit(Enum):
    """Why an account cannot be so. Whoever shows it has words for each."""

    NAME = "name"
    FULL_NAME = "full_name"
    BADGE = "badge"
    NAME_TAKEN = "name_taken"
    BADGE_TAKEN = "badge_taken"
    PIN = "pin"
    PASSWORD = "password"  # noqa: S105 - the name of a trouble
    LAST_ADMIN = "last_admin"
    MEANWHILE = "meanwhile"


class AccountError(ConfigError):
    """An account cannot be so; nothing was changed. ``unfit``: why, for pages that have words of their own."""

    def __init__(self, message: str, unfit: Unfit) -> None:
        super().__init__(message)
        self.unfit = unfit


def check_new(account: Account, known: Sequence[Account]) -> None:
    """Whether this account may be added to those that are known.

    Names that only differ in case or in how a letter is written count as one: people would take one for the other.

    Raises:
        AccountError: it may not.
    """
    _check_words(account)
    same = next((one for one in known if _alike(one.name) == _alike(account.name)), None)
    if same is not None:
        raise AccountError(
            f"account {same.name!r} is there already, and a name is given once, since the audit trail names it; "
            "choose another name",
            Unfit.NAME_TAKEN,
        )
    if any(one.badge and one.badge == account.name for one in known):
        raise AccountError(f"name {account.name!r} is another account's badge; choose another name", Unfit.NAME_TAKEN)
    _check_badge(account, known)


def check_change(before: Account, after: Account, known: Sequence[Account]) -> None:
    """Whether an account may be changed so, among those that are known.

    Raises:
        AccountError: it may not: it is no longer as it was ``before``, or nobody could change accounts any more.
    """
    if before not in known:
        raise AccountError(
            f"account {before.name!r} was changed by somebody else meanwhile; look at it again", Unfit.MEANWHILE
        )
    if after.secret_hash == before.secret_hash and (after.role is Role.OPERATOR) != (before.role is Role.OPERATOR):
        what = "PIN" if after.role is Role.OPERATOR else "password"
        raise AccountError(
            f"account {before.name!r} becomes {after.role.value}: it needs a {what} now; give it one with the change",
            Unfit.PIN if after.role is Role.OPERATOR else Unfit.PASSWORD,
        )
    if after.full_name != before.full_name or after.badge != before.badge:
        _check_words(after)
        _check_badge(after, known)
    admins = [one for one in known if one.role is Role.ADMIN and one.active]
    if admins == [before] and not (after.role is Role.ADMIN and after.active):
        raise AccountError(
            f"account {before.name!r} is the last administrator; make another one first", Unfit.LAST_ADMIN
        )


def difference(before: Account | None, after: Account) -> Content:
    """What a change of an account changes, for the audit chain: no secret, and of a badge only that it changed."""
    content: dict[str, str | int | bool | None] = {"role": after.role.value, "active": after.active}
    if before is None:
        return {"change": "added", **content, "fullName": after.full_name, "badge": bool(after.badge)}
    changes = []
    if after.role is not before.role:
        changes.append("role")
        content["roleBefore"] = before.role.value
    if after.full_name != before.full_name:
        changes.append("full name")
        content |= {"fullName": after.full_name, "fullNameBefore": before.full_name}
    if after.badge != before.badge:
        changes.append("another badge" if after.badge else "no badge")
    if after.language != before.language:
        changes.append("language")
        content["language"] = after.language
    if after.secret_hash != before.secret_hash:
        changes.append("another secret")
    if after.active is not before.active:
        changes.append("on" if after.active else "off")
    return {"change": ", ".join(changes), **content}


def _check_words(account: Account) -> None:
    name = account.name
    if not _writable(name) or not 0 < len(name) <= LONGEST_NAME:
        raise AccountError(
            f"name {name!r}: 1 to {LONGEST_NAME} printable characters, no space around them, are right", Unfit.NAME
        )
    if not _writable(account.full_name) or len(account.full_name) > LONGEST_FULL_NAME:
        raise AccountError(
            f"full name {account.full_name!r}: at most {LONGEST_FULL_NAME} printable characters, no space around "
            "them, are right",
            Unfit.FULL_NAME,
        )
    if not _writable(account.badge) or len(account.badge) > LONGEST_FULL_NAME:
        raise AccountError("a badge is what the reader types: printable characters, no space around them", Unfit.BADGE)


def _check_badge(account: Account, known: Sequence[Account]) -> None:
    """Whoever signs in by this badge must be this account and no other."""
    for one in known:
        if account.badge and one.name != account.name and account.badge in {one.badge, one.name}:
            raise AccountError(f"this badge is account {one.name!r}'s; give each its own", Unfit.BADGE_TAKEN)


def _writable(text: str) -> bool:
    """Letters of any script, digits, signs; nothing that turns the direction of what stands beside it."""
    return text.isprintable() and text == text.strip()


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def check_secret(secret: str, role: Role) -> None:
    """Whether a new secret is good enough for this role.

    Raises:
        AccountError: it is too weak.
    """
    trouble = weakness(secret, role)
    if trouble:
        what = "PIN" if role is Role.OPERATOR else "password"
        raise AccountError(
            f"this {what} is too weak: {trouble}", Unfit.PIN if role is Role.OPERATOR else Unfit.PASSWORD
        )


def weakness(secret: str, role: Role) -> str:
    """What is wrong with a new secret; "" for nothing."""
    if role is Role.OPERATOR:
        if secret.isdigit() and len(secret) >= SHORTEST_PIN and len(set(secret)) > 1:
            return ""
        return f"an operator's PIN has at least {SHORTEST_PIN} digits, not all the same"
    if len(secret) >= SHORTEST_PASSWORD and len(set(secret)) >= SHORTEST_PIN:
        return ""
    return f"a password has at least {SHORTEST_PASSWORD} characters, {SHORTEST_PIN} of them different"
