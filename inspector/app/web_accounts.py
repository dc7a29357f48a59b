"""Opens the accounts of this PC for the verbs that change them, each change noted in the audit chain first."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inspector.adapters import journal_sql
from inspector.adapters.accounts_sqlite import SqliteAccounts, open_accounts
from inspector.adapters.password_argon2 import Argon2Secrets
from inspector.domain.account import Account
from inspector.ports.audit import AuditTrail

ACCOUNTS_FILE = "accounts.sqlite3"
ACTION = "account.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The accounts, and the chain that every change stands in. ``who``: the user of this PC who makes it.

    The row comes first: a change that nobody noted would be worse than a note of one that failed. Secrets are in none.
    """

    accounts: SqliteAccounts
    hasher: Argon2Secrets
    trail: AuditTrail
    who: str

    def put(self, account: Account, *, change: str) -> None:
        """Add an account, or change it.

        Raises:
            JournalError: the row could not be written; nothing was changed.
        """
        self._note(account, change)
        self.accounts.put(account)

    def unlock(self, account: Account, *, change: str) -> None:
        """Forget its wrong secrets. Raises as ``put`` does."""
        self._note(account, change)
        self.accounts.forget(account.name)

    def _note(self, account: Account, change: str) -> None:
        content = {"change": change, "role": account.role.value, "active": account.active}
        self.trail.record(who=self.who, action=ACTION, subject=account.name, content=content, at_utc=datetime.now(UTC))


@contextmanager
def open_them(data_dir: Path) -> Iterator[tuple[SqliteAccounts, Argon2Secrets]]:
    """Accounts, and what hashes their secrets.

    Raises:
        ConfigError: the file cannot be made, or is none.
    """
    with open_accounts(data_dir / ACCOUNTS_FILE) as accounts:
        yield accounts, Argon2Secrets()


@contextmanager
def open_register(data_dir: Path, journal: Path, *, station: str) -> Iterator[Register]:
    """Accounts to change, with the chain of the station that was named.

    Raises:
        ConfigError, JournalError: the accounts' file or the journal cannot be opened or made.
    """
    journal.parent.mkdir(parents=True, exist_ok=True)
    with (
        open_them(data_dir) as (accounts, hasher),
        journal_sql.open_for_people(journal, station=station) as book,
    ):
        yield Register(accounts=accounts, hasher=hasher, trail=book.audit, who=getpass.getuser())
