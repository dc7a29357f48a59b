"""Where accounts and sessions stand, and who checks a secret."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from inspector.domain.account import Account, Session


class Accounts(Protocol):
    """People who may sign in. Any thread may call; each call is one short transaction and may raise JournalError."""

    def find(self, name_or_badge: str) -> Account | None:
        """The account of this name or this badge; None for none."""
        ...

    def listed(self) -> Sequence[Account]:
        """All accounts by name, those that are no longer active too."""
        ...

    def put(self, account: Account) -> None:
        """Write an account, new or changed. One that is made inactive loses its sessions at once.

        Raises:
            ConfigError: another account has this badge.
        """
        ...


class Sessions(Protocol):
    """Who is signed in now. Any thread may call; may raise JournalError."""

    def session(self, token_hash: str) -> Session | None:
        """The session, alive or not; None for none: its people signed out, or never in."""
        ...

    def keep(self, session: Session) -> None:
        """Write a session that began or was used; those that ended long ago are forgotten."""
        ...

    def end(self, token_hash: str) -> None:
        """Forget a session: its cookie is worth nothing from now on."""
        ...


class Failures(Protocol):
    """Wrong secrets. Any thread may call; may raise JournalError."""

    def attempt(self, name: str, at: datetime) -> Sequence[datetime]:
        """Count one more try for this name before its secret is looked at, whether there is such an account or not.

        Gives the tries that stood before, oldest first. Where MOST_FAILURES stand within FAILURES_WITHIN, none is
        added. Asking and counting are one step, so that tries at the same time do not all find the door open.
        """
        ...

    def forget(self, name: str) -> None:
        """Those of this name no longer count."""
        ...


class Secrets(Protocol):
    """Hashes secrets slowly and checks them. Any thread; at most one hash is computed at a time."""

    def hashed(self, secret: str) -> str:
        """What is kept of a secret."""
        ...

    def fits(self, secret: str, secret_hash: str) -> bool:
        """Whether this is the secret; "" is no secret's hash and costs the same time."""
        ...
