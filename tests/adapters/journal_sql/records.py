"""Parts, inspections and events as a line would write them; every field that a test does not name is filled."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from alembic import command
from alembic.config import Config

from inspector.adapters.journal_sql.engine import open_engine, writing
from inspector.domain.detection import Detection
from inspector.domain.frame import CameraStamp, PartId
from inspector.domain.geometry import Box, Polygon
from inspector.domain.inspection import (
    AlarmEvent,
    Disposal,
    EvidenceRef,
    GateTold,
    Inspection,
    Mark,
    ModelStamp,
    OpenedPart,
    Opinion,
    RecipeStamp,
    Review,
    Timings,
)
from inspector.domain.verdict import Decision, Defect, Outcome, Severity, Verdict

STATION = "left"
NOW = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)
RECIPE = RecipeStamp(name="critical", sha256="a1" * 32, job=7)
MODEL = ModelStamp(name="seg", version="1.2", sha256="b2" * 32, runtime="onnxruntime 1.31.1 CPU x2")
SETTINGS = "c3" * 32
CRACK = Detection(
    label="crack",
    score=0.8125,
    box=Box(x=10.5, y=20.25, width=30.0, height=4.0),
    length_px=31.5,
    width_px=3.25,
    area_px=77.0,
    outline=Polygon(corners=((10.5, 20.25), (40.5, 20.25), (40.5, 24.25))),
)
STAIN = Detection(
    label="stain", score=0.3, box=Box(x=0, y=0, width=5, height=5), length_px=5.0, width_px=5.0, area_px=20.0
)
CRACKED = Verdict(
    outcome=Outcome.FAIL,
    reason="crack 4.2 mm, limit 1 mm",
    decision=Decision(rule="class.crack.any", measured=4.2, limit=1.0, unit="mm"),
    defects=(
        Defect(
            detection=CRACK,
            severity=Severity.CRITICAL,
            weight=3.0,
            sure=True,
            rule="class.crack.any",
            length_mm=4.2,
            width_mm=0.43,
            area_mm2=1.37,
        ),
    ),
    severity_score=2.4375,
)
CLEAN = Verdict(
    outcome=Outcome.PASS,
    reason="nothing above a limit",
    decision=Decision(rule="score.max", measured=0.0, limit=2.5, unit="score"),
)
DOUBTFUL = Verdict(
    outcome=Outcome.UNDECIDED,
    reason="late",
    decision=Decision(rule="law.late", measured=130.0, limit=120.0, unit="ms"),
)
PICTURE = EvidenceRef(
    path="2026/11/22/left-12-x.jpg",
    sha256="d4" * 32,
    width=4096,
    height=3000,
    lossless=False,
    crops=("2026/11/22/left-12-x_d0_0123456789abcdef.jpg",),
)


OLD_DETECTION = '[{"label":"dent","score":0.9,"box":[1,2,3,4],"length_px":3,"width_px":1,"area_px":3}]'


def part(part_seq: int, *, series: int = 1, serial: str = "", lot: str = "") -> PartId:
    return PartId(part_seq=part_seq, series=series, serial=serial, lot=lot)


def opened(part_seq: int, *, series: int = 1, serial: str = "", lot: str = "", station: str = STATION) -> OpenedPart:
    return OpenedPart(
        part=part(part_seq, series=series, serial=serial, lot=lot),
        station=station,
        opened_utc=NOW + timedelta(milliseconds=50 * part_seq),
        opened_at=1000.0 + part_seq * 0.05,
        encoder=part_seq * 100,
        recipe=RECIPE,
        model=MODEL,
        settings_sha256=SETTINGS,
    )


def inspection(part_seq: int, verdict: Verdict = CLEAN, **changes: Any) -> Inspection:
    part_id = part(
        part_seq,
        series=changes.pop("series", 1),
        serial=changes.pop("serial", ""),
        lot=changes.pop("lot", ""),
    )
    is_clean = verdict.outcome is Outcome.PASS
    values: dict[str, Any] = {
        "result_id": uuid4(),
        "part": part_id,
        "station": STATION,
        "verdict": verdict,
        "detections": (STAIN, CRACK) if verdict.defects else (),
        "gate_told": GateTold.ACKNOWLEDGED,
        "recipe": RECIPE,
        "model": MODEL,
        "settings_sha256": SETTINGS,
        "created_utc": NOW + timedelta(milliseconds=50 * part_seq + 40),
        "opened_utc": NOW + timedelta(milliseconds=50 * part_seq),
        "timings": Timings(grab=12.5, preprocess=3, infer=22.125, decode=2, judge=0.25, gate=1.5, total=41.375),
        "software": "inspector 0.1.0",
        "camera": CameraStamp(serial="CAM-1", exposure_us=850.0, gain_db=None),
        "scale_id": "plate-3",
        "scale_due": str(date(2027, 1, 1)),
        "evidence": None if is_clean else PICTURE,
        "evidence_note": "",
        "kept_probability": 0.0 if is_clean else 1.0,
        "clock_synced": True,
        "shift": "early",
        "encoder": part_seq * 100,
    }
    return Inspection(**(values | changes))


def disposal(part_seq: int) -> Disposal:
    return Disposal(part=part(part_seq), station=STATION, commanded="reject", confirmed=None, bin="2", at_utc=NOW)


def alarm(code: str = "camera.lost") -> AlarmEvent:
    return AlarmEvent(
        code=code, station=STATION, action="raised", text="no frame", at_utc=NOW, details={"camera": "twin"}
    )


def review(result_id: UUID, opinion: Opinion = Opinion.DISAGREE) -> Review:
    return Review(
        result_id=result_id,
        reviewer="ana",
        opinion=opinion,
        true_outcome="PASS",
        reason="dust, not a crack",
        at_utc=NOW + timedelta(hours=1),
        corrections=(Mark(label=STAIN.label, box=STAIN.box, defect=0), Mark(label="dent", box=STAIN.box)),
    )


def ask(path: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask the file itself, as the sqlite3 shell would."""
    with closing(sqlite3.connect(path)) as raw:
        return list(raw.execute(query, values))


