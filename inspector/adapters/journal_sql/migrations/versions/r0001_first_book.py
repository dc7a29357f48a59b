"""The first book: parts, inspections, what people and alarms said of them, and how far each sink has come."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SHARED = """
CREATE TABLE series (
  station TEXT NOT NULL,
  series INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  started_us INTEGER NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY (station, series)
) STRICT;

CREATE TABLE setup (
  id INTEGER PRIMARY KEY,
  recipe_name TEXT NOT NULL,
  recipe_sha256 TEXT NOT NULL,
  recipe_job INTEGER NOT NULL,
  model_name TEXT NOT NULL,
  model_version TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  model_runtime TEXT NOT NULL,
  settings_sha256 TEXT NOT NULL,
UNIQUE (recipe_sha256, recipe_name, recipe_job, model_sha256, model_name, model_version, model_runtime, settings_sha256)
) STRICT;

CREATE TABLE part (
  id INTEGER PRIMARY KEY,
  station TEXT NOT NULL,
  series INTEGER NOT NULL,
  part_seq INTEGER NOT NULL,
  serial TEXT,
  lot TEXT,
  opened_us INTEGER NOT NULL,
  opened_at REAL,
  encoder INTEGER,
  setup_id INTEGER NOT NULL REFERENCES setup (id),
  closed_us INTEGER,
  to_review INTEGER NOT NULL DEFAULT 0,
  UNIQUE (station, series, part_seq),
  FOREIGN KEY (station, series) REFERENCES series (station, series)
) STRICT;
CREATE INDEX part_open ON part (station, id) WHERE closed_us IS NULL;
CREATE INDEX part_to_review ON part (closed_us) WHERE to_review = 1;

CREATE TABLE entry (
  journal_seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('inspection', 'disposal', 'review', 'alarm'))
) STRICT;
"""

_INSPECTIONS = """
CREATE TABLE inspection (
  journal_seq INTEGER PRIMARY KEY REFERENCES entry (journal_seq),
  part_id INTEGER NOT NULL UNIQUE REFERENCES part (id),
  result_id TEXT NOT NULL UNIQUE,
  setup_id INTEGER NOT NULL REFERENCES setup (id),
  serial TEXT,
  lot TEXT,
  attempt INTEGER NOT NULL,
  encoder INTEGER,
  opened_us INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  outcome INTEGER NOT NULL CHECK (outcome IN (1, 2, 3)),
  reason TEXT NOT NULL,
  rule TEXT NOT NULL,
  measured REAL,
  limit_value REAL,
  unit TEXT NOT NULL,
  severity_score REAL,
  gate_told TEXT NOT NULL CHECK (gate_told IN ('nothing', 'sent', 'acknowledged', 'unknown')),
  grab_ms REAL,
  preprocess_ms REAL,
  infer_ms REAL,
  decode_ms REAL,
  judge_ms REAL,
  gate_ms REAL,
  total_ms REAL,
  camera_serial TEXT,
  exposure_us REAL,
  gain_db REAL,
  scale_id TEXT NOT NULL,
  scale_due TEXT NOT NULL,
  evidence_path TEXT,
  evidence_sha256 TEXT,
  evidence_width INTEGER,
  evidence_height INTEGER,
  evidence_lossless INTEGER,
  evidence_crops TEXT,
  evidence_note TEXT NOT NULL,
  kept_probability REAL NOT NULL,
  clock_synced INTEGER NOT NULL,
  simulated INTEGER NOT NULL,
  shift TEXT NOT NULL,
  software TEXT NOT NULL
) STRICT;
CREATE INDEX inspection_time ON inspection (created_us);
CREATE INDEX inspection_rejects ON inspection (created_us) WHERE outcome > 1;
CREATE INDEX inspection_serial ON inspection (serial) WHERE serial IS NOT NULL;
CREATE INDEX inspection_lot ON inspection (lot, created_us) WHERE lot IS NOT NULL;

CREATE TABLE detections (
  journal_seq INTEGER PRIMARY KEY REFERENCES inspection (journal_seq),
  content TEXT NOT NULL
) STRICT;

