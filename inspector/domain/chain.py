"""The audit chain: each row's hash covers its content and the hash of the row before it.

    sha256( UTF-8 of JSON [number, at, who, action, subject, content, previous] )      at: UTC microseconds since 1970
JSON as RFC 8785 has it for what stands here: keys sorted, no white space, text as it is, and no floats (figures stand
in ``content`` as text), so that anybody can recompute it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEGINNING = "0" * 64
"""What stands for the hash before the first row."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Content = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """Number and hash of the chain's last row; number 0 for an empty chain."""

    number: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what, when, to what.

    ``action``: review.signed, account.changed, recipe.approved, recipe.activated, export.made ...; ``subject``: what
    it was done to (a resultId, an account, a revision); ``content``: flat, ready for JSON, without floats.
    """

    number: int
    at_utc: datetime
    who: str
    action: str
    subject: str
    content: Content
    previous: str
    sha256: str


def digest(entry: AuditEntry) -> str:
    """The hash that the entry must have."""
    at_us = (entry.at_utc - _EPOCH) // _MICROSECOND
    hashed = [entry.number, at_us, entry.who, entry.action, entry.subject, dict(entry.content), entry.previous]
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def linked(head: AuditHead, *, at_utc: datetime, who: str, action: str, subject: str, content: Content) -> AuditEntry:
    """The entry that follows ``head``."""
    bare = AuditEntry(
        number=head.number + 1,
        at_utc=at_utc,
        who=who,
        action=action,
        subject=subject,
        content=content,
        previous=head.sha256,
        sha256="",
    )
    return AuditEntry(
        number=bare.number,
        at_utc=at_utc,
        who=who,
        action=action,
        subject=subject,
        content=content,
        previous=bare.previous,
        sha256=digest(bare),
    )


def broken_links(head: AuditHead, entries: Iterable[AuditEntry]) -> list[str]:
    """What does not hold in a run of entries after ``head``: plain sentences."""
    found = []
    for entry in entries:
        if entry.number != head.number + 1:
            found.append(f"audit rows {head.number + 1} to {entry.number - 1} are missing")
        elif entry.previous != head.sha256:
            found.append(f"audit row {entry.number} does not follow the row before it: one of them was changed")
        if digest(entry) != entry.sha256:
            found.append(f"audit row {entry.number} was changed: its content does not give its hash")
        head = AuditHead(number=entry.number, sha256=entry.sha256)
    return found
