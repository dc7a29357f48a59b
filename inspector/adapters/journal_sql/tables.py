"""The journal's tables as SQLAlchemy Core sees them; the migrations make them, a test compares the two."""

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import REAL

HEAD = "0005"

metadata = MetaData()

series = Table(
    "series",
    metadata,
    Column("station", Text, primary_key=True, nullable=False),
    Column("series", Integer, primary_key=True, nullable=False),
    Column("first_seq", Integer, nullable=False),
    Column("started_us", Integer, nullable=False),
    Column("why", Text, nullable=False),
)

setup = Table(
    "setup",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe_name", Text, nullable=False),
    Column("recipe_sha256", Text, nullable=False),
    Column("recipe_job", Integer, nullable=False),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_sha256", Text, nullable=False),
    Column("model_runtime", Text, nullable=False),
    Column("settings_sha256", Text, nullable=False),
    UniqueConstraint(
        "recipe_sha256",
        "recipe_name",
        "recipe_job",
        "model_sha256",
        "model_name",
        "model_version",
        "model_runtime",
        "settings_sha256",
    ),
)

part = Table(
    "part",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("station", Text, nullable=False),
    Column("series", Integer, nullable=False),
    Column("part_seq", Integer, nullable=False),
    Column("serial", Text),
    Column("lot", Text),
    Column("opened_us", Integer, nullable=False),
    Column("opened_at", REAL),
    Column("encoder", Integer),
    Column("setup_id", Integer, ForeignKey("setup.id"), nullable=False),
    Column("closed_us", Integer),
    UniqueConstraint("station", "series", "part_seq"),
    ForeignKeyConstraint(["station", "series"], ["series.station", "series.series"]),
)
Index("part_open", part.c.station, part.c.id, sqlite_where=text("closed_us IS NULL"))