CREATE TABLE defect (
  journal_seq INTEGER NOT NULL REFERENCES inspection (journal_seq),
  position INTEGER NOT NULL,
  label TEXT NOT NULL,
  severity TEXT NOT NULL,
  weight REAL NOT NULL,
  sure INTEGER NOT NULL,
  rule TEXT NOT NULL,
  score REAL NOT NULL,
  length_mm REAL,
  width_mm REAL,
  area_mm2 REAL,
  seen INTEGER,
  detection TEXT,
  PRIMARY KEY (journal_seq, position)
) STRICT;
CREATE INDEX defect_label ON defect (label, journal_seq);
"""

_EVENTS = """
CREATE TABLE disposal (
  journal_seq INTEGER PRIMARY KEY REFERENCES entry (journal_seq),
  station TEXT NOT NULL,
  series INTEGER NOT NULL,
  part_seq INTEGER NOT NULL,
  serial TEXT,
  lot TEXT,
  commanded TEXT NOT NULL,
  confirmed INTEGER,
  bin TEXT NOT NULL,
  at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX disposal_part ON disposal (station, series, part_seq);

CREATE TABLE review (
  journal_seq INTEGER PRIMARY KEY REFERENCES entry (journal_seq),
  result_id TEXT NOT NULL REFERENCES inspection (result_id),
  reviewer TEXT NOT NULL,
  opinion TEXT NOT NULL,
  true_outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  corrections TEXT NOT NULL
) STRICT;
CREATE INDEX review_result ON review (result_id);

CREATE TABLE alarm_event (
  journal_seq INTEGER PRIMARY KEY REFERENCES entry (journal_seq),
  code TEXT NOT NULL,
  station TEXT NOT NULL,
  action TEXT NOT NULL,
  text TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  details TEXT NOT NULL
) STRICT;
CREATE INDEX alarm_event_code ON alarm_event (code, journal_seq);

CREATE TABLE revision (
  kind TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  content TEXT NOT NULL,
  stored_us INTEGER NOT NULL,
  PRIMARY KEY (kind, sha256, name)
) STRICT;
"""

_BOOKKEEPING = """
CREATE TABLE sink_cursor (
  sink TEXT NOT NULL PRIMARY KEY,
  journal_seq INTEGER NOT NULL,
  moved_us INTEGER NOT NULL
) STRICT;

CREATE TABLE quarantine (
  sink TEXT NOT NULL,
  journal_seq INTEGER NOT NULL REFERENCES entry (journal_seq),
  reason TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  PRIMARY KEY (sink, journal_seq)
) STRICT;

CREATE TABLE tally (
  station TEXT NOT NULL,
  outcome INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  PRIMARY KEY (station, outcome)
) STRICT;

CREATE TABLE pen (
  station TEXT NOT NULL PRIMARY KEY,
  last_group INTEGER NOT NULL
) STRICT;
"""

_NUMBERED = ("inspection", "disposal", "review", "alarm_event")
_NUMBERED_TRIGGER = """CREATE TRIGGER {table}_numbered BEFORE INSERT ON {table}
  WHEN NEW.journal_seq <> (SELECT max(journal_seq) FROM entry)
    OR EXISTS (SELECT 1 FROM {table} WHERE journal_seq = NEW.journal_seq)
  BEGIN SELECT RAISE(ABORT, '{table} must be the newest entry'); END"""
_IMMUTABLE = ("entry", "inspection", "detections", "defect", "disposal", "review", "alarm_event", "revision", "setup")

_TRIGGERS = (
    """CREATE TRIGGER entry_contiguous BEFORE INSERT ON entry
       WHEN NEW.journal_seq <> (SELECT coalesce(max(journal_seq), 0) + 1 FROM entry)
       BEGIN SELECT RAISE(ABORT, 'journal_seq must be contiguous'); END""",
    """CREATE TRIGGER inspection_once BEFORE INSERT ON inspection
       WHEN EXISTS (SELECT 1 FROM inspection WHERE part_id = NEW.part_id OR result_id = NEW.result_id)
       BEGIN SELECT RAISE(ABORT, 'this part is already closed'); END""",
    """CREATE TRIGGER inspection_closes AFTER INSERT ON inspection BEGIN
         UPDATE part SET closed_us = NEW.created_us, to_review = (NEW.outcome > 1) WHERE id = NEW.part_id;
         INSERT INTO tally (station, outcome, parts)
           SELECT station, NEW.outcome, 1 FROM part WHERE id = NEW.part_id
           ON CONFLICT (station, outcome) DO UPDATE SET parts = parts + 1;
       END""",
    """CREATE TRIGGER review_answers AFTER INSERT ON review BEGIN
         UPDATE part SET to_review = 0
           WHERE id = (SELECT part_id FROM inspection WHERE result_id = NEW.result_id);
       END""",
    """CREATE TRIGGER part_identity BEFORE UPDATE OF id, station, series, part_seq, serial, lot,
         opened_us, opened_at, encoder, setup_id ON part
       BEGIN SELECT RAISE(ABORT, 'part: what was opened is never changed'); END""",
    """CREATE TRIGGER part_kept BEFORE DELETE ON part
       BEGIN SELECT RAISE(ABORT, 'part is never deleted'); END""",
    """CREATE TRIGGER series_kept BEFORE DELETE ON series
       BEGIN SELECT RAISE(ABORT, 'series is never deleted'); END""",
    """CREATE TRIGGER series_unchanged BEFORE UPDATE ON series
       BEGIN SELECT RAISE(ABORT, 'series is never changed'); END""",
)


def upgrade() -> None:
    """Make the tables, their indexes and the triggers that keep the record as it was born."""
    for script in (_SHARED, _INSPECTIONS, _EVENTS, _BOOKKEEPING):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement)
    for trigger in _TRIGGERS:
        op.execute(trigger)
    for table in _NUMBERED:
        op.execute(_NUMBERED_TRIGGER.format(table=table))
    for table in _IMMUTABLE:
        op.execute(
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is never deleted'); END"
        )
