"""Where accounts and sessions stand, and who checks a secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from inspector.domain.account import Account, Session
from inspector.domain.lockout import Lock


class Accounts(Protocol):
    """People who may sign in. Any thread may call; each call is one short transaction and may raise JournalError."""

    def find(self, name_or_badge: str) -> Account | None:
        """The account of this name or this badge; None for none."""
        ...

    def listed(self) -> Sequence[Account]:
        """All accounts by name, those that are no longer active too."""
        ...


class AccountDesk(Protocol):
    """Changes accounts in one person's name. Each change is a row of the audit chain before it is made.

    Each call may raise JournalError: the row could not be written, and nothing was changed.
    """

    def add(self, account: Account) -> None:
        """Let one more person sign in.

        Raises:
            AccountError: the name or the badge is taken, or cannot be one.
        """
        ...

    def change(self, before: Account, after: Account) -> None:
        """Change an account; one that is made inactive, or is given another secret, loses its sessions at once.

        Raises:
            AccountError: it is no longer as it was ``before``, it is the last administrator, or its badge is taken.
        """
        ...

    def unlock(self, account: Account) -> None:
        """Forget its wrong secrets."""
        ...

    def sign_out(self, account: Account) -> None:
        """End all its sessions at once."""
        ...


class Sessions(Protocol):
    """Who is signed in now. Any thread may call; may raise JournalError."""

    def session(self, token_hash: str) -> Session | None:
        """The session, alive or not; None for none: its people signed out, or never in."""
        ...

    def of(self, account: str) -> Sequence[Session]:
        """The account's sessions, alive or not, the last used first."""
        ...

    def keep(self, session: Session) -> None:
        """Write a session that began; those that ended long ago are forgotten."""
        ...

    def touch(self, token_hash: str, used: datetime) -> None:
        """It was used; one that somebody ended meanwhile stays ended."""
        ...

    def end(self, token_hash: str) -> None:
        """Forget a session: its cookie is worth nothing from now on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of a try before its secret was looked at.

    ``refused``: what was locked already: the try was not added, and no secret is to be looked at. ``begins``: what is
    locked from now on, if the secret is wrong.
    """

    refused: tuple[Lock, ...]
    begins: tuple[Lock, ...]


class Failures(Protocol):
    """Wrong secrets. Any thread may call; may raise JournalError. ``place``: as ``lockout.place_of`` has it."""

    def attempt(self, name: str, place: str, at: datetime) -> Attempt:
        """Count one more try for this name from this place before its secret is looked at.

        ``name``: whether there is such an account or not. Where anything is locked, nothing is added. Asking and
        counting are one step, so that tries at the same time do not all find the door open.
        """
        ...

    def locked(self, name: str, now: datetime) -> Mapping[str, Lock]:
        """Where this name may not try at present, by place; "" stands for everywhere. Nothing is counted."""
        ...

    def forget(self, name: str, place: str | None = None) -> None:
        """Wrong secrets of this name no longer count: those from this place, or (None) from anywhere."""
        ...


class Secrets(Protocol):
    """Hashes secrets slowly and checks them. Any thread; at most one hash is computed at a time."""

    def hashed(self, secret: str) -> str:
        """What is kept of a secret."""
        ...

    def fits(self, secret: str, secret_hash: str) -> bool:
        """Whether this is the secret; "" is no secret's hash and costs the same time."""
        ...
