"""How nouns of the domain stand in rows: times as UTC microseconds, "" as NULL where an index skips it, NaN as NULL."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box, Polygon
from inspector.domain.inspection import (
    AlarmEvent,
    Disposal,
    Inspection,
    Mark,
    ModelStamp,
    OpenedPart,
    RecipeStamp,
    Review,
)
from inspector.domain.request import Answer
from inspector.domain.verdict import Defect

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LAST_NUMBER = 2**63 - 1
"""The highest that SQLite counts to."""

Row = dict[str, Any]


class Columns(Protocol):
    """A row as it was read, or as it is about to be written."""

    def __getitem__(self, name: str, /) -> Any: ...


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 UTC; a moment without a time zone is refused (TypeError)."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The moment in UTC."""
    return EPOCH + microseconds * _MICROSECOND


def text_of(words: str) -> str:
    """The words as SQLite can hold them: lone surrogates (garbage from a device) become escapes."""
    return words if words.isascii() else words.encode("utf-8", "backslashreplace").decode("utf-8")


def named(words: str) -> str | None:
    """NULL for "": partial indexes then skip parts that carry no serial or lot."""
    return text_of(words) or None


def real(value: float) -> float | None:
    """A float of Python (numpy's are not SQLite's); NaN, which SQLite cannot hold, is NULL."""
    number = float(value)
    return None if math.isnan(number) else number


def maybe_real(value: float | None) -> float | None:
    """As ``real``, for what may be absent."""
    return None if value is None else real(value)


def maybe_int(value: int | None) -> int | None:
    """An int of Python, or nothing."""
    return None if value is None else int(value)


def detections_text(detections: Sequence[Detection]) -> str:
    """Detections as JSON, complete: rules can be replayed from it without pixels."""
    return json.dumps([_detection_row(detection) for detection in detections], separators=(",", ":"))


def detections_from(content: str) -> tuple[Detection, ...]:
    """The detections that ``detections_text`` wrote."""
    return tuple(_detection(row) for row in json.loads(content))


CLEARED = "{}"
"""Corrections that left no defect: no marks, yet not the "[]" of nothing corrected. Older programs read no marks."""


def marks_text(marks: Sequence[Mark], *, cleared: bool = False) -> str:
    """What a person marked, as JSON."""
    if cleared and not marks:
        return CLEARED
    return json.dumps([_mark_row(mark) for mark in marks], separators=(",", ":"))


def marks_from(content: str) -> tuple[Mark, ...]:
    """The marks that ``marks_text`` wrote; of rows of schema 0001, whole detections, class and box are read."""
    return tuple(_mark(row) for row in json.loads(content))


def _mark_row(mark: Mark) -> Row:
    box = [float(mark.box.x), float(mark.box.y), float(mark.box.width), float(mark.box.height)]
    return {"label": mark.label, "box": box} | ({} if mark.defect is None else {"defect": mark.defect})


def _mark(row: Mapping[str, Any]) -> Mark:
    x, y, width, height = row["box"]
    return Mark(label=row["label"], box=Box(x=x, y=y, width=width, height=height), defect=row.get("defect"))


def _detection_row(seen: Detection) -> Row:
    row: Row = {
        "label": seen.label,
        "score": float(seen.score),
        "box": [float(seen.box.x), float(seen.box.y), float(seen.box.width), float(seen.box.height)],
        "length_px": float(seen.length_px),
        "width_px": float(seen.width_px),
        "area_px": float(seen.area_px),
    }
    if seen.outline is not None:
        row["outline"] = [[float(x), float(y)] for x, y in seen.outline.corners]
    return row


def _detection(row: Mapping[str, Any]) -> Detection:
    x, y, width, height = row["box"]
    outline = row.get("outline")
    return Detection(
        label=row["label"],
        score=row["score"],
        box=Box(x=x, y=y, width=width, height=height),
        length_px=row["length_px"],
        width_px=row["width_px"],
        area_px=row["area_px"],
        outline=None if outline is None else Polygon(corners=tuple((cx, cy) for cx, cy in outline)),
    )


def setup_row(recipe: RecipeStamp, model: ModelStamp, settings_sha256: str) -> Row:
    """Under which recipe, model and settings a part was looked at; stored once for all parts that share it."""
    return {
        "recipe_name": text_of(recipe.name),
        "recipe_sha256": recipe.sha256,
        "recipe_job": int(recipe.job),
        "model_name": text_of(model.name),
        "model_version": text_of(model.version),
        "model_sha256": model.sha256,
        "model_runtime": text_of(model.runtime),
        "settings_sha256": settings_sha256,
    }


def part_row(opened: OpenedPart, setup_id: int) -> Row:
    """A part at its trigger."""
    return {
        "station": opened.station,
        "series": int(opened.part.series),
        "part_seq": int(opened.part.part_seq),
        "serial": named(opened.part.serial),
        "lot": named(opened.part.lot),
        "opened_us": to_us(opened.opened_utc),
        "opened_at": float(opened.opened_at),
        "encoder": maybe_int(opened.encoder),
        "setup_id": setup_id,
    }


def part_row_of(inspection: Inspection, setup_id: int) -> Row:
    """A part whose opening never reached the book, from its Inspection: the moment it was opened at is unknown."""
    return {
        "station": inspection.station,
        "series": int(inspection.part.series),
        "part_seq": int(inspection.part.part_seq),
        "serial": named(inspection.part.serial),
        "lot": named(inspection.part.lot),
        "opened_us": to_us(inspection.opened_utc),
        "opened_at": None,
        "encoder": maybe_int(inspection.encoder),
        "setup_id": setup_id,
    }


