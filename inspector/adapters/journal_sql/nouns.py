"""How rows become nouns of the domain again: whole Inspections in three queries a batch, events in one a kind."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, select
from sqlalchemy.engine import RowMapping

from inspector.adapters.journal_sql import tables
from inspector.adapters.journal_sql.rows import CLEARED, detections_from, from_us, marks_from
from inspector.domain.detection import Detection
from inspector.domain.frame import CameraStamp, PartId
from inspector.domain.inspection import (
    AlarmEvent,
    Disposal,
    EvidenceRef,
    GateTold,
    Inspection,
    ModelStamp,
    OpenedPart,
    Opinion,
    RecipeStamp,
    Review,
    Timings,
)
from inspector.domain.verdict import Decision, Defect, Outcome, Severity, Verdict

_SETUP_COLUMNS = [column for column in tables.setup.c if column.name != "id"]
_WHOLE = (
    select(tables.inspection, tables.part.c.station, tables.part.c.series, tables.part.c.part_seq, *_SETUP_COLUMNS)
    .join(tables.part, tables.part.c.id == tables.inspection.c.part_id)
    .join(tables.setup, tables.setup.c.id == tables.inspection.c.setup_id)
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Rows of a batch of Inspections, read in one short transaction; they are rebuilt after it has ended."""

    rows: Sequence[RowMapping]
    detections: Sequence[RowMapping]
    defects: Sequence[RowMapping]

    def inspections(self) -> list[tuple[int, Inspection]]:
        """Whole Inspections with their journal_seq, in the order they were read."""
        seen = {row["journal_seq"]: detections_from(row["content"]) for row in self.detections}
        judged: dict[int, list[Defect]] = defaultdict(list)
        for row in self.defects:
            number = row["journal_seq"]
            detection = detections_from(row["detection"])[0] if row["seen"] is None else seen[number][row["seen"]]
            judged[number].append(_defect(row, detection))
        numbered = ((row["journal_seq"], row) for row in self.rows)
        return [(at, _inspection(row, seen.get(at, ()), tuple(judged.get(at, ())))) for at, row in numbered]


def fetch(connection: Connection, *where: ColumnElement[bool], newest_first: bool, limit: int) -> Fetched:
    """Read a batch in three queries: newest by the clock first, or in the order of the book."""
    order = tables.part.c.closed_us.desc() if newest_first else tables.inspection.c.journal_seq.asc()
    rows = connection.execute(_WHOLE.where(*where).order_by(order).limit(limit)).mappings().all()
    numbers = [row["journal_seq"] for row in rows]
    if not numbers:
        return Fetched((), (), ())
    seen, judged = tables.detections, tables.defect
    in_order = (judged.c.journal_seq, judged.c.position)
    return Fetched(
        rows,
        connection.execute(select(seen).where(seen.c.journal_seq.in_(numbers))).mappings().all(),
        connection.execute(select(judged).where(judged.c.journal_seq.in_(numbers)).order_by(*in_order))
        .mappings()
        .all(),
    )


def _defect(row: RowMapping, detection: Detection) -> Defect:
    return Defect(
        detection=detection,
        severity=Severity(row["severity"]),
        weight=row["weight"],
        sure=bool(row["sure"]),
        rule=row["rule"],
        length_mm=row["length_mm"],
        width_mm=row["width_mm"],
        area_mm2=row["area_mm2"],
    )


