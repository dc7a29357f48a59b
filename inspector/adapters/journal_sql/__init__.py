"""The journal in SQLite: one file, one pen at a time, nothing in it ever changed.

open_recorder  the line's pen (one process a station)      recorder.py, group.py, page.py, attempts.py
open_requests  what others ask of the line            requests.py
open_journal   start-up and followers                      journal.py, series.py, nouns.py
open_for_people  queue, history, figures ...          people.py and the rooms it opens
verify         the proof                                   proof.py, book.py
in_force       what was activated, before the line opens its book   in_force.py
migrate        the schema, by Alembic                      schema.py, tables.py, migrations/
"""

from inspector.adapters.journal_sql.in_force import in_force
from inspector.adapters.journal_sql.journal import SqlJournal, open_journal
from inspector.adapters.journal_sql.people import PeoplesBook, open_for_people
from inspector.adapters.journal_sql.proof import verify
from inspector.adapters.journal_sql.recorder import SqlRecorder, open_recorder
from inspector.adapters.journal_sql.requests import SqlRequests, open_requests
from inspector.adapters.journal_sql.schema import migrate, stands_at

__all__ = [
    "PeoplesBook",
    "SqlJournal",
    "SqlRecorder",
    "SqlRequests",
    "in_force",
    "migrate",
    "open_for_people",
    "open_journal",
    "open_recorder",
    "open_requests",
    "stands_at",
    "verify",
]