def inspection_row(born: Inspection, *, journal_seq: int, part_id: int, setup_id: int) -> Row:
    """An Inspection but for its part, setup, detections and defects, which stand in rows of their own."""
    verdict, decision = born.verdict, born.verdict.decision
    return {
        "journal_seq": journal_seq,
        "part_id": part_id,
        "setup_id": setup_id,
        "result_id": str(born.result_id),
        "serial": named(born.part.serial),
        "lot": named(born.part.lot),
        "attempt": int(born.attempt),
        "encoder": maybe_int(born.encoder),
        "opened_us": to_us(born.opened_utc),
        "created_us": to_us(born.created_utc),
        "outcome": int(verdict.outcome),
        "reason": text_of(verdict.reason),
        "rule": text_of(decision.rule),
        "measured": real(decision.measured),
        "limit_value": real(decision.limit),
        "unit": text_of(decision.unit),
        "severity_score": real(verdict.severity_score),
        "gate_told": born.gate_told.value,
        "scale_id": text_of(born.scale_id),
        "scale_due": text_of(born.scale_due),
        "evidence_note": text_of(born.evidence_note),
        "kept_probability": float(born.kept_probability),
        "clock_synced": int(born.clock_synced),
        "simulated": int(born.simulated),
        "shift": text_of(born.shift),
        "software": text_of(born.software),
        **_timings_columns(born),
        **_camera_columns(born),
        **_evidence_columns(born),
    }


def _timings_columns(born: Inspection) -> Row:
    spent = born.timings
    return {
        "grab_ms": real(spent.grab),
        "preprocess_ms": real(spent.preprocess),
        "infer_ms": real(spent.infer),
        "decode_ms": real(spent.decode),
        "judge_ms": real(spent.judge),
        "gate_ms": real(spent.gate),
        "total_ms": real(spent.total),
    }


def _camera_columns(born: Inspection) -> Row:
    camera = born.camera
    return {
        "camera_serial": None if camera is None else text_of(camera.serial),
        "exposure_us": None if camera is None else maybe_real(camera.exposure_us),
        "gain_db": None if camera is None else maybe_real(camera.gain_db),
    }


def _evidence_columns(born: Inspection) -> Row:
    kept = born.evidence
    return {
        "evidence_path": None if kept is None else text_of(kept.path),
        "evidence_sha256": None if kept is None else kept.sha256,
        "evidence_width": None if kept is None else int(kept.width),
        "evidence_height": None if kept is None else int(kept.height),
        "evidence_lossless": None if kept is None else int(kept.lossless),
        "evidence_crops": None if kept is None or not kept.crops else json.dumps(list(kept.crops)),
    }


def defect_rows(defects: Sequence[Defect], detections: Sequence[Detection], journal_seq: int) -> list[Row]:
    """Defects in order; each points at the detection it judged, or carries it where that is not in the list."""
    return [_defect_row(judged, detections, journal_seq, position) for position, judged in enumerate(defects)]


def _defect_row(judged: Defect, detections: Sequence[Detection], journal_seq: int, position: int) -> Row:
    seen = detections.index(judged.detection) if judged.detection in detections else None
    return {
        "journal_seq": journal_seq,
        "position": position,
        "label": text_of(judged.detection.label),
        "severity": judged.severity.value,
        "weight": float(judged.weight),
        "sure": int(judged.sure),
        "rule": text_of(judged.rule),
        "score": float(judged.detection.score),
        "length_mm": maybe_real(judged.length_mm),
        "width_mm": maybe_real(judged.width_mm),
        "area_mm2": maybe_real(judged.area_mm2),
        "seen": seen,
        "detection": detections_text([judged.detection]) if seen is None else None,
    }


def disposal_row(done: Disposal, journal_seq: int) -> Row:
    """What became of the metal."""
    return {
        "journal_seq": journal_seq,
        "station": done.station,
        "series": int(done.part.series),
        "part_seq": int(done.part.part_seq),
        "serial": named(done.part.serial),
        "lot": named(done.part.lot),
        "commanded": text_of(done.commanded),
        "confirmed": None if done.confirmed is None else int(done.confirmed),
        "bin": text_of(done.bin),
        "at_us": to_us(done.at_utc),
    }


def review_row(signed: Review, journal_seq: int) -> Row:
    """A person's second record."""
    return {
        "journal_seq": journal_seq,
        "result_id": str(signed.result_id),
        "reviewer": text_of(signed.reviewer),
        "opinion": signed.opinion.value,
        "true_outcome": text_of(signed.true_outcome),
        "reason": text_of(signed.reason),
        "at_us": to_us(signed.at_utc),
        "corrections": marks_text(signed.corrections, cleared=signed.cleared),
        "comment": text_of(signed.comment),
        "second": int(signed.second),
        "signed": int(signed.signed),
        "withdraws": signed.withdraws,
    }


def alarm_row(alarm: AlarmEvent, journal_seq: int) -> Row:
    """An alarm raised, acknowledged or cleared."""
    return {
        "journal_seq": journal_seq,
        "code": text_of(alarm.code),
        "station": alarm.station,
        "action": text_of(alarm.action),
        "text": text_of(alarm.text),
        "at_us": to_us(alarm.at_utc),
        "details": json.dumps(alarm.details, sort_keys=True),
    }


def answer_row(answer: Answer) -> Row:
    """What a line says of a request."""
    return {
        "request_id": answer.request,
        "state": answer.state.value,
        "text": text_of(answer.text),
        "figures": json.dumps(dict(answer.figures)),
        "at_us": to_us(answer.at_utc),
    }
