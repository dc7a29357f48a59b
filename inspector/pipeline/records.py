"""How an entry of the journal becomes what the world reads."""

from datetime import UTC, datetime, timedelta
from math import isfinite

from inspector.domain.inspection import AlarmEvent, Disposal, EvidenceRef, Inspection, Review
from inspector.domain.verdict import Defect, Outcome, Verdict
from inspector.pipeline.payloads import (
    AlarmEventRecord,
    ContentRecord,
    CorrectionRecord,
    DefectRecord,
    DisposalRecord,
    ImageRecord,
    Json,
    ModelRecord,
    OneShotRecord,
    OpcNames,
    ProcessingTimes,
    RecipeRecord,
    ResultRecord,
    ReviewRecord,
    RuleRecord,
    TimingsRecord,
    TraceRecord,
)
from inspector.ports.journal import Entry
from inspector.ports.sink import Publication

HISTORICAL_AFTER = timedelta(seconds=10)
EVALUATION = {Outcome.PASS: 1, Outcome.FAIL: 2, Outcome.UNDECIDED: 3}
"""OPC 40001-101 ResultEvaluation: 1 OK, 2 NotOK, 3 NotDecidable."""
COMPLETED, ABORTED, FAILED = 1, 3, 4
"""OPC 40100-1 ResultState, as far as we use it."""
ABORTED_BY = ("law.missed", "law.interrupted", "law.crash", "law.resync")


SCHEMAS = {
    "result": "inspector.result/1",
    "disposal": "inspector.disposal/1",
    "review/verdict": "inspector.review/1",
    "alarm/event": "inspector.alarm-event/1",
}
"""Kind of a publication: the name and version of its schema."""


def publication(entry: Entry, *, now: datetime, evidence_url: str = "") -> Publication:
    """The entry as the world reads it.

    ``now``: UTC; a record published more than 10 s after its creation is marked ``isHistorical``.
    ``evidence_url`` is put before the picture's path.
    """
    match entry.event:
        case Inspection() as event:
            record: OpcNames = _result(event, entry.journal_seq, now, evidence_url)
            kind = "result"
        case Disposal() as event:
            record, kind = _disposal(event, entry.journal_seq, now), "disposal"
        case Review() as event:
            record, kind = _review(event, entry.journal_seq, now), "review/verdict"
        case AlarmEvent() as event:
            record, kind = _alarm(event, entry.journal_seq, now), "alarm/event"
    return Publication(journal_seq=entry.journal_seq, kind=kind, schema=SCHEMAS[kind], payload=record.payload())


def one_shot(inspection: Inspection, *, evidence_url: str = "") -> Json:
    """The record of an inspection that stands in no journal: no journalSeq, partSeq or gateTold."""
    return OneShotRecord(**_shared(inspection, evidence_url) | {"is_simulated": True}).payload()


