"""What other processes ask of a line, and what it answers: rows that are never changed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE request (
  id INTEGER PRIMARY KEY,
  station TEXT NOT NULL,
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_us INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX request_station ON request (station, id)",
    """CREATE TABLE answer (
  id INTEGER PRIMARY KEY,
  request_id INTEGER NOT NULL REFERENCES request (id),
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'refused', 'withdrawn', 'failed', 'ended')),
  text TEXT NOT NULL,
  figures TEXT NOT NULL,
  at_us INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX answer_request ON answer (request_id, id)",
    """CREATE TRIGGER answer_last BEFORE INSERT ON answer
       WHEN EXISTS (SELECT 1 FROM answer WHERE request_id = NEW.request_id AND state <> 'running')
       BEGIN SELECT RAISE(ABORT, 'this request has its last answer'); END""",
)


def upgrade() -> None:
    """Make the two tables."""
    for statement in _TABLES:
        op.execute(statement)
    for table in ("request", "answer"):
        op.execute(
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is never deleted'); END"
        )
