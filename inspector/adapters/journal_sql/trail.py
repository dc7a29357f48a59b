"""The audit chain in the book: rows added inside the transaction of what they tell of, and the proof that they hold."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select

from inspector.adapters.journal_sql import registers, tables
from inspector.adapters.journal_sql.rows import Columns, from_us, text_of, to_us
from inspector.domain.chain import BEGINNING, AuditEntry, AuditHead, Content, broken_links, linked

SIGNED = "review.signed"
PAGE_ROWS = 200


class Trail:
    """One transaction's additions to the chain. ``connection`` must have begun IMMEDIATE."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._head = head_of(connection)

    def add(self, *, at_utc: datetime, who: str, action: str, subject: str, content: Content) -> AuditHead:
        """Add one row; give the chain's new head."""
        plain = {key: text_of(value) if isinstance(value, str) else value for key, value in content.items()}
        entry = linked(
            self._head, at_utc=at_utc, who=text_of(who), action=action, subject=text_of(subject), content=plain
        )
        self._connection.execute(
            insert(registers.audit),
            {
                "number": entry.number,
                "at_us": to_us(entry.at_utc),
                "who": entry.who,
                "action": entry.action,
                "subject": entry.subject,
                "content": content_text(entry.content),
                "previous": entry.previous,
                "sha256": entry.sha256,
            },
        )
        self._head = AuditHead(number=entry.number, sha256=entry.sha256)
        return self._head


def content_text(content: Content) -> str:
    """How a content stands in its row."""
    return json.dumps(dict(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def head_of(connection: Connection) -> AuditHead:
    """The chain's last row; number 0 for an empty chain."""
    audit = registers.audit.c
    row = connection.execute(select(audit.number, audit.sha256).order_by(audit.number.desc()).limit(1)).one_or_none()
    return AuditHead(number=0, sha256=BEGINNING) if row is None else AuditHead(number=row.number, sha256=row.sha256)


def entry_of(row: Columns) -> AuditEntry:
    """A row of the chain as the noun it was. A content that is no longer JSON becomes one that gives no right hash."""
    try:
        content = json.loads(row["content"])
    except json.JSONDecodeError:
        content = {"unreadable": row["content"]}
    return AuditEntry(
        number=row["number"],
        at_utc=from_us(row["at_us"]),
        who=row["who"],
        action=row["action"],
        subject=row["subject"],
        content=content if isinstance(content, dict) else {"unreadable": str(content)},
        previous=row["previous"],
        sha256=row["sha256"],
    )


def review_content(row: Columns) -> Content:
    """What the chain keeps of a review: every column of its row."""
    return {
        "journalSeq": row["journal_seq"],
        "resultId": row["result_id"],
        "reviewer": row["reviewer"],
        "opinion": row["opinion"],
        "trueOutcome": row["true_outcome"],
        "reason": row["reason"],
        "comment": row["comment"],
        "corrections": row["corrections"],
        "second": bool(row["second"]),
        "signed": bool(row["signed"]),
        "withdraws": row["withdraws"],
        "atUs": row["at_us"],
    }


def check_trail(engine: Engine, expected: AuditHead | None) -> tuple[AuditHead, list[str]]:
    """The chain's head and what does not hold: links, hashes, reviews that say other than the chain.

    ``expected``: a head that was published; the chain must still contain it. Read in pages of 200 rows.
    """
    audit = registers.audit
    head, found = AuditHead(number=0, sha256=BEGINNING), list[str]()
    reached = expected is None or expected.number == 0
    while True:
        with engine.connect() as connection:
            query = select(audit).where(audit.c.number > head.number).order_by(audit.c.number).limit(PAGE_ROWS)
            entries = [entry_of(row) for row in connection.execute(query).mappings()]
            found += _check_reviews(connection, entries)
        if not entries:
            break
        found += broken_links(head, entries)
        for entry in entries:
            if expected is not None and entry.number == expected.number:
                reached = entry.sha256 == expected.sha256
                if not reached:
                    found.append(f"audit row {entry.number} has another hash than was published: it was written anew")
        head = AuditHead(number=entries[-1].number, sha256=entries[-1].sha256)
    if expected is not None and head.number < expected.number:
        found.append(
            f"the audit chain ends at row {head.number}, but row {expected.number} was published: rows were cut off"
        )
    return head, [*found, *_unentered(engine)]


def _check_reviews(connection: Connection, entries: Sequence[AuditEntry]) -> list[str]:
    """The reviews that these rows tell of stand in the book, and say the same."""
    told = {entry.content.get("journalSeq"): entry for entry in entries if entry.action == SIGNED}
    if not told:
        return []
    review = tables.review
    rows = connection.execute(select(review).where(review.c.journal_seq.in_(told))).mappings().all()
    standing = {row["journal_seq"]: review_content(row) for row in rows}
    found = []
    for number, entry in told.items():
        if number not in standing:
            found.append(f"review {number} stands in audit row {entry.number}, but not in the book: it was deleted")
        elif dict(standing[number]) != dict(entry.content):
            found.append(f"review {number} says other than audit row {entry.number}: it was changed")
    return found


def _unentered(engine: Engine) -> list[str]:
    """Reviews that no row of the chain tells of: they were slipped in, or the chain was cut off."""
    review, audit = tables.review.c, registers.audit.c
    numbers: set[int] = set()
    last = 0
    while True:
        with engine.connect() as connection:
            page = connection.scalars(
                select(review.journal_seq)
                .where(review.journal_seq > last)
                .order_by(review.journal_seq)
                .limit(PAGE_ROWS)
            ).all()
        if not page:
            break
        numbers.update(page)
        last = page[-1]
    last = 0
    while numbers:
        with engine.connect() as connection:
            query = select(audit.number, audit.content).where(audit.action == SIGNED, audit.number > last)
            rows = connection.execute(query.order_by(audit.number).limit(PAGE_ROWS)).all()
        if not rows:
            break
        numbers -= {_number_in(row.content) for row in rows}
        last = rows[-1].number
    if not numbers:
        return []
    return [f"{len(numbers)} reviews stand in the book, but not in the audit chain, first journal_seq {min(numbers)}"]


def _number_in(content: str) -> int:
    try:
        return int(json.loads(content).get("journalSeq", 0))
    except (ValueError, AttributeError, TypeError):
        return 0
