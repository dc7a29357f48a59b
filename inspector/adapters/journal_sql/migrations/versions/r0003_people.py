"""What people need of the book: queues, figures by the minute, the reviews that count, and the audit chain."""

from alembic import op

from inspector.adapters.journal_sql.rows import from_us
from inspector.adapters.journal_sql.trail import SIGNED, Trail, review_content

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REVIEWS = (
    "ALTER TABLE review ADD COLUMN comment TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE review ADD COLUMN second INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE review ADD COLUMN signed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE review ADD COLUMN withdraws INTEGER REFERENCES review (journal_seq)",
)

_TABLES = (
    """CREATE TABLE waiting (
  journal_seq INTEGER PRIMARY KEY REFERENCES inspection (journal_seq),
  station TEXT NOT NULL,
  opened_us INTEGER NOT NULL,
  recipe TEXT NOT NULL,
  nearness REAL NOT NULL,
  rejected INTEGER NOT NULL,
  borderline INTEGER NOT NULL,
  sampled INTEGER NOT NULL
) STRICT""",
    *(
        statement
        for name in ("rejected", "borderline", "sampled")
        for statement in (
            f"CREATE INDEX waiting_{name} ON waiting (station, journal_seq, {name}) WHERE {name} = 1",
            f"CREATE INDEX waiting_{name}_near ON waiting (station, nearness, journal_seq, {name}) WHERE {name} = 1",
        )
    ),
    """CREATE TABLE reviewed (
  journal_seq INTEGER PRIMARY KEY REFERENCES inspection (journal_seq),
  review_seq INTEGER NOT NULL REFERENCES review (journal_seq),
  opinion TEXT NOT NULL,
  true_outcome TEXT NOT NULL,
  reviewer TEXT NOT NULL
) STRICT""",
    "CREATE INDEX reviewed_opinion ON reviewed (opinion, journal_seq)",
    """CREATE TABLE minute (
  minute INTEGER NOT NULL,
  station TEXT NOT NULL,
  setup_id INTEGER NOT NULL REFERENCES setup (id),
  ending INTEGER NOT NULL CHECK (ending IN (1, 2, 3, 4)),
  parts INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (minute, station, setup_id, ending)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE minute_defect (
  minute INTEGER NOT NULL,
  station TEXT NOT NULL,
  setup_id INTEGER NOT NULL REFERENCES setup (id),
  label TEXT NOT NULL,
  defects INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  PRIMARY KEY (minute, station, setup_id, label)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE lot (
  station TEXT NOT NULL,
  lot TEXT NOT NULL,
  first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  undecided INTEGER NOT NULL,
  kept_from INTEGER NOT NULL,
  PRIMARY KEY (station, lot)
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX lot_begun ON lot (first_us)",
    """CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  content TEXT NOT NULL,
  previous TEXT NOT NULL,
  sha256 TEXT NOT NULL
) STRICT""",
    "CREATE INDEX audit_action ON audit (action, number)",
    "CREATE INDEX audit_who ON audit (who, number)",
    """CREATE TABLE revision_word (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  word TEXT NOT NULL CHECK (word IN ('proposed', 'approved', 'rejected')),
  who TEXT NOT NULL,
  comment TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  FOREIGN KEY (kind, sha256, name) REFERENCES revision (kind, sha256, name)
) STRICT""",
    "CREATE INDEX revision_word_of ON revision_word (kind, sha256, id)",
)

_VIEWS = (
    """CREATE VIEW to_wait AS
  SELECT journal_seq, station, opened_us, recipe, nearness, outcome > 1 AS rejected, nearness <= 0.2 AS borderline,
    outcome = 1 AS sampled
  FROM (
    SELECT i.journal_seq, p.station, i.opened_us, s.recipe_name AS recipe, i.outcome,
      coalesce(
        CASE WHEN i.rule LIKE 'law.%' THEN NULL ELSE abs(i.measured - i.limit_value) / abs(i.limit_value) END, 9e99
      ) AS nearness
    FROM inspection i JOIN part p ON p.id = i.part_id JOIN setup s ON s.id = i.setup_id
    WHERE i.outcome > 1 OR i.evidence_path IS NOT NULL
  )""",
    """CREATE VIEW standing AS
  SELECT i.journal_seq, r.journal_seq AS review_seq, r.opinion, r.true_outcome, r.reviewer
  FROM review r JOIN inspection i ON i.result_id = r.result_id
  WHERE r.opinion <> 'withdrawn'
    AND NOT EXISTS (SELECT 1 FROM review w WHERE w.result_id = r.result_id AND w.withdraws = r.journal_seq)""",
)


_TRIGGERS = (
    """CREATE TRIGGER inspection_closes AFTER INSERT ON inspection BEGIN
         UPDATE part SET closed_us = NEW.created_us WHERE id = NEW.part_id;
         INSERT INTO tally (station, outcome, parts)
           SELECT station, NEW.outcome, 1 FROM part WHERE id = NEW.part_id
           ON CONFLICT (station, outcome) DO UPDATE SET parts = parts + 1;
         INSERT INTO minute (minute, station, setup_id, ending, parts, first_seq, last_seq)
           SELECT NEW.opened_us / 60000000, station, NEW.setup_id,
             CASE WHEN NEW.outcome = 2 AND NEW.rule LIKE 'law.%' THEN 4 ELSE NEW.outcome END,
             1, NEW.journal_seq, NEW.journal_seq
           FROM part WHERE id = NEW.part_id
           ON CONFLICT DO UPDATE SET parts = parts + 1, first_seq = min(first_seq, excluded.first_seq),
             last_seq = max(last_seq, excluded.last_seq);
         INSERT INTO lot (station, lot, first_us, last_us, passed, failed, undecided, kept_from)
           SELECT station, NEW.lot, NEW.opened_us, NEW.opened_us, NEW.outcome = 1, NEW.outcome = 3,
             NEW.outcome = 2 AND NEW.rule NOT LIKE 'law.%', NEW.outcome = 2 AND NEW.rule LIKE 'law.%'
           FROM part WHERE id = NEW.part_id AND NEW.lot IS NOT NULL
           ON CONFLICT DO UPDATE SET first_us = min(first_us, excluded.first_us),
             last_us = max(last_us, excluded.last_us), passed = passed + excluded.passed,
             failed = failed + excluded.failed, undecided = undecided + excluded.undecided,
             kept_from = kept_from + excluded.kept_from;
         INSERT INTO waiting SELECT * FROM to_wait WHERE journal_seq = NEW.journal_seq;
       END""",
    """CREATE TRIGGER defect_counts AFTER INSERT ON defect BEGIN
         INSERT INTO minute_defect (minute, station, setup_id, label, defects, parts)
           SELECT i.opened_us / 60000000, p.station, i.setup_id, NEW.label, 1, NOT EXISTS (
             SELECT 1 FROM defect d
             WHERE d.journal_seq = NEW.journal_seq AND d.label = NEW.label AND d.position <> NEW.position)
           FROM inspection i JOIN part p ON p.id = i.part_id WHERE i.journal_seq = NEW.journal_seq
           ON CONFLICT DO UPDATE SET defects = defects + 1, parts = parts + excluded.parts;
       END""",
    """CREATE TRIGGER review_answers AFTER INSERT ON review BEGIN
         DELETE FROM waiting
           WHERE journal_seq = (SELECT journal_seq FROM inspection WHERE result_id = NEW.result_id);
         DELETE FROM reviewed
           WHERE journal_seq = (SELECT journal_seq FROM inspection WHERE result_id = NEW.result_id);
         INSERT INTO reviewed
           SELECT * FROM standing
           WHERE journal_seq = (SELECT journal_seq FROM inspection WHERE result_id = NEW.result_id)
           ORDER BY review_seq DESC LIMIT 1;
         INSERT INTO waiting
           SELECT * FROM to_wait
           WHERE journal_seq = (SELECT journal_seq FROM inspection WHERE result_id = NEW.result_id)
             AND NOT EXISTS (SELECT 1 FROM reviewed WHERE reviewed.journal_seq = to_wait.journal_seq);
       END""",
    """CREATE TRIGGER audit_contiguous BEFORE INSERT ON audit
       WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM audit)
         OR NEW.previous <> coalesce((SELECT sha256 FROM audit ORDER BY number DESC LIMIT 1), printf('%064d', 0))
       BEGIN SELECT RAISE(ABORT, 'an audit row must follow the last one'); END""",
    """CREATE TRIGGER revision_word_once BEFORE INSERT ON revision_word
       WHEN EXISTS (SELECT 1 FROM revision_word
                    WHERE kind = NEW.kind AND sha256 = NEW.sha256 AND word IN (NEW.word, 'approved', 'rejected'))
       BEGIN SELECT RAISE(ABORT, 'this was said of the revision already'); END""",
)

_FILL = (
    """INSERT INTO minute (minute, station, setup_id, ending, parts, first_seq, last_seq)
  SELECT i.opened_us / 60000000, p.station, i.setup_id,
    CASE WHEN i.outcome = 2 AND i.rule LIKE 'law.%' THEN 4 ELSE i.outcome END,
    count(*), min(i.journal_seq), max(i.journal_seq)
  FROM inspection i JOIN part p ON p.id = i.part_id GROUP BY 1, 2, 3, 4""",
    """INSERT INTO minute_defect (minute, station, setup_id, label, defects, parts)
  SELECT i.opened_us / 60000000, p.station, i.setup_id, d.label, count(*), count(DISTINCT d.journal_seq)
  FROM defect d JOIN inspection i ON i.journal_seq = d.journal_seq JOIN part p ON p.id = i.part_id
  GROUP BY 1, 2, 3, 4""",
    """INSERT INTO lot (station, lot, first_us, last_us, passed, failed, undecided, kept_from)
  SELECT p.station, i.lot, min(i.opened_us), max(i.opened_us), sum(i.outcome = 1), sum(i.outcome = 3),
    sum(i.outcome = 2 AND i.rule NOT LIKE 'law.%'), sum(i.outcome = 2 AND i.rule LIKE 'law.%')
  FROM inspection i JOIN part p ON p.id = i.part_id WHERE i.lot IS NOT NULL GROUP BY 1, 2""",
    """INSERT INTO reviewed SELECT * FROM standing
  WHERE review_seq = (SELECT max(journal_seq) FROM review
    WHERE result_id = (SELECT result_id FROM inspection i WHERE i.journal_seq = standing.journal_seq))""",
    "INSERT INTO waiting SELECT * FROM to_wait WHERE journal_seq NOT IN (SELECT journal_seq FROM reviewed)",
)


def upgrade() -> None:
    """Make the tables, fill them from what stands in the book, and enter the reviews signed so far in the chain."""
    for trigger in ("inspection_closes", "review_answers"):
        op.execute(f"DROP TRIGGER {trigger}")
    for index in ("part_to_review", "inspection_rejects", "inspection_lot"):
        op.execute(f"DROP INDEX {index}")
    op.execute("ALTER TABLE part DROP COLUMN to_review")
    op.execute("CREATE INDEX inspection_outcome ON inspection (outcome) WHERE outcome > 1")
    op.execute("CREATE INDEX inspection_lot ON inspection (lot) WHERE lot IS NOT NULL")
    for statement in (*_REVIEWS, *_TABLES, *_VIEWS, *_FILL):
        op.execute(statement)
    _enter_reviews()
    for trigger in _TRIGGERS:
        op.execute(trigger)
    for table in ("audit", "revision_word"):
        op.execute(
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is never deleted'); END"
        )


def _enter_reviews() -> None:
    connection = op.get_bind()
    chain = Trail(connection)
    signed = connection.exec_driver_sql("SELECT * FROM review ORDER BY journal_seq").mappings().all()
    for row in signed:
        content = review_content(row)
        chain.add(
            at_utc=from_us(row["at_us"]), who=row["reviewer"], action=SIGNED, subject=row["result_id"], content=content
        )
