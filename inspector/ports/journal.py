"""The book: what is written, read and signed in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from inspector.domain.chain import AuditHead
from inspector.domain.frame import PartId
from inspector.domain.inspection import AlarmEvent, Disposal, Inspection, OpenedPart, Review
from inspector.domain.request import Answer

Event = Inspection | Disposal | Review | AlarmEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event with its contiguous number; what followers publish."""

    journal_seq: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One unbroken run of the trigger counter. ``first_seq`` is the number BEFORE its first part."""

    series: int
    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHealth:
    """How the journal thread stands: rows waiting, rows lost to a full queue, and its last error ("" if none).

    ``thread_alive`` False: it ended without being asked to, by an error nobody foresaw; nothing more is written.
    """

    waiting: int
    lost: int
    error: str
    thread_alive: bool = True


class Recorder(Protocol):
    """The line's pen. Calls never wait for the disk: one journal thread commits in groups."""

    def open(self, opened: OpenedPart) -> None:
        """Open a part at its trigger.

        Raises:
            JournalError: ``journal.on_failure`` is ``reject`` and the disk has failed (an error stands and the
                oldest row has waited for over 2 s; the row is taken all the same) or the bounded queue is full.
        """
        ...

    def close(self, inspection: Inspection) -> None:
        """Close a part once, by its Inspection.

        Raises:
            JournalError: ``journal.on_failure`` is ``reject`` and the bounded queue is full.
        """
        ...

    def note(self, event: Disposal | AlarmEvent | Answer) -> None:
        """Write any other event, or what is answered to a request. Raises as ``close`` does."""
        ...


class Archive(Protocol):
    """What the line needs of the book at start-up, before the first trigger."""

    def revision(self, kind: str, name: str, content: str) -> str:
        """Store an immutable revision ("recipe", "model", "settings"); give its sha256. Known ones stay."""
        ...

    def unfinished(self) -> Sequence[OpenedPart]:
        """Parts opened and never closed, oldest first: what a crash left."""
        ...

    def standing_alarms(self) -> Mapping[str, str]:
        """Code and text of this station's alarms that were raised in the book and not cleared."""
        ...

    def never_opened(self) -> Sequence[PartId]:
        """Numbers inside any series that no part bears, oldest series first, at most 1000: lost by the book.

        The line saw each of them, and its rows never reached the disk (a full queue, a row refused for good): what
        the gate was told of it is not known. None of them is "missed": those come after the last part.
        """
        ...

    def resume(self, counter: int, at: datetime, *, echo_seq: int | None = None, restarted: bool = False) -> Series:
        """Continue the series that ``counter`` belongs to, or start a new one (first run, counter went back).

        ``restarted``: the source was seen to begin anew: a new series, even where ``counter`` is further than before.
        ``echo_seq``: what the source echoes as it is read at start-up; 0, where the newest series has parts that were
        acknowledged, means the same.
        """
        ...


class Reader(Protocol):
    """Reads the book. No call holds a transaction over 20 ms or 200 rows."""

    def after(self, journal_seq: int, limit: int = 200) -> Sequence[Entry]:
        """Entries after this number, in order, at most ``limit``."""
        ...

    def head(self) -> int:
        """The last journal_seq written; 0 for an empty book."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Inspections by outcome name, plus "inspections" and "open"."""
        ...


class Cursors(Protocol):
    """How far each sink has come."""

    def cursor(self, sink: str) -> int:
        """The last journal_seq this sink has for good; 0 for a new sink."""
        ...

    def advance(self, sink: str, journal_seq: int) -> None:
        """Move the cursor forward; never back."""
        ...

    def quarantine(self, sink: str, journal_seq: int, reason: str) -> None:
        """Set one entry aside that this sink refuses for good; the cursor may pass it. It stays listed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What ``journal verify`` found. ``findings`` is empty when the law holds.

    ``audit``: the audit chain's head; ``book``: the last entry's number and seal.
    """

    inspections: int
    open: int
    journal_seq: int
    plc_count: int | None
    audit: AuditHead
    book: AuditHead
    missing: Sequence[PartId]
    doubled: Sequence[PartId]
    findings: Sequence[str]