def _inspection(row: RowMapping, seen: tuple[Detection, ...], judged: tuple[Defect, ...]) -> Inspection:
    return Inspection(
        result_id=UUID(row["result_id"]),
        part=part_of(row),
        station=row["station"],
        verdict=_verdict(row, judged),
        detections=seen,
        gate_told=GateTold(row["gate_told"]),
        recipe=recipe_of(row),
        model=model_of(row),
        settings_sha256=row["settings_sha256"],
        created_utc=from_us(row["created_us"]),
        opened_utc=from_us(row["opened_us"]),
        timings=_timings(row),
        software=row["software"],
        attempt=row["attempt"],
        camera=_camera(row),
        scale_id=row["scale_id"],
        scale_due=row["scale_due"],
        evidence=evidence_of(row),
        evidence_note=row["evidence_note"],
        kept_probability=row["kept_probability"],
        clock_synced=bool(row["clock_synced"]),
        simulated=bool(row["simulated"]),
        shift=row["shift"],
        encoder=row["encoder"],
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _verdict(row: RowMapping, judged: tuple[Defect, ...]) -> Verdict:
    return Verdict(
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        decision=decision_of(row),
        defects=judged,
        severity_score=_number(row["severity_score"]),
    )


def decision_of(row: RowMapping) -> Decision:
    """The rule that decided, with its figures."""
    return Decision(
        rule=row["rule"], measured=_number(row["measured"]), limit=_number(row["limit_value"]), unit=row["unit"]
    )


def part_of(row: RowMapping) -> PartId:
    """Which part."""
    return PartId(part_seq=row["part_seq"], series=row["series"], serial=row["serial"] or "", lot=row["lot"] or "")


def recipe_of(row: RowMapping) -> RecipeStamp:
    """Which recipe judged, from a row joined with its setup."""
    return RecipeStamp(name=row["recipe_name"], sha256=row["recipe_sha256"], job=row["recipe_job"])


def model_of(row: RowMapping) -> ModelStamp:
    """Which model looked, from a row joined with its setup."""
    return ModelStamp(
        name=row["model_name"],
        version=row["model_version"],
        sha256=row["model_sha256"],
        runtime=row["model_runtime"],
    )


def _timings(row: RowMapping) -> Timings:
    return Timings(
        grab=_number(row["grab_ms"]),
        preprocess=_number(row["preprocess_ms"]),
        infer=_number(row["infer_ms"]),
        decode=_number(row["decode_ms"]),
        judge=_number(row["judge_ms"]),
        gate=_number(row["gate_ms"]),
        total=_number(row["total_ms"]),
    )


def _camera(row: RowMapping) -> CameraStamp | None:
    if row["camera_serial"] is None:
        return None
    return CameraStamp(serial=row["camera_serial"], exposure_us=row["exposure_us"], gain_db=row["gain_db"])


def evidence_of(row: RowMapping) -> EvidenceRef | None:
    """Where the picture stands; None if none was kept."""
    if row["evidence_path"] is None:
        return None
    return EvidenceRef(
        path=row["evidence_path"],
        sha256=row["evidence_sha256"],
        width=row["evidence_width"],
        height=row["evidence_height"],
        lossless=bool(row["evidence_lossless"]),
        crops=tuple(json.loads(row["evidence_crops"])) if row["evidence_crops"] else (),
    )


def opened_part(row: RowMapping) -> OpenedPart:
    """A part at its trigger, from its row joined with its setup."""
    return OpenedPart(
        part=part_of(row),
        station=row["station"],
        opened_utc=from_us(row["opened_us"]),
        opened_at=_number(row["opened_at"]),
        encoder=row["encoder"],
        recipe=recipe_of(row),
        model=model_of(row),
        settings_sha256=row["settings_sha256"],
    )


def unfinished_query(station: str) -> Select[Any]:
    """Parts of a station opened and never closed, as ``opened_part`` reads them."""
    part = tables.part
    return (
        select(part, *_SETUP_COLUMNS)
        .join(tables.setup, tables.setup.c.id == part.c.setup_id)
        .where(part.c.closed_us.is_(None), part.c.station == station)
        .order_by(part.c.id)
    )


def disposal(row: RowMapping) -> Disposal:
    """What became of the metal."""
    return Disposal(
        part=part_of(row),
        station=row["station"],
        commanded=row["commanded"],
        confirmed=None if row["confirmed"] is None else bool(row["confirmed"]),
        bin=row["bin"],
        at_utc=from_us(row["at_us"]),
    )


def review(row: RowMapping) -> Review:
    """A person's second record."""
    return Review(
        result_id=UUID(row["result_id"]),
        reviewer=row["reviewer"],
        opinion=Opinion(row["opinion"]),
        true_outcome=row["true_outcome"],
        reason=row["reason"],
        at_utc=from_us(row["at_us"]),
        corrections=marks_from(row["corrections"]),
        cleared=row["corrections"] == CLEARED,
        comment=row["comment"],
        second=bool(row["second"]),
        signed=bool(row["signed"]),
        withdraws=row["withdraws"],
    )


def alarm(row: RowMapping) -> AlarmEvent:
    """An alarm raised, acknowledged or cleared."""
    return AlarmEvent(
        code=row["code"],
        station=row["station"],
        action=row["action"],
        text=row["text"],
        at_utc=from_us(row["at_us"]),
        details=json.loads(row["details"]),
    )
