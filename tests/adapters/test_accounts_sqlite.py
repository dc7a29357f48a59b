"""The accounts' file: older versions are taken along, and what counts is decided within one transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inspector.adapters.accounts_sqlite import SqliteAccounts, open_accounts
from inspector.domain.account import Account, AccountError, Role, Session
from inspector.domain.errors import ConfigError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
H1, H2, T1 = "h1", "h2", "t"
ADA = Account(name="ada", role=Role.ADMIN, secret_hash=H1)
OTTO = Account(name="otto", role=Role.ADMIN, secret_hash=H2)
VERSION_1 = """
CREATE TABLE account (name TEXT PRIMARY KEY NOT NULL, role TEXT NOT NULL, secret_hash TEXT NOT NULL,
    badge TEXT UNIQUE, language TEXT NOT NULL, active INTEGER NOT NULL) STRICT;
CREATE TABLE session (token_hash TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL REFERENCES account(name),
    csrf TEXT NOT NULL, began REAL NOT NULL, used REAL NOT NULL) STRICT;
CREATE INDEX session_account ON session(account);
CREATE TABLE failure (name TEXT NOT NULL, at REAL NOT NULL) STRICT;
CREATE INDEX failure_name ON failure(name, at);
INSERT INTO account VALUES ('ada', 'admin', 'h1', NULL, 'de', 1);
PRAGMA user_version = 1;
"""


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[SqliteAccounts]:
    with open_accounts(tmp_path / "accounts.sqlite3") as accounts:
        accounts.add(ADA)
        yield accounts


def session(account: str, token: str = T1) -> Session:
    return Session(token_hash=token, account=account, csrf="c", began=NOW, used=NOW)


def test_a_file_of_the_first_version_keeps_its_accounts(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite3"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(VERSION_1)
    for _ in range(2):
        with open_accounts(path) as accounts:
            assert list(accounts.listed()) == [replace(ADA, language="de")]


def test_a_file_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite3"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match="version 99"), open_accounts(path):
        pass


def test_of_two_administrators_who_end_each_other_one_stays(accounts: SqliteAccounts) -> None:
    accounts.add(OTTO)
    accounts.change(ADA, replace(ADA, active=False))
    with pytest.raises(AccountError, match="last administrator"):
        accounts.change(OTTO, replace(OTTO, active=False))
    assert [one.name for one in accounts.listed() if one.active] == ["otto"]


def test_a_change_that_was_made_of_an_old_reading_is_refused(accounts: SqliteAccounts) -> None:
    accounts.add(OTTO)
    accounts.change(OTTO, replace(OTTO, active=False))
    with pytest.raises(AccountError, match="meanwhile"):
        accounts.change(OTTO, replace(OTTO, full_name="Otto O."))
    found = accounts.find("otto")
    assert found is not None
    assert not found.active


@pytest.mark.parametrize("change", [{"active": False}, {"secret_hash": "h3"}])
def test_sessions_end_with_the_right_or_the_secret_they_began_by(
    change: dict[str, object], accounts: SqliteAccounts
) -> None:
    accounts.add(OTTO)
    accounts.keep(session("otto"))
    accounts.keep(session("ada", "u"))
    accounts.change(OTTO, replace(OTTO, full_name="Otto O."))
    assert accounts.session("t") is not None
    known = accounts.find("otto")
    assert known is not None
    accounts.change(known, replace(known, **change))  # type: ignore[arg-type]
    assert (accounts.session("t"), list(accounts.of("otto"))) == (None, [])
    assert accounts.session("u") is not None


def test_a_session_that_was_ended_is_not_brought_back_by_its_use(accounts: SqliteAccounts) -> None:
    accounts.keep(session("ada"))
    accounts.touch("t", NOW + timedelta(minutes=1))
    kept = accounts.session("t")
    assert kept is not None
    assert kept.used == NOW + timedelta(minutes=1)
    accounts.end_all("ada")
    accounts.touch("t", NOW + timedelta(minutes=2))
    assert accounts.session("t") is None
