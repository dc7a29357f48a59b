"""What people's pages are read from: registers that triggers keep, the audit chain, and words said of revisions."""

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    case,
    func,
    literal_column,
    null,
    select,
    text,
)
from sqlalchemy.types import REAL

from inspector.adapters.journal_sql.tables import inspection, metadata, part, setup

MINUTE_US = 60_000_000
NO_FIGURE = 9e99
"""Nearness of a part that no figure decided: after all others."""

PASSED, BAND, FAILED, LAW = 1, 2, 3, 4
"""How a part ended, as ``minute`` and ``lot`` count it: the outcome, with UNDECIDED by a law of the house apart."""

waiting = Table(
    "waiting",
    metadata,
    Column("journal_seq", Integer, ForeignKey("inspection.journal_seq"), primary_key=True),
    Column("station", Text, nullable=False),
    Column("opened_us", Integer, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("nearness", REAL, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("borderline", Integer, nullable=False),
    Column("sampled", Integer, nullable=False),
)
for _name in ("rejected", "borderline", "sampled"):
    _is, _where = waiting.c[_name], text(f"{_name} = 1")  # the column itself too: only then the index covers a count
    Index(f"waiting_{_name}", waiting.c.station, waiting.c.journal_seq, _is, sqlite_where=_where)
    _near = (waiting.c.station, waiting.c.nearness, waiting.c.journal_seq)
    Index(f"waiting_{_name}_near", *_near, _is, sqlite_where=_where)
    Index(
        f"waiting_{_name}_recipe", waiting.c.station, waiting.c.recipe, waiting.c.journal_seq, _is, sqlite_where=_where
    )

reviewed = Table(
    "reviewed",
    metadata,
    Column("journal_seq", Integer, ForeignKey("inspection.journal_seq"), primary_key=True),
    Column("review_seq", Integer, ForeignKey("review.journal_seq"), nullable=False),
    Column("opinion", Text, nullable=False),
    Column("true_outcome", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
)
Index("reviewed_opinion", reviewed.c.opinion, reviewed.c.journal_seq)

_by_law = inspection.c.rule.like("law.%")
_near_share = func.abs(inspection.c.measured - inspection.c.limit_value) / func.abs(inspection.c.limit_value)
left_open = (
    select(
        reviewed.c.journal_seq,
        part.c.station,
        inspection.c.opened_us,
        setup.c.recipe_name.label("recipe"),
        func.coalesce(case((_by_law, null()), else_=_near_share), NO_FIGURE).label("nearness"),
        reviewed.c.reviewer,
    )
    .select_from(reviewed)
    .join(inspection, inspection.c.journal_seq == reviewed.c.journal_seq)
    .join(part, part.c.id == inspection.c.part_id)
    .join(setup, setup.c.id == inspection.c.setup_id)
    .where(reviewed.c.opinion == literal_column("'unsure'"))
    .subquery("left_open")
)
"""Parts whose standing review does not know, with the columns of ``waiting``: few, so no register of their own."""

minute = Table(
    "minute",
    metadata,
    Column("minute", Integer, primary_key=True, nullable=False),
    Column("station", Text, primary_key=True, nullable=False),
    Column("setup_id", Integer, ForeignKey("setup.id"), primary_key=True, nullable=False),
    Column("ending", Integer, primary_key=True, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("first_seq", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
)

minute_defect = Table(
    "minute_defect",
    metadata,
    Column("minute", Integer, primary_key=True, nullable=False),
    Column("station", Text, primary_key=True, nullable=False),
    Column("setup_id", Integer, ForeignKey("setup.id"), primary_key=True, nullable=False),
    Column("label", Text, primary_key=True, nullable=False),
    Column("defects", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
)

lot = Table(
    "lot",
    metadata,
    Column("station", Text, primary_key=True, nullable=False),
    Column("lot", Text, primary_key=True, nullable=False),
    Column("first_us", Integer, nullable=False),
    Column("last_us", Integer, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("undecided", Integer, nullable=False),
    Column("kept_from", Integer, nullable=False),
)
Index("lot_begun", lot.c.first_us)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at_us", Integer, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("sha256", Text, nullable=False),
)
Index("audit_action", audit.c.action, audit.c.number)
Index("audit_who", audit.c.who, audit.c.number)

revision_word = Table(
    "revision_word",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
    ForeignKeyConstraint(["kind", "sha256", "name"], ["revision.kind", "revision.sha256", "revision.name"]),
)
Index("revision_word_of", revision_word.c.kind, revision_word.c.sha256, revision_word.c.id)
