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
from inspector.domain.account import Account, check_change, check_new, difference
from inspector.domain.chain import Content
from inspector.ports.audit import AuditTrail

ACCOUNTS_FILE = "accounts.sqlite3"
ACTION = "account.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Fulfils ``AccountDesk``: the accounts, and the chain that every change stands in.

    ``who``: makes the changes: a user of this PC, or who is signed in. ``signed``: their secret was asked for each.
    The row comes first: a change that nobody noted would be worse than a note of one that failed. Secrets are in none.
    """

    accounts: SqliteAccounts
    hasher: Argon2Secrets
    trail: AuditTrail
    who: str
    signed: bool = False

    def add(self, account: Account) -> None:
        """Let one more person sign in. See ``AccountDesk``."""
        check_new(account, self.accounts.listed())
        self._note(account, difference(None, account))
        self.accounts.add(account)

    def change(self, before: Account, after: Account) -> None:
        """Change an account. See ``AccountDesk``."""
        if after == before:
            return
        check_change(before, after, self.accounts.listed())
        self._note(after, difference(before, after))
        self.accounts.change(before, after)

    def unlock(self, account: Account) -> None:
        """Forget its wrong secrets. See ``AccountDesk``."""
        self._note(account, self._standing(account, "unlocked"))
        self.accounts.forget(account.name)

    def sign_out(self, account: Account) -> None:
        """End its sessions. See ``AccountDesk``."""
        self._note(account, self._standing(account, "sessions ended"))
        self.accounts.end_all(account.name)

    def _standing(self, account: Account, change: str) -> Content:
        return {"change": change, "role": account.role.value, "active": account.active}

    def _note(self, account: Account, content: Content) -> None:
        told = {**content, "signed": self.signed}
        self.trail.record(who=self.who, action=ACTION, subject=account.name, content=told, at_utc=datetime.now(UTC))


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
