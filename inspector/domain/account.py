"""Who may do what at the operators' station."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


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
MOST_FAILURES = 5
FAILURES_WITHIN = timedelta(minutes=15)
"""So many wrong secrets within this time lock an account until the oldest of them is older than that."""
SHORTEST_PIN, SHORTEST_PASSWORD = 4, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person's account. ``badge``: what a badge reader types; "" for none. ``language``: BCP-47; "" for the site's.

    ``secret_hash``: of the PIN (operators) or password (all others). ``active`` False: it may not sign in any more; an
    account is never deleted, since what it signed stands in the book.
    """

    name: str
    role: Role
    secret_hash: str
    badge: str = ""
    language: str = ""
    active: bool = True


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


def weakness(secret: str, role: Role) -> str:
    """What is wrong with a new secret; "" for nothing."""
    if role is Role.OPERATOR:
        if secret.isdigit() and len(secret) >= SHORTEST_PIN and len(set(secret)) > 1:
            return ""
        return f"an operator's PIN has at least {SHORTEST_PIN} digits, not all the same"
    if len(secret) >= SHORTEST_PASSWORD and len(set(secret)) >= SHORTEST_PIN:
        return ""
    return f"a password has at least {SHORTEST_PASSWORD} characters, {SHORTEST_PIN} of them different"
