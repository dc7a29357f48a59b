import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
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
    Opinion,
    RecipeStamp,
    Review,
    Timings,
)
from inspector.domain.verdict import Decision, Defect, Outcome, Severity, Verdict, undecided
from inspector.pipeline import contract
from inspector.pipeline.records import SCHEMAS, one_shot, publication
from inspector.pipeline.topics import topic_root
from inspector.ports.journal import Entry

AT = datetime(2026, 11, 22, 6, 0, 0, 250_000, tzinfo=UTC)
ID = UUID("019ac000-0000-7000-8000-000000000001")
CRACK = Detection(
    label="crack",
    score=0.91,
    box=Box(x=10, y=20, width=30, height=4),
    length_px=30,
    width_px=4,
    area_px=100,
    outline=Polygon(corners=((10, 20), (40, 20), (40, 24))),
)
VERDICT = Verdict(
    outcome=Outcome.FAIL,
    reason="crack 3.0 mm, limit 1.0 mm",
    decision=Decision(rule="class.crack.any", measured=3.0, limit=1.0, unit="mm"),
    defects=(
        Defect(
            detection=CRACK,
            severity=Severity.CRITICAL,
            weight=3.0,
            sure=True,
            rule="class.crack.any",
            length_mm=3.0,
            width_mm=0.4,
            area_mm2=None,
        ),
    ),
    severity_score=2.73,
)
INSPECTION = Inspection(
    result_id=ID,
    part=PartId(part_seq=4711, series=2, serial="SN-1", lot="L7"),
    station="left",
    verdict=VERDICT,
    detections=(CRACK,),
    gate_told=GateTold.ACKNOWLEDGED,
    recipe=RecipeStamp(name="critical", sha256="ab" * 32, job=12),
    model=ModelStamp(name="surface", version="3", sha256="cd" * 32, runtime="onnxruntime 1.31"),
    settings_sha256="ef" * 32,
    created_utc=AT,
    opened_utc=AT - timedelta(milliseconds=60),
    timings=Timings(grab=5, preprocess=1, infer=40, decode=2, judge=0.1, gate=3, total=60),
    software="0.1.0",
    attempt=2,
    camera=CameraStamp(serial="CAM-9", exposure_us=120.0, gain_db=0.0),
    scale_id="plate-3",
    scale_due=str(date(2027, 1, 31)),
    evidence=EvidenceRef(
        path="2026/4711.png", sha256="aa" * 32, width=640, height=480, lossless=True, crops=("c.png",)
    ),
    kept_probability=1.0,
    clock_synced=True,
    shift="early",
    encoder=99,
)
EVENTS = {
    "result": INSPECTION,
    "disposal": Disposal(
        part=INSPECTION.part, station="left", commanded="reject", confirmed=None, bin="scrap", at_utc=AT
    ),
    "review/verdict": Review(
        result_id=ID,
        reviewer="ada",
        opinion=Opinion.DISAGREE,
        true_outcome="PASS",
        reason="dust",
        at_utc=AT,
        corrections=(Mark(label=CRACK.label, box=CRACK.box),),
    ),
    "alarm/event": AlarmEvent(
        code="E7", station="left", action="raised", text="hot", at_utc=AT, details={"celsius": "80"}
    ),
}


def published(event: Any, **more: Any) -> dict[str, Any]:
    entry = Entry(journal_seq=17, event=event)
    return dict(publication(entry, now=AT + timedelta(seconds=1), **more).payload)


def test_a_review_says_whether_its_marks_are_all_there_is() -> None:
    given = EVENTS["review/verdict"]
    none = replace(given, corrections=())
    cleared = replace(none, cleared=True)
    assert [published(one)["corrected"] for one in (given, none, cleared)] == [True, False, True]


