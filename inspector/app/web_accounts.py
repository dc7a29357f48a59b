"""Opens the accounts of this PC for the verbs that change them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspector.adapters.accounts_sqlite import SqliteAccounts, open_accounts
from inspector.adapters.password_argon2 import Argon2Secrets

ACCOUNTS_FILE = "accounts.sqlite3"


@contextmanager
def open_them(data_dir: Path) -> Iterator[tuple[SqliteAccounts, Argon2Secrets]]:
    """Accounts, and what hashes their secrets.

    Raises:
        ConfigError: the file cannot be made, or is none.
    """
    with open_accounts(data_dir / ACCOUNTS_FILE) as accounts:
        yield accounts, Argon2Secrets()
