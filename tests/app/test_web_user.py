"""`inspector web user`: who may sign in, and that every change of it stands in the audit chain."""

import getpass
import json
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from inspector.adapters.journal_sql import open_for_people
from inspector.app.cli import app
from inspector.domain.chain import AuditEntry


def user(config: Path, *words: str, typed: str = "") -> Result:
    ending = ["--secret-from-stdin"] if typed else []
    return CliRunner().invoke(
        app, ["web", "user", *words, *ending, "-c", str(config), "-s", "left"], input=f"{typed}\n"
    )


def book_of(config: Path) -> Path:
    return config.parent / "data" / "left" / "journal.sqlite3"


def chain(config: Path) -> list[AuditEntry]:
    """The account rows, oldest first."""
    with open_for_people(book_of(config), station="left", read_only=True) as book:
        return [*book.audit.audit(action="account").items][::-1]


def test_every_change_of_an_account_is_a_row_of_the_chain_and_no_row_holds_a_secret(config: Path) -> None:
    assert user(config, "add", "mara", "--role", "operator", typed="4711").exit_code == 0
    assert user(config, "secret", "mara", typed="8152").exit_code == 0
    for word in ("off", "on", "unlock"):
        assert user(config, word, "mara").exit_code == 0
    rows = chain(config)
    assert [(row.who, row.subject, row.content["change"], row.content["active"]) for row in rows] == [
        (getpass.getuser(), "mara", change, active)
        for change, active in (
            ("added", True),
            ("another secret", True),
            ("off", False),
            ("on", True),
            ("unlocked", True),
        )
    ]
    text = json.dumps([dict(row.content) for row in rows])
    assert not any(secret in text for secret in ("4711", "8152", "argon2"))
    verified = json.loads(
        CliRunner().invoke(app, ["journal", "verify", "-c", str(config), "-s", "left", "--json"]).stdout
    )
    assert verified["findings"] == ["the journal knows no station 'left'; it knows: none"], "the chain itself holds"
    assert verified["audit_head"].startswith("5:")


def test_what_is_refused_leaves_neither_an_account_nor_a_row(config: Path) -> None:
    assert user(config, "add", "mara", "--role", "operator", typed="4711").exit_code == 0
    again = user(config, "add", "mara", "--role", "admin", typed="a-long-enough-password")
    weak = user(config, "add", "jo", "--role", "admin", typed="short")
    nobody = user(config, "off", "nobody")
    assert [done.exit_code for done in (again, weak, nobody)] == [78, 78, 78]
    assert len(chain(config)) == 1
    assert "jo" not in user(config, "list").stdout.split()


def test_where_the_row_cannot_be_written_the_account_stays_as_it_was(config: Path) -> None:
    assert user(config, "add", "mara", "--role", "operator", typed="4711").exit_code == 0
    book_of(config).write_bytes(b"this is no journal" * 512)
    for side in ("-wal", "-shm"):
        Path(f"{book_of(config)}{side}").unlink(missing_ok=True)
    assert user(config, "off", "mara").exit_code != 0
    assert json.loads(user(config, "list", "--json").stdout)["active"] is True