entry = Table(
    "entry",
    metadata,
    Column("journal_seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("sha256", Text),
)

inspection = Table(
    "inspection",
    metadata,
    Column("journal_seq", Integer, ForeignKey("entry.journal_seq"), primary_key=True),
    Column("part_id", Integer, ForeignKey("part.id"), nullable=False, unique=True),
    Column("result_id", Text, nullable=False, unique=True),
    Column("setup_id", Integer, ForeignKey("setup.id"), nullable=False),
    Column("serial", Text),
    Column("lot", Text),
    Column("attempt", Integer, nullable=False),
    Column("encoder", Integer),
    Column("opened_us", Integer, nullable=False),
    Column("created_us", Integer, nullable=False),
    Column("outcome", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("measured", REAL),
    Column("limit_value", REAL),
    Column("unit", Text, nullable=False),
    Column("severity_score", REAL),
    Column("gate_told", Text, nullable=False),
    Column("grab_ms", REAL),
    Column("preprocess_ms", REAL),
    Column("infer_ms", REAL),
    Column("decode_ms", REAL),
    Column("judge_ms", REAL),
    Column("gate_ms", REAL),
    Column("total_ms", REAL),
    Column("camera_serial", Text),
    Column("exposure_us", REAL),
    Column("gain_db", REAL),
    Column("scale_id", Text, nullable=False),
    Column("scale_due", Text, nullable=False),
    Column("evidence_path", Text),
    Column("evidence_sha256", Text),
    Column("evidence_width", Integer),
    Column("evidence_height", Integer),
    Column("evidence_lossless", Integer),
    Column("evidence_crops", Text),
    Column("evidence_note", Text, nullable=False),
    Column("kept_probability", REAL, nullable=False),
    Column("clock_synced", Integer, nullable=False),
    Column("simulated", Integer, nullable=False),
    Column("shift", Text, nullable=False),
    Column("software", Text, nullable=False),
)
Index("inspection_time", inspection.c.created_us)
Index("inspection_outcome", inspection.c.outcome, sqlite_where=text("outcome > 1"))
Index("inspection_serial", inspection.c.serial, sqlite_where=text("serial IS NOT NULL"))
Index("inspection_lot", inspection.c.lot, sqlite_where=text("lot IS NOT NULL"))

detections = Table(
    "detections",
    metadata,
    Column("journal_seq", Integer, ForeignKey("inspection.journal_seq"), primary_key=True),
    Column("content", Text, nullable=False),
)

defect = Table(
    "defect",
    metadata,
    Column("journal_seq", Integer, ForeignKey("inspection.journal_seq"), primary_key=True, nullable=False),
    Column("position", Integer, primary_key=True, nullable=False),
    Column("label", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("weight", REAL, nullable=False),
    Column("sure", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("score", REAL, nullable=False),
    Column("length_mm", REAL),
    Column("width_mm", REAL),
    Column("area_mm2", REAL),
    Column("seen", Integer),
    Column("detection", Text),
)
Index("defect_label", defect.c.label, defect.c.journal_seq)

disposal = Table(
    "disposal",
    metadata,
    Column("journal_seq", Integer, ForeignKey("entry.journal_seq"), primary_key=True),
    Column("station", Text, nullable=False),
    Column("series", Integer, nullable=False),
    Column("part_seq", Integer, nullable=False),
    Column("serial", Text),
    Column("lot", Text),
    Column("commanded", Text, nullable=False),
    Column("confirmed", Integer),
    Column("bin", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
)
Index("disposal_part", disposal.c.station, disposal.c.series, disposal.c.part_seq)

review = Table(
    "review",
    metadata,
    Column("journal_seq", Integer, ForeignKey("entry.journal_seq"), primary_key=True),
    Column("result_id", Text, ForeignKey("inspection.result_id"), nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("opinion", Text, nullable=False),
    Column("true_outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("corrections", Text, nullable=False),
    Column("comment", Text, nullable=False, server_default=text("''")),
    Column("second", Integer, nullable=False, server_default=text("0")),
    Column("signed", Integer, nullable=False, server_default=text("0")),
    Column("withdraws", Integer, ForeignKey("review.journal_seq")),
)
Index("review_result", review.c.result_id)

alarm_event = Table(
    "alarm_event",
    metadata,
    Column("journal_seq", Integer, ForeignKey("entry.journal_seq"), primary_key=True),
    Column("code", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("details", Text, nullable=False),
)
Index("alarm_event_code", alarm_event.c.code, alarm_event.c.journal_seq)

revision = Table(
    "revision",
    metadata,
    Column("kind", Text, primary_key=True, nullable=False),
    Column("sha256", Text, primary_key=True, nullable=False),
    Column("name", Text, primary_key=True, nullable=False),
    Column("content", Text, nullable=False),
    Column("stored_us", Integer, nullable=False),
)

sink_cursor = Table(
    "sink_cursor",
    metadata,
    Column("sink", Text, primary_key=True, nullable=False),
    Column("journal_seq", Integer, nullable=False),
    Column("moved_us", Integer, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("sink", Text, primary_key=True, nullable=False),
    Column("journal_seq", Integer, ForeignKey("entry.journal_seq"), primary_key=True, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
)

tally = Table(
    "tally",
    metadata,
    Column("station", Text, primary_key=True, nullable=False),
    Column("outcome", Integer, primary_key=True, nullable=False),
    Column("parts", Integer, nullable=False),
)

pen = Table(
    "pen",
    metadata,
    Column("station", Text, primary_key=True, nullable=False),
    Column("last_group", Integer, nullable=False),
)

request = Table(
    "request",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("station", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_us", Integer, nullable=False),
)
Index("request_station", request.c.station, request.c.id)

answer = Table(
    "answer",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request_id", Integer, ForeignKey("request.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("figures", Text, nullable=False),
    Column("at_us", Integer, nullable=False),
)
Index("answer_request", answer.c.request_id, answer.c.id)