def older_book(path: Path, version: str) -> tuple[str, str]:
    """A book as an older program left it: part 1 rejected, 2 rejected and reviewed, 3 open; the two results' ids."""
    engine = open_engine(path, "rwc")
    config = Config()
    config.set_main_option("script_location", "inspector.adapters.journal_sql:migrations")
    with writing(engine).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()
    ids = (str(UUID(int=1)), str(UUID(int=2)))
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("INSERT INTO series VALUES (?, 1, 0, 0, 'first run')", (STATION,))
        raw.execute("INSERT INTO setup VALUES (1, 'critical', 'a1', 0, 'seg', '1', 'b2', 'cpu', 'c3')")
        for number in (1, 2, 3):
            raw.execute(
                "INSERT INTO part (id, station, series, part_seq, lot, opened_us, setup_id) "
                "VALUES (?, ?, 1, ?, 'L', ?, 1)",
                (number, STATION, number, number * 60_000_000),
            )
        for number in (1, 2):
            raw.execute("INSERT INTO entry VALUES (?, 'inspection')", (number,))
            raw.execute(
                """INSERT INTO inspection (journal_seq, part_id, result_id, setup_id, lot, attempt, opened_us,
                     created_us, outcome, reason, rule, measured, limit_value, unit, gate_told, scale_id, scale_due,
                     evidence_note, kept_probability, clock_synced, simulated, shift, software)
                   VALUES (?, ?, ?, 1, 'L', 1, ?, ?, 3, 'crack', 'class.crack.any', 1.1, 1.0, 'mm', 'sent', '', '',
                     'none', 1, 1, 0, '', 'old')""",
                (number, number, ids[number - 1], number * 60_000_000, number * 60_000_000),
            )
            raw.execute(
                "INSERT INTO defect (journal_seq, position, label, severity, weight, sure, rule, score, detection) "
                "VALUES (?, 0, 'crack', 'critical', 3, 1, 'class.crack.any', 0.9, ?)",
                (number, OLD_DETECTION),
            )
        raw.execute("INSERT INTO entry VALUES (3, 'review')")
        raw.execute(
            "INSERT INTO review VALUES (3, ?, 'ana', 'disagree', 'FAIL', 'dent', 7, ?)", (ids[1], OLD_DETECTION)
        )
        raw.commit()
    return ids
