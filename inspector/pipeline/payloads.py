"""The published payloads, field by field: what a subscriber may rely on.

Keys of the outer records are those of OPC 40100-1 (resultId, creationTime) and ours in the same writing; what stands
under ``resultContent`` keeps our own writing (severity_score, length_mm).
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Json = dict[str, Any]


class OpcNames(BaseModel):
    """Keys in the writing of OPC 40100-1: resultId, creationTime."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    def payload(self) -> Json:
        """JSON-ready, with the published keys."""
        return self.model_dump(mode="json", by_alias=True)


class OurNames(BaseModel):
    """Keys in our own writing: severity_score, length_mm."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class RuleRecord(OurNames):
    """The rule that decided, what it measured, and its limit."""

    id: str
    measured: float | None
    limit: float | None
    unit: str


class DefectRecord(OurNames):
    """One judged defect. Boxes are [left, top, width, height] in frame pixels."""

    class_: str = Field(serialization_alias="class")
    severity: str
    score: float
    sure: bool = Field(description="False: it lies in the recipe's doubtful band")
    bbox_px: tuple[float, float, float, float]
    polygon_px: tuple[tuple[float, float], ...] | None
    length_mm: float | None
    width_mm: float | None
    area_mm2: float | None
    rule_id: str


class ModelRecord(OurNames):
    """Which model looked."""

    name: str
    version: str
    sha256: str
    runtime: str


class RecipeRecord(OurNames):
    """Which recipe judged; ``revision`` is the short form of its sha256."""

    name: str
    revision: str
    sha256: str


class ImageRecord(OurNames):
    """Where the picture stands and how to know that it is the right one."""

    ref: str
    sha256: str
    width: int
    height: int
    lossless: bool
    crops: tuple[str, ...]


class TimingsRecord(OurNames):
    """Milliseconds by stage; total runs from the trigger to the gate."""

    grab: float
    preprocess: float
    infer: float
    decode: float
    judge: float
    gate: float
    total: float


class TraceRecord(OurNames):
    """How the picture was taken. None: this camera cannot tell."""

    camera_serial: str
    exposure_us: float | None
    gain_db: float | None
    scale_id: str
    scale_due: str
    software: str
    lot: str
    shift: str
    encoder: int | None


class ContentRecord(OurNames):
    """What was found and by which rule it was judged."""

    outcome: str = Field(description="PASS, FAIL or UNDECIDED")
    severity_score: float | None
    reason: str
    rule: RuleRecord
    defects: tuple[DefectRecord, ...]
    model: ModelRecord
    recipe: RecipeRecord
    image: ImageRecord | None
    image_note: str = Field(description="why there is no picture where there should be one")
    timings_ms: TimingsRecord
    traceability: TraceRecord


class ProcessingTimes(OpcNames):
    """OPC 40100-1 ProcessingTimesDataType; durations in milliseconds."""

    start_time: str
    end_time: str
    acquisition_duration: float
    processing_duration: float


class OneShotRecord(OpcNames):
    """A result that no line made: an inspection of a file. OPC 40100-1 ResultType."""

    result_id: str
    is_partial: bool
    is_simulated: bool
    result_state: int = Field(ge=0, le=4)
    result_evaluation: int = Field(ge=0, le=3)
    meas_id: str
    part_id: str
    job_id: str
    product_id: str
    internal_recipe_id: str
    external_recipe_id: str
    internal_configuration_id: str
    creation_time: str
    processing_times: ProcessingTimes
    result_content: ContentRecord
    station: str
    attempt: int = Field(ge=1)
    clock_synced: bool


class ResultRecord(OneShotRecord):
    """A result of the line: what became of one part."""

    journal_seq: int = Field(ge=1)
    series: int
    part_seq: int
    gate_told: str
    is_historical: bool


class DisposalRecord(OpcNames):
    """What became of the metal."""

    journal_seq: int = Field(ge=1)
    station: str
    series: int
    part_seq: int
    part_id: str
    lot: str
    commanded: str
    confirmed: bool | None
    bin: str
    creation_time: str
    is_historical: bool


class CorrectionRecord(OurNames):
    """A class and box as the reviewer sees them."""

    class_: str = Field(serialization_alias="class")
    bbox_px: tuple[float, float, float, float]
    defect: int | None = Field(description="position of the machine's defect that this continues; null: it was missed")


class ReviewRecord(OpcNames):
    """A person's second record of a part."""

    journal_seq: int = Field(ge=1)
    result_id: str
    reviewer: str
    opinion: str
    true_outcome: str
    reason: str
    comment: str
    corrections: tuple[CorrectionRecord, ...] = Field(
        description="all defects as the reviewer sees them; empty: none corrected, or with corrected true none is there"
    )
    corrected: bool = Field(description="the corrections say which defects there are, even where they are empty")
    second: bool = Field(description="another person had reviewed the part before")
    signed: bool = Field(description="the reviewer's password was entered again for it")
    withdraws: int | None = Field(description="opinion withdrawn: journalSeq of the review that is taken back")
    creation_time: str
    is_historical: bool


class AlarmEventRecord(OpcNames):
    """An alarm was raised, acknowledged or cleared."""

    journal_seq: int = Field(ge=1)
    station: str
    code: str
    action: str
    text: str
    details: dict[str, str]
    creation_time: str
    is_historical: bool


class StateRecord(OpcNames):
    """Whether the station lives. Retained, and the Last Will.

    ``ts``: since when this is known; in a Last Will the time at which the publisher connected.
    """

    station: str
    state: Literal["online", "stopped", "offline"]
    opc_state: str = Field(description="state of OPC 40100-1; empty where the line tells none")
    reason: str
    ts: str


class InfoRecord(OpcNames):
    """Which software speaks, and in which schemas. Retained."""

    station: str
    software: str
    schemas: dict[str, str] = Field(description="topic: schema")
    capabilities: tuple[str, ...]
    ts: str


class StatusRecord(OpcNames):
    """The latest of the line's own figures, as the line tells them. Retained."""

    station: str
    ts: str
    values: dict[str, Any]


class HealthRecord(StatusRecord):
    """How the station is, published at every change and at least every 10 s. Retained."""

    lag: int = Field(description="records that stand in the journal and are not yet published here")


class AuditHeadRecord(OpcNames):
    """The last row of the audit chain: keep it, and a chain that was cut off or written anew is found. Retained."""

    station: str
    number: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    ts: str


class BookHeadRecord(AuditHeadRecord):
    """Number and seal of the journal's last entry: keep it, and records that were cut off are found. Retained."""


class AlarmRecord(OpcNames):
    """An alarm that stands. Retained; an empty payload clears it."""

    station: str
    code: str
    text: str
    acknowledged: bool
    details: dict[str, str]
    since: str
