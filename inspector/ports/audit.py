"""The audit chain: who did what. Rows are only ever added, and each is tied to the one before it."""

from datetime import datetime
from typing import Protocol

from inspector.domain.chain import AuditEntry, AuditHead, Content
from inspector.ports.history import Page


class AuditTrail(Protocol):
    """Each call may raise JournalError. Reviews are entered by ``ReviewDesk.sign`` itself."""

    def record(self, *, who: str, action: str, subject: str, content: Content, at_utc: datetime) -> AuditHead:
        """Add a row in a transaction of its own; give the chain's new head.

        ``action``: a noun and what was done to it: "account.changed", "recipe.activated", "export.made". Secrets do
        not belong into ``content``.
        """
        ...

    def audit_head(self) -> AuditHead:
        """The chain's last row."""
        ...

    def audit(self, *, who: str = "", action: str = "", after: str = "", limit: int = 50) -> Page[AuditEntry]:
        """Rows, newest first, at most 200; ``action`` whole or up to a dot ("account"). Raises ValueError."""
        ...
