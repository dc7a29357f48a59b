"""Twenty rejects judged by hand in a browser: the first records stay as they were, whoever edits the book is found."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from inspector.adapters import journal_sql
from inspector.domain.account import Role
from inspector.domain.chain import AuditHead
from tests.adapters.journal_sql.records import ask
from tests.web.browsing import ready, sign_in
from tests.web.plant import SECRETS, open_plant

REJECTS = 20
SOON_MS = 30_000
FIRST = {
    "inspection": "SELECT * FROM inspection ORDER BY journal_seq",
    "defect": "SELECT * FROM defect ORDER BY journal_seq, position",
    "detections": "SELECT * FROM detections ORDER BY 1",
    "disposal": "SELECT * FROM disposal ORDER BY 1",
    "part": "SELECT * FROM part ORDER BY id",
}
"""What the line wrote."""


def by_hand(page: Page, number: int) -> None:
    """Judge the part on the screen: by keys, by buttons, and now and then against the machine, with a signature."""
    before = page.url
    way = number % 5
    if way == 0:
        page.click("[data-opinion=disagree]")
        page.click("[data-for=disagree] [data-reason=reflection]")
        page.fill("#again-secret", SECRETS[Role.OPERATOR][1])
        page.click("#signature .go")
    elif way == 1:
        page.click("[data-opinion=unsure]")
        page.click("[data-for=unsure] [data-reason=second-opinion]")
    elif way == 2:
        page.keyboard.press("1")
    else:
        page.click("[data-opinion=agree]")
    page.wait_for_url(lambda url: url != before)
    ready(page)


def findings(journal: Path, head: AuditHead | None = None) -> list[str]:
    return [one for one in journal_sql.verify(journal, audit_head=head).findings if "revisions" not in one]


TAMPERED: dict[str, tuple[tuple[str, ...], str]] = {
    "an edited review": (
        ("UPDATE review SET opinion = 'agree', true_outcome = 'FAIL' WHERE opinion = 'disagree'",),
        "it was changed",
    ),
    "a deleted review": (
        ("DELETE FROM review WHERE journal_seq = (SELECT min(journal_seq) FROM review)",),
        "it was deleted",
    ),
    "an edited row of the chain": (("UPDATE audit SET who = 'eve' WHERE number = 7",), "audit row 7 was changed"),
    "a deleted row of the chain": (("DELETE FROM audit WHERE number = 7",), "audit rows 7 to 7 are missing"),
    "a book cut off as a whole": (
        (
            "DELETE FROM reviewed WHERE review_seq > (SELECT max(journal_seq) - 5 FROM review)",
            "DELETE FROM review WHERE journal_seq > (SELECT max(journal_seq) - 5 FROM entry)",
            "DELETE FROM entry WHERE journal_seq > (SELECT max(journal_seq) FROM review)",
            "DELETE FROM audit WHERE number > (SELECT max(number) - 5 FROM audit)",
        ),
        "was published: rows were cut off",
    ),
    "an edited verdict": (
        ("UPDATE inspection SET outcome = 1 WHERE journal_seq = (SELECT min(journal_seq) FROM defect)",),
        "a verdict was changed",
    ),
}


def tampered(journal: Path, into: Path, statements: tuple[str, ...], head: AuditHead) -> list[str]:
    """What the proof says of a copy that the file's owner wrote in, triggers off."""
    with closing(sqlite3.connect(journal)) as source, closing(sqlite3.connect(into)) as raw:
        source.backup(raw)
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        raw.commit()
    return findings(into, head)


@pytest.mark.long
def test_twenty_rejects_judged_in_a_browser(page: Page, tmp_path: Path, repo: Path) -> None:
    page.set_default_timeout(SOON_MS)
    with open_plant(tmp_path, repo, parts=3 * REJECTS) as plant:
        assert len(plant.rejects) == REJECTS
        kept = {name: ask(plant.journal, query) for name, query in FIRST.items()}
        pictures = {path: path.read_bytes() for path in (plant.journal.parent / "evidence").rglob("*.jpg")}
        sign_in(page, plant, Role.OPERATOR, "/review")
        page.click("#start")
        ready(page)
        for number in range(REJECTS):
            by_hand(page, number)
        expect(page.locator("#left")).to_have_text("0", timeout=SOON_MS)
        assert {name: ask(plant.journal, query) for name, query in FIRST.items()} == kept
        assert {path: path.read_bytes() for path in pictures} == pictures
        assert ask(plant.journal, "SELECT opinion, count(*) FROM review GROUP BY opinion ORDER BY 1") == [
            ("agree", 12), ("disagree", 4), ("unsure", 4),
        ]  # fmt: skip
        with plant.client(Role.QUALITY) as client:
            told = client.get("/api/audit").json()["head"]
        head = AuditHead(number=told["number"], sha256=told["sha256"])
        assert head.number == REJECTS + 2, "each review, and who signed in"
        assert findings(plant.journal, head) == []
        for name, (statements, said) in TAMPERED.items():
            found = tampered(plant.journal, tmp_path / "copy.sqlite3", statements, head)
            assert any(said in one for one in found), (name, found)
            (tmp_path / "copy.sqlite3").unlink()
