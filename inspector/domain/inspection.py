"""The record of a part: born complete, never changed."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import UUID

from inspector.domain.detection import Detection
from inspector.domain.frame import CameraStamp, PartId
from inspector.domain.geometry import Box
from inspector.domain.verdict import Verdict


class GateTold(Enum):
    """What the gate was told of a part. NOTHING: the PLC's default acted (missed, late, dry gate)."""

    NOTHING = "nothing"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    UNKNOWN = "unknown"


class OpcState(Enum):
    """States of OPC 40100-1 that a station can be in."""

    PREOPERATIONAL = "Preoperational"
    HALTED = "Halted"
    ERROR = "Error"
    INITIALIZED = "Initialized"
    READY = "Ready"
    SINGLE_EXECUTION = "SingleExecution"
    CONTINUOUS_EXECUTION = "ContinuousExecution"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStamp:
    """Which model looked: name, version, sha256 of the ONNX file, and the runtime that ran it."""

    name: str
    version: str
    sha256: str
    runtime: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeStamp:
    """Which recipe judged: name and sha256 of its text (its immutable revision)."""

    name: str
    sha256: str
    job: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Milliseconds spent in each stage; ``total`` runs from the trigger to the gate."""

    grab: float = 0.0
    preprocess: float = 0.0
    infer: float = 0.0
    decode: float = 0.0
    judge: float = 0.0
    gate: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    """Where a part's picture stands: path relative to the evidence folder, sha256 of the file, size in px."""

    path: str
    sha256: str
    width: int
    height: int
    lossless: bool
    crops: tuple[str, ...] = ()

    @property
    def heat(self) -> str:
        """Where the model's map of the part stands, if it gave one: beside the picture, "<name>_heat.png"."""
        folder, slash, file = self.path.rpartition("/")
        return f"{folder}{slash}{file.split('.')[0]}_heat.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPart:
    """A part at its trigger: what is known before anything was judged."""

    part: PartId
    station: str
    opened_utc: datetime
    opened_at: float
    encoder: int | None = None
    recipe: RecipeStamp
    model: ModelStamp
    settings_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What became of one part. Complete when it is born: no field is filled in later.

    ``kept_probability``: for a good part whose picture was kept, the probability with which it was sampled
    (1.0 for every FAIL and UNDECIDED); 0.0 where no picture was kept. ``attempt`` counts how often this
    serial came. ``evidence_note`` says why there is no picture where there should be one.
    """

    result_id: UUID
    part: PartId
    station: str
    verdict: Verdict
    detections: tuple[Detection, ...]
    gate_told: GateTold
    recipe: RecipeStamp
    model: ModelStamp
    settings_sha256: str
    created_utc: datetime
    opened_utc: datetime
    timings: Timings
    software: str
    attempt: int = 1
    camera: CameraStamp | None = None
    scale_id: str = ""
    scale_due: str = ""
    evidence: EvidenceRef | None = None
    evidence_note: str = ""
    kept_probability: float = 0.0
    clock_synced: bool = False
    simulated: bool = False
    shift: str = ""
    encoder: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposal:
    """What became of the metal: commanded by us or by the PLC's default, confirmed by a sensor or not."""

    part: PartId
    station: str
    commanded: str
    confirmed: bool | None
    bin: str
    at_utc: datetime


class Opinion(Enum):
    """What a reviewer says of the machine's verdict. WITHDRAWN: of a review, that it was a slip; it counts no more."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNSURE = "unsure"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A defect as a person sees it: class and box in frame pixels.

    ``defect``: which of the machine's it continues, by its position in the verdict; None: the machine missed it.
    """

    label: str
    box: Box
    defect: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A person's second record of a part. It never rewrites the first, nor what the PLC was told.

    ``true_outcome``: PASS or FAIL, what the part is; "" where it cannot be said. ``reason``: the site's reason code.
    ``corrections``: all defects as the person sees them, where anything was corrected; a defect of the machine that
    no mark continues is a false call. Empty: nothing was corrected, unless ``cleared``: all were taken off as none.
    ``second``: signed though the part had been reviewed, by another person. ``signed``: the password was entered
    again for it. ``withdraws``: number in the journal of the review that a WITHDRAWN one takes back.
    """

    result_id: UUID
    reviewer: str
    opinion: Opinion
    true_outcome: str
    reason: str
    at_utc: datetime
    corrections: tuple[Mark, ...] = ()
    cleared: bool = False
    comment: str = ""
    second: bool = False
    signed: bool = False
    withdraws: int | None = None

    @property
    def corrected(self) -> bool:
        """Whether the corrections say all defects that there are, none where there are no corrections."""
        return self.cleared or bool(self.corrections)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEvent:
    """What happened to an alarm.

    ``action``: raised, acknowledged, shelved (``details["until"]``), unshelved or cleared; ``details["by"]``: by whom.
    """

    code: str
    station: str
    action: str
    text: str
    at_utc: datetime
    details: dict[str, str] = field(default_factory=dict)


def uuid7(unix_ms: int, random_bits: int) -> UUID:
    """A UUID of version 7 (RFC 9562 §5.7) from a Unix time in ms and 74 random bits; pure."""
    value = (unix_ms & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= ((random_bits >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random_bits & ((1 << 62) - 1)
    return UUID(int=value)
