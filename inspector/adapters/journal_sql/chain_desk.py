"""The audit chain as people read it and other rooms write it."""

from datetime import datetime

from sqlalchemy import or_, select

from inspector.adapters.journal_sql import registers
from inspector.adapters.journal_sql.book_file import BookFile
from inspector.adapters.journal_sql.lines import MOST_ROWS, cursor, following
from inspector.adapters.journal_sql.trail import Trail, entry_of, head_of
from inspector.domain.chain import AuditEntry, AuditHead, Content
from inspector.ports.history import Page

_LIST = "audit"
_AFTER_DOT = "/"
"""The character after ".": an action that begins with "account." lies between "account." and "account/"."""


class SqlAudit:
    """Fulfils ``AuditTrail``."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def record(self, *, who: str, action: str, subject: str, content: Content, at_utc: datetime) -> AuditHead:
        """Add a row. See ``AuditTrail``."""
        with self._file.writing() as connection:
            return Trail(connection).add(at_utc=at_utc, who=who, action=action, subject=subject, content=content)

    def audit_head(self) -> AuditHead:
        """The chain's last row. See ``AuditTrail``."""
        with self._file.reading() as connection:
            return head_of(connection)

    def audit(self, *, who: str = "", action: str = "", after: str = "", limit: int = 50) -> Page[AuditEntry]:
        """Rows, newest first. See ``AuditTrail``."""
        before, limit = cursor(after, _LIST), min(limit, MOST_ROWS)
        known = registers.audit
        query = select(known).order_by(known.c.number.desc()).limit(limit + 1)
        if who:
            query = query.where(known.c.who == who)
        if action:
            begins = known.c.action.between(f"{action}.", f"{action}{_AFTER_DOT}")
            query = query.where(or_(known.c.action == action, begins))
        if before:
            query = query.where(known.c.number < before[0])
        with self._file.reading() as connection:
            rows = connection.execute(query).mappings().all()
        found = tuple(entry_of(row) for row in rows[:limit])
        return Page(items=found, following=following(_LIST, found[-1].number) if len(rows) > limit else "")
