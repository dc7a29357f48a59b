"""Accounts, sessions and wrong secrets in a SQLite file of their own, which every station of this PC shares.

They stand beside the journals, not in one: sessions come and go, and nothing in a journal ever does.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from inspector.domain.account import LONGEST, Account, Role, Session, check_change, check_new
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.lockout import REMEMBERED, Lock, Scope, Try, locks
from inspector.ports.accounts import Attempt

_BUSY_S = 5.0
_VERSIONS = (
    (
        """CREATE TABLE account (
            name TEXT PRIMARY KEY NOT NULL, role TEXT NOT NULL, secret_hash TEXT NOT NULL,
            badge TEXT UNIQUE, language TEXT NOT NULL, active INTEGER NOT NULL
        ) STRICT""",
        """CREATE TABLE session (
            token_hash TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL REFERENCES account(name), csrf TEXT NOT NULL,
            began REAL NOT NULL, used REAL NOT NULL
        ) STRICT""",
        "CREATE INDEX session_account ON session(account)",
        "CREATE TABLE failure (name TEXT NOT NULL, at REAL NOT NULL) STRICT",
        "CREATE INDEX failure_name ON failure(name, at)",
    ),
    ("ALTER TABLE account ADD COLUMN full_name TEXT NOT NULL DEFAULT ''",),
    (
        "ALTER TABLE failure ADD COLUMN place TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX failure_place ON failure(place, at)",
    ),
)
"""What makes each version of the file out of the one before it."""


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
        with self._writing() as raw:
            found = raw.execute("PRAGMA user_version").fetchone()[0]
            if not 0 <= found <= len(_VERSIONS):
                raise ConfigError(f"accounts {self._path}: version {found}, this program knows {len(_VERSIONS)}")
            for statements in _VERSIONS[found:]:
                for statement in statements:
                    raw.execute(statement)
            raw.execute(f"PRAGMA user_version = {len(_VERSIONS)}")

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
            return _listed(raw)

    def add(self, account: Account) -> None:
        """Write a new account.

        Raises:
            AccountError: it cannot be one, or its name or badge is taken.
        """
        with self._writing() as raw:
            check_new(account, _listed(raw))
            raw.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?)", _row(account))

    def change(self, before: Account, after: Account) -> None:
        """Write an account anew; without a right to sign in, or with another secret, its sessions end.

        Raises:
            AccountError: it is no longer as it was ``before``, it is the last administrator, or its badge is taken.
        """
        with self._writing() as raw:
            check_change(before, after, _listed(raw))
            raw.execute(
                "UPDATE account SET name = ?1, role = ?2, secret_hash = ?3, badge = ?4, language = ?5, active = ?6, "
                "full_name = ?7 WHERE name = ?1",
                _row(after),
            )
            if not after.active or after.secret_hash != before.secret_hash:
                raw.execute("DELETE FROM session WHERE account = ?", (after.name,))

    # ---- Sessions --------------------------------------------------------------------------------------

    def session(self, token_hash: str) -> Session | None:
        """The session with this cookie, alive or not."""
        with self._reading() as raw:
            row = raw.execute("SELECT * FROM session WHERE token_hash = ?", (token_hash,)).fetchone()
        return None if row is None else _session(row)

    def of(self, account: str) -> Sequence[Session]:
        """The account's sessions, the last used first. See ``Sessions``."""
        with self._reading() as raw:
            rows = raw.execute("SELECT * FROM session WHERE account = ? ORDER BY used DESC", (account,))
            return [_session(row) for row in rows]

    def keep(self, session: Session) -> None:
        """Write a session that began."""
        with self._writing() as raw:
            raw.execute("DELETE FROM session WHERE began < ?", (_s(session.used) - LONGEST.total_seconds(),))
            raw.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?)",
                (session.token_hash, session.account, session.csrf, _s(session.began), _s(session.used)),
            )

    def touch(self, token_hash: str, used: datetime) -> None:
        """Note that a session was used, if it is still there. See ``Sessions``."""
        with self._writing() as raw:
            raw.execute("UPDATE session SET used = ? WHERE token_hash = ?", (_s(used), token_hash))

    def end_all(self, account: str) -> None:
        """Forget all sessions of an account."""
        with self._writing() as raw:
            raw.execute("DELETE FROM session WHERE account = ?", (account,))

    def end(self, token_hash: str) -> None:
        """Forget a session."""
        with self._writing() as raw:
            raw.execute("DELETE FROM session WHERE token_hash = ?", (token_hash,))

    # ---- Failures --------------------------------------------------------------------------------------

    def attempt(self, name: str, place: str, at: datetime) -> Attempt:
        """One more try for this name from this place. See ``Failures``."""
        with self._writing() as raw:
            raw.execute("DELETE FROM failure WHERE at <= ?", (_s(at) - REMEMBERED.total_seconds(),))
            query = "SELECT name, place, at FROM failure WHERE name = ?1 OR place = ?2"
            tries = [_try(row) for row in raw.execute(query, (name, place))]
            refused = locks(tries, name=name, place=place, now=at)
            if refused:
                return Attempt(refused=refused, begins=())
            raw.execute("INSERT INTO failure (name, at, place) VALUES (?, ?, ?)", (name, _s(at), place))
        tries.append(Try(name=name, place=place, at=at))
        return Attempt(refused=(), begins=locks(tries, name=name, place=place, now=at))

    def locked(self, name: str, now: datetime) -> Mapping[str, Lock]:
        """Where this name may not try. See ``Failures``."""
        with self._reading() as raw:
            tries = [_try(row) for row in raw.execute("SELECT name, place, at FROM failure WHERE name = ?", (name,))]
        found: dict[str, Lock] = {}
        for place in {one.place for one in tries}:
            for lock in locks(tries, name=name, place=place, now=now):
                if lock.scope is not Scope.ADDRESS:
                    found["" if lock.scope is Scope.NAME else place] = lock
        return found

    def forget(self, name: str, place: str | None = None) -> None:
        """Wrong secrets of this name no longer count. See ``Failures``."""
        with self._writing() as raw:
            raw.execute("DELETE FROM failure WHERE name = ?1 AND (?2 IS NULL OR place = ?2)", (name, place))

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


def _listed(raw: sqlite3.Connection) -> list[Account]:
    return [_account(row) for row in raw.execute("SELECT * FROM account ORDER BY name")]


def _try(row: tuple[str, str, float]) -> Try:
    name, place, at = row
    return Try(name=name, place=place, at=datetime.fromtimestamp(at, UTC))


def _row(account: Account) -> tuple[str, str, str, str | None, str, int, str]:
    return (
        account.name,
        account.role.value,
        account.secret_hash,
        account.badge or None,
        account.language,
        int(account.active),
        account.full_name,
    )


def _account(row: tuple[str, str, str, str | None, str, int, str]) -> Account:
    name, role, secret_hash, badge, language, active, full_name = row
    return Account(
        name=name,
        role=Role(role),
        secret_hash=secret_hash,
        badge=badge or "",
        language=language,
        active=bool(active),
        full_name=full_name,
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
