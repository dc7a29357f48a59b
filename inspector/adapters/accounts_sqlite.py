"""Accounts, sessions and wrong secrets in a SQLite file of their own, which every station of this PC shares.

They stand beside the journals, not in one: sessions come and go, and nothing in a journal ever does.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from inspector.domain.account import FAILURES_WITHIN, LONGEST, MOST_FAILURES, Account, Role, Session
from inspector.domain.errors import ConfigError, JournalError

_SCHEMA = 1
_BUSY_S = 5.0
_TABLES = """
CREATE TABLE account (
    name TEXT PRIMARY KEY NOT NULL, role TEXT NOT NULL, secret_hash TEXT NOT NULL,
    badge TEXT UNIQUE, language TEXT NOT NULL, active INTEGER NOT NULL
) STRICT;
CREATE TABLE session (
    token_hash TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL REFERENCES account(name), csrf TEXT NOT NULL,
    began REAL NOT NULL, used REAL NOT NULL
) STRICT;
CREATE INDEX session_account ON session(account);
CREATE TABLE failure (name TEXT NOT NULL, at REAL NOT NULL) STRICT;
CREATE INDEX failure_name ON failure(name, at);
"""


@contextmanager
def open_accounts(path: Path) -> Iterator["SqliteAccounts"]:
    """Open the file, making it (readable by its owner only) if need be.

    Raises:
        ConfigError: it is no such file, or of a newer version.
        JournalError: the disk does not take it.
    """
    accounts = SqliteAccounts(path)
    accounts.prepare()
    yield accounts


class SqliteAccounts:
    """Fulfils ``Accounts``, ``Sessions`` and ``Failures``; every call opens the file, so threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Make the tables where there are none."""
        if not self._path.exists():
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            except OSError as error:
                raise ConfigError(f"accounts {self._path}: cannot be made: {error.strerror}") from error
        with self._at_the_border(), closing(self._connect()) as raw:
            raw.execute("PRAGMA journal_mode = WAL")
            found = raw.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                raw.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_SCHEMA}; COMMIT;")
            elif found != _SCHEMA:
                raise ConfigError(f"accounts {self._path}: version {found}, this program knows {_SCHEMA}")

    # ---- Accounts --------------------------------------------------------------------------------------

    def find(self, name_or_badge: str) -> Account | None:
        """The account of this name or badge. See ``Accounts``."""
        with self._reading() as raw:
            row = raw.execute(
                "SELECT * FROM account WHERE name = ?1 OR (badge = ?1 AND badge <> '') ORDER BY name = ?1 DESC",
                (name_or_badge,),
            ).fetchone()
        return None if row is None else _account(row)

    def listed(self) -> Sequence[Account]:
        """All accounts by name. See ``Accounts``."""
        with self._reading() as raw:
            return [_account(row) for row in raw.execute("SELECT * FROM account ORDER BY name")]

    def put(self, account: Account) -> None:
        """Write an account. See ``Accounts``."""
        with self._writing() as raw:
            try:
                raw.execute(
                    "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET "
                    "role = excluded.role, secret_hash = excluded.secret_hash, badge = excluded.badge, "
                    "language = excluded.language, active = excluded.active",
                    (
                        account.name,
                        account.role.value,
                        account.secret_hash,
                        account.badge or None,
                        account.language,
                        int(account.active),
                    ),
                )
            except sqlite3.IntegrityError as error:
                raise ConfigError(f"badge {account.badge!r} is another account's; give each its own") from error
            if not account.active:
                raw.execute("DELETE FROM session WHERE account = ?", (account.name,))

    # ---- Sessions --------------------------------------------------------------------------------------

    def session(self, token_hash: str) -> Session | None:
        """The session with this cookie, alive or not."""
        with self._reading() as raw:
            row = raw.execute("SELECT * FROM session WHERE token_hash = ?", (token_hash,)).fetchone()
        return None if row is None else _session(row)

    def keep(self, session: Session) -> None:
        """Write a session that began or was used."""
        with self._writing() as raw:
            raw.execute("DELETE FROM session WHERE began < ?", (_s(session.used) - LONGEST.total_seconds(),))
            raw.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?) ON CONFLICT(token_hash) DO UPDATE SET used = excluded.used",
                (session.token_hash, session.account, session.csrf, _s(session.began), _s(session.used)),
            )

    def end(self, token_hash: str) -> None:
        """Forget a session."""
        with self._writing() as raw:
            raw.execute("DELETE FROM session WHERE token_hash = ?", (token_hash,))

    # ---- Failures --------------------------------------------------------------------------------------

    def attempt(self, name: str, at: datetime) -> Sequence[datetime]:
        """One more try for this name, and those before it. See ``Failures``."""
        after = _s(at) - FAILURES_WITHIN.total_seconds()
        with self._writing() as raw:
            raw.execute("DELETE FROM failure WHERE at <= ?", (after,))
            rows = raw.execute("SELECT at FROM failure WHERE name = ? ORDER BY at", (name,)).fetchall()
            if len(rows) < MOST_FAILURES:
                raw.execute("INSERT INTO failure VALUES (?, ?)", (name, _s(at)))
        return [datetime.fromtimestamp(before, UTC) for (before,) in rows]

    def forget(self, name: str) -> None:
        """Wrong secrets of this name no longer count."""
        with self._writing() as raw:
            raw.execute("DELETE FROM failure WHERE name = ?", (name,))

    # ---- the file --------------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        raw = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
        raw.execute("PRAGMA foreign_keys = ON")
        return raw

    @contextmanager
    def _at_the_border(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(f"accounts {self._path}: {error}") from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._at_the_border(), closing(self._connect()) as raw:
            yield raw

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._at_the_border(), closing(self._connect()) as raw:
            raw.execute("BEGIN IMMEDIATE")
            with raw:  # commits, or rolls back
                yield raw


def _s(moment: datetime) -> float:
    return moment.timestamp()


def _account(row: tuple[str, str, str, str | None, str, int]) -> Account:
    name, role, secret_hash, badge, language, active = row
    return Account(
        name=name,
        role=Role(role),
        secret_hash=secret_hash,
        badge=badge or "",
        language=language,
        active=bool(active),
    )


def _session(row: tuple[str, str, str, float, float]) -> Session:
    token_hash, account, csrf, began, used = row
    return Session(
        token_hash=token_hash,
        account=account,
        csrf=csrf,
        began=datetime.fromtimestamp(began, UTC),
        used=datetime.fromtimestamp(used, UTC),
    )