def test_a_result_has_the_names_of_opc_40100_and_ours_below_result_content() -> None:
    record = published(INSPECTION, evidence_url="https://left/evidence/")
    content = record.pop("resultContent")
    assert record == {
        "resultId": str(ID),
        "isPartial": False,
        "isSimulated": False,
        "resultState": 1,
        "resultEvaluation": 2,
        "measId": "left/2/4711",
        "partId": "SN-1",
        "jobId": "12",
        "productId": "critical",
        "internalRecipeId": "ab" * 32,
        "externalRecipeId": "critical",
        "internalConfigurationId": "ef" * 32,
        "creationTime": "2026-11-22T06:00:00.250000Z",
        "processingTimes": {
            "startTime": "2026-11-22T06:00:00.190000Z",
            "endTime": "2026-11-22T06:00:00.250000Z",
            "acquisitionDuration": 5.0,
            "processingDuration": 55.0,
        },
        "station": "left",
        "attempt": 2,
        "clockSynced": True,
        "journalSeq": 17,
        "series": 2,
        "partSeq": 4711,
        "gateTold": "acknowledged",
        "isHistorical": False,
    }
    assert content["rule"] == {"id": "class.crack.any", "measured": 3.0, "limit": 1.0, "unit": "mm"}
    assert content["defects"] == [
        {
            "class": "crack",
            "severity": "critical",
            "score": 0.91,
            "sure": True,
            "bbox_px": [10.0, 20.0, 30.0, 4.0],
            "polygon_px": [[10.0, 20.0], [40.0, 20.0], [40.0, 24.0]],
            "length_mm": 3.0,
            "width_mm": 0.4,
            "area_mm2": None,
            "rule_id": "class.crack.any",
        }
    ]
    assert (content["outcome"], content["severity_score"]) == ("FAIL", 2.73)
    assert content["image"]["ref"] == "https://left/evidence/2026/4711.png"
    assert content["recipe"] == {"name": "critical", "revision": "ab" * 6, "sha256": "ab" * 32}
    assert content["timings_ms"]["total"] == 60
    assert content["traceability"] == {
        "camera_serial": "CAM-9",
        "exposure_us": 120.0,
        "gain_db": 0.0,
        "scale_id": "plate-3",
        "scale_due": "2027-01-31",
        "software": "0.1.0",
        "lot": "L7",
        "shift": "early",
        "encoder": 99,
    }


@pytest.mark.parametrize("kind", list(EVENTS))
def test_every_record_is_valid_by_the_schema_that_it_names(kind: str) -> None:
    entry = Entry(journal_seq=17, event=EVENTS[kind])
    out = publication(entry, now=AT)
    assert (out.kind, out.schema, out.journal_seq) == (kind, SCHEMAS[kind], 17)
    schema = contract.json_schema(out.schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    through_the_wire = json.loads(json.dumps(out.payload, allow_nan=False))
    jsonschema.validate(through_the_wire, schema, cls=jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate({**through_the_wire, "surprise": 1}, schema, cls=jsonschema.Draft202012Validator)


def test_a_one_shot_record_is_simulated_and_belongs_to_no_journal() -> None:
    record = one_shot(INSPECTION)
    assert record["isSimulated"] is True
    assert not {"journalSeq", "partSeq", "series", "gateTold", "isHistorical"} & set(record)
    jsonschema.validate(json.loads(json.dumps(record)), contract.json_schema("inspector.one-shot/1"))


@pytest.mark.parametrize(
    ("verdict", "state", "evaluation"),
    [
        (VERDICT, 1, 2),
        (replace(VERDICT, outcome=Outcome.PASS), 1, 1),
        (undecided("score in the doubtful band", rule="score.band"), 1, 3),
        (undecided("no verdict in time", rule="law.late"), 4, 3),
        (undecided("the part was never seen", rule="law.missed"), 3, 3),
    ],
)
def test_a_bad_part_is_not_a_failed_processing(verdict: Verdict, state: int, evaluation: int) -> None:
    record = published(replace(INSPECTION, verdict=verdict))
    assert (record["resultState"], record["resultEvaluation"]) == (state, evaluation)


def test_what_is_no_number_is_published_as_null() -> None:
    strange = replace(VERDICT, severity_score=math.nan, decision=replace(VERDICT.decision, measured=math.inf))
    content = published(replace(INSPECTION, verdict=strange))["resultContent"]
    assert (content["severity_score"], content["rule"]["measured"]) == (None, None)


def test_a_part_without_a_picture_says_why() -> None:
    bare = replace(INSPECTION, evidence=None, evidence_note="disk full", camera=None)
    content = published(bare)["resultContent"]
    assert (content["image"], content["image_note"]) == (None, "disk full")
    assert content["traceability"]["camera_serial"] == ""


def test_times_are_published_in_utc_whatever_zone_they_came_in() -> None:
    berlin = AT.astimezone(timezone(timedelta(hours=1)))
    assert published(replace(INSPECTION, created_utc=berlin))["creationTime"] == "2026-11-22T06:00:00.250000Z"


def test_the_committed_contract_is_what_the_code_publishes() -> None:
    folder = Path(__file__).parents[2] / "docs/api"
    expected = contract.files()
    assert {path.name for path in folder.iterdir()} == set(expected)
    for name, content in expected.items():
        assert (folder / name).read_text() == content, f"{name}: python -m inspector.pipeline.contract docs/api"


def test_the_topic_root_is_built_of_the_plants_names() -> None:
    assert topic_root(["acme", "berlin", "", "press", "7"], "left") == "acme/berlin/press/7/inspector/left"
    for name in ("a/b", "a+", "#", "$SYS", " a"):
        with pytest.raises(ConfigError, match="cannot stand in a topic"):
            topic_root(["acme"], name)
