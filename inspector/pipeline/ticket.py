"""What travels with a part from thread to thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inspector.domain.detection import Detection
from inspector.domain.frame import Frame, PartId
from inspector.domain.geometry import Scale
from inspector.domain.inspection import GateTold, ModelStamp, OpenedPart, Timings
from inspector.domain.verdict import Verdict
from inspector.pipeline.activate import RevisionSource
from inspector.pipeline.heat import HeatSource
from inspector.pipeline.part_ids import IdLaw
from inspector.pipeline.pool import Loan
from inspector.pipeline.recipes import ActiveRecipe, RecipeBoard
from inspector.ports.camera import Camera
from inspector.ports.evidence import Evidence, FrameFolder
from inspector.ports.gate import Annunciator, Gate, Panel
from inspector.ports.journal import Archive, Recorder
from inspector.ports.live_picture import LiveStage
from inspector.ports.requests import RequestBook
from inspector.ports.sight import ReferenceBook
from inspector.ports.trigger import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """What is the same for every part of a run, but for ``recipes``: they are changed between two parts.

    ``recipes`` maps the PLC's job numbers; job 0 is the default. ``runtime_choice``: why the models run on what they
    run on, for people. ``camera_sha256``: of the settings of its camera. ``min_pitch_s``: triggers closer than this are
    one part counted twice; 0: none are. ``stop_after_rejects``: parts in a row that did not pass, after which the belt
    is asked to stop; 0: never. ``part_ids``: what the ids of parts that the PLC counts must be.
    """

    name: str
    software: str
    settings_sha256: str
    deadline_s: float
    grab_timeout_s: float
    echo_timeout_s: float
    recipes: RecipeBoard
    scale: Scale | None
    simulated: bool
    shift_of: Callable[[datetime], str]
    clock_synced: Callable[[], bool]
    camera_sha256: str = ""
    runtime_choice: str = ""
    min_pitch_s: float = 0.0
    stop_after_rejects: int = 0
    part_ids: IdLaw = IdLaw.UNIQUE

    @property
    def model(self) -> ModelStamp:
        """The model of the default recipe."""
        return self.recipes[0].model


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """Everything of the outside world that one line holds open.

    ``attempts``: how often a serial has come, this time included. ``flush`` waits until everything given to the
    recorder so far is committed. ``take_lost`` gives, once each, parts whose Inspection a full queue kept out of the
    book. ``requests``: what other processes ask; ``collect_into`` makes an empty folder for collected frames.
    ``references``: what the camera showed at the set-up. ``revisions``: where another revision of a recipe comes from;
    None: recipes cannot be changed while the line runs.
    ``panel``: the words between station and PLC, where the gate has any. ``live``: where people see the newest frame.
    """

    trigger: Trigger
    camera: Camera
    gate: Gate
    annunciator: Annunciator
    recorder: Recorder
    archive: Archive
    evidence: Evidence
    attempts: Callable[[str], int]
    flush: Callable[[float], bool]
    take_lost: Callable[[], Sequence[PartId]]
    requests: RequestBook
    collect_into: Callable[[Path], FrameFolder]
    references: ReferenceBook
    panel: Panel | None = None
    revisions: RevisionSource | None = None
    live: LiveStage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A part that was opened: it must end in one Inspection. ``deadline``: monotonic seconds.

    ``epoch``: which agreement of the counters it belongs to; a part of an older one is never judged.
    """

    opened: OpenedPart
    recipe: ActiveRecipe
    deadline: float
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A part with its picture, on its way to be looked at."""

    ticket: Ticket
    frame: Frame
    loan: Loan
    grab_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A part whose verdict stands and was told (or could not be), on its way into the book.

    ``told``: NOTHING: nobody tried to tell; SENT: the gate took it; UNKNOWN: telling failed on the way.
    ``wanted``: with UNKNOWN, the verdict that was on the way: it stands if the gate's echo shows that it arrived.
    ``frame`` and ``loan`` are None where there is no picture; ``heat`` is of this frame, and goes when it goes.
    """

    ticket: Ticket
    verdict: Verdict
    detections: tuple[Detection, ...]
    timings: Timings
    told: GateTold
    wanted: Verdict | None = None
    frame: Frame | None = None
    loan: Loan | None = None
    heat: HeatSource | None = None
