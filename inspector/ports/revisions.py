"""Recipes as the book keeps them: immutable revisions, and who approved which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol


class Standing(Enum):
    """How far a revision has come. A file that was there when the line started needs no approval: LOADED."""

    LOADED = "loaded"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One text under its sha256. ``proposed_by``, ``decided_by``: "" where nobody did; ``comment``: the decider's."""

    kind: str
    name: str
    sha256: str
    content: str
    stored_utc: datetime
    standing: Standing
    proposed_by: str
    decided_by: str
    comment: str


class RevisionShelf(Protocol):
    """The revisions of one kind ("recipe"). Each call may raise JournalError."""

    def revisions(self, kind: str, *, name: str = "", limit: int = 100) -> Sequence[Revision]:
        """Newest first, at most 200."""
        ...

    def revision(self, kind: str, sha256: str) -> Revision | None:
        """One by its sha256; None if there is none."""
        ...

    def propose(self, kind: str, name: str, content: str, *, by: str, at_utc: datetime) -> str:
        """Store a text that is to be approved; give its sha256. One that is known keeps its standing."""
        ...

    def decide(self, kind: str, sha256: str, *, by: str, approved: bool, comment: str, at_utc: datetime) -> None:
        """Approve or reject a proposed revision, once.

        Raises:
            ReviewError: no such revision, it is not proposed, or ``by`` proposed it.
        """
        ...