def utc_text(at: datetime) -> str:
    """RFC 3339 with ``Z`` and microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _old(created: datetime, now: datetime) -> bool:
    return now - created > HISTORICAL_AFTER


def _result(event: Inspection, journal_seq: int, now: datetime, evidence_url: str) -> ResultRecord:
    return ResultRecord(
        **_shared(event, evidence_url),
        journal_seq=journal_seq,
        series=event.part.series,
        part_seq=event.part.part_seq,
        gate_told=event.gate_told.value,
        is_historical=_old(event.created_utc, now),
    )


def _shared(event: Inspection, evidence_url: str) -> Json:
    timings = event.timings
    return {
        "result_id": str(event.result_id),
        "is_partial": False,
        "is_simulated": event.simulated,
        "result_state": _result_state(event.verdict),
        "result_evaluation": EVALUATION[event.verdict.outcome],
        "meas_id": f"{event.station}/{event.part.series}/{event.part.part_seq}",
        "part_id": event.part.serial,
        "job_id": str(event.recipe.job),
        "product_id": event.recipe.name,
        "internal_recipe_id": event.recipe.sha256,
        "external_recipe_id": event.recipe.name,
        "internal_configuration_id": event.settings_sha256,
        "creation_time": utc_text(event.created_utc),
        "processing_times": ProcessingTimes(
            start_time=utc_text(event.opened_utc),
            end_time=utc_text(event.created_utc),
            acquisition_duration=timings.grab,
            processing_duration=max(0.0, timings.total - timings.grab),
        ),
        "result_content": _content(event, evidence_url),
        "station": event.station,
        "attempt": event.attempt,
        "clock_synced": event.clock_synced,
    }


def _result_state(verdict: Verdict) -> int:
    """Whether the processing went well, apart from whether the part is good.

    A recipe's own UNDECIDED is a completed result; a law of the house (late, overrun, missed ...) says that
    something kept us from judging.
    """
    rule = verdict.decision.rule
    if verdict.outcome is not Outcome.UNDECIDED or not rule.startswith("law."):
        return COMPLETED
    return ABORTED if rule.startswith(ABORTED_BY) else FAILED


def _content(event: Inspection, evidence_url: str) -> ContentRecord:
    verdict, camera, timings = event.verdict, event.camera, event.timings
    decision = verdict.decision
    return ContentRecord(
        outcome=verdict.outcome.name,
        severity_score=_finite(verdict.severity_score),
        reason=verdict.reason,
        rule=RuleRecord(
            id=decision.rule,
            measured=_finite(decision.measured),
            limit=_finite(decision.limit),
            unit=decision.unit,
        ),
        defects=tuple(_defect(defect) for defect in verdict.defects),
        model=ModelRecord(
            name=event.model.name,
            version=event.model.version,
            sha256=event.model.sha256,
            runtime=event.model.runtime,
        ),
        recipe=RecipeRecord(name=event.recipe.name, revision=event.recipe.sha256[:12], sha256=event.recipe.sha256),
        image=_image(event.evidence, evidence_url),
        image_note=event.evidence_note,
        timings_ms=TimingsRecord(
            grab=timings.grab,
            preprocess=timings.preprocess,
            infer=timings.infer,
            decode=timings.decode,
            judge=timings.judge,
            gate=timings.gate,
            total=timings.total,
        ),
        traceability=TraceRecord(
            camera_serial=camera.serial if camera else "",
            exposure_us=camera.exposure_us if camera else None,
            gain_db=camera.gain_db if camera else None,
            scale_id=event.scale_id,
            scale_due=event.scale_due,
            software=event.software,
            lot=event.part.lot,
            shift=event.shift,
            encoder=event.encoder,
        ),
    )


def _defect(defect: Defect) -> DefectRecord:
    seen = defect.detection
    box = seen.box
    return DefectRecord(
        class_=seen.label,
        severity=defect.severity.value,
        score=seen.score,
        sure=defect.sure,
        bbox_px=(box.x, box.y, box.width, box.height),
        polygon_px=seen.outline.corners if seen.outline else None,
        length_mm=_finite(defect.length_mm),
        width_mm=_finite(defect.width_mm),
        area_mm2=_finite(defect.area_mm2),
        rule_id=defect.rule,
    )


def _image(evidence: EvidenceRef | None, evidence_url: str) -> ImageRecord | None:
    if evidence is None:
        return None
    return ImageRecord(
        ref=evidence_url + evidence.path,
        sha256=evidence.sha256,
        width=evidence.width,
        height=evidence.height,
        lossless=evidence.lossless,
        crops=tuple(evidence_url + crop for crop in evidence.crops),
    )


def _disposal(event: Disposal, journal_seq: int, now: datetime) -> DisposalRecord:
    return DisposalRecord(
        journal_seq=journal_seq,
        station=event.station,
        series=event.part.series,
        part_seq=event.part.part_seq,
        part_id=event.part.serial,
        lot=event.part.lot,
        commanded=event.commanded,
        confirmed=event.confirmed,
        bin=event.bin,
        creation_time=utc_text(event.at_utc),
        is_historical=_old(event.at_utc, now),
    )


def _review(event: Review, journal_seq: int, now: datetime) -> ReviewRecord:
    return ReviewRecord(
        journal_seq=journal_seq,
        result_id=str(event.result_id),
        reviewer=event.reviewer,
        opinion=event.opinion.value,
        true_outcome=event.true_outcome,
        reason=event.reason,
        comment=event.comment,
        second=event.second,
        signed=event.signed,
        withdraws=event.withdraws,
        corrections=tuple(
            CorrectionRecord(
                class_=mark.label,
                bbox_px=(mark.box.x, mark.box.y, mark.box.width, mark.box.height),
                defect=mark.defect,
            )
            for mark in event.corrections
        ),
        corrected=event.corrected,
        creation_time=utc_text(event.at_utc),
        is_historical=_old(event.at_utc, now),
    )


def _alarm(event: AlarmEvent, journal_seq: int, now: datetime) -> AlarmEventRecord:
    return AlarmEventRecord(
        journal_seq=journal_seq,
        station=event.station,
        code=event.code,
        action=event.action,
        text=event.text,
        details=event.details,
        creation_time=utc_text(event.at_utc),
        is_historical=_old(event.at_utc, now),
    )


def _finite(value: float | None) -> float | None:
    """JSON knows no NaN and no infinity: they are published as null."""
    return value if value is not None and isfinite(value) else None
