"""Ordinary small stand-ins for the outside world, scripted, that keep what they were told."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain.detection import Detection
from inspector.domain.errors import DeviceError, InspectorError, JournalError
from inspector.domain.frame import MOST_UNSEEN, CameraStamp, Capture, Frame, PartId, PixelFormat, Pixels
from inspector.domain.geometry import Box, Scale
from inspector.domain.inspection import (
    AlarmEvent,
    Disposal,
    EvidenceRef,
    GateTold,
    Inspection,
    ModelStamp,
    OpenedPart,
    RecipeStamp,
)
from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.request import Answer, Request
from inspector.domain.verdict import Defect, Outcome, Verdict
from inspector.pipeline.recipes import ActiveRecipe, RecipeBoard
from inspector.pipeline.ticket import Station
from inspector.ports.camera import CameraInfo
from inspector.ports.gate import Confirmation, LineState, LinkHealth, PassRefusedError, PlcWish
from inspector.ports.journal import JournalHealth, Series
from inspector.ports.model import InputSpec, ModelCard, OutputSpec, TileOutput
from inspector.ports.sight import Learned
from inspector.ports.trigger import TriggerEvent, TriggerPosition

SIDE = 64
PATIENCE_S = 20.0


def wait_until(true: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Look every millisecond until it is true; False if it did not become so."""
    pause, until = threading.Event(), time.monotonic() + patience_s
    while not true():
        if time.monotonic() >= until:
            return False
        pause.wait(0.001)
    return True


class FakeRecorder:
    """A book in memory. ``refuse_open`` and ``refuse_close``: numbers of parts that it does not take."""

    def __init__(self) -> None:
        self.opened: list[OpenedPart] = []
        self.closed: list[Inspection] = []
        self.notes: list[AlarmEvent | Disposal | Answer] = []
        self.refuse_open: set[int] = set()
        self.refuse_close: set[int] = set()

    def open(self, opened: OpenedPart) -> None:
        if opened.part.part_seq in self.refuse_open:
            raise JournalError("the disk is full")
        self.opened.append(opened)

    def close(self, inspection: Inspection) -> None:
        if inspection.part.part_seq in self.refuse_close:
            raise JournalError("the disk is full")
        self.closed.append(inspection)

    def answers(self, number: int) -> list[Answer]:
        return [note for note in self.notes if isinstance(note, Answer) and note.request == number]

    def note(self, event: AlarmEvent | Disposal | Answer) -> None:
        self.notes.append(event)

    def health(self) -> JournalHealth:
        return JournalHealth(waiting=0, lost=0, error="")

    def alarms(self) -> set[str]:
        return {event.code for event in self.notes if isinstance(event, AlarmEvent) and event.action == "raised"}

    def of(self, part_seq: int, series: int = 1) -> Inspection:
        """The one Inspection of this part."""
        (only,) = [i for i in self.closed if (i.part.series, i.part.part_seq) == (series, part_seq)]
        return only


class FakeReferences:
    """References in memory. ``refuse``: the disk does not take them."""

    def __init__(self) -> None:
        self.kept: dict[str, Learned] = {}
        self.refuse = False

    def read(self, recipe: str) -> Learned | None:
        return self.kept.get(recipe)

    def keep(self, learned: Learned) -> None:
        if self.refuse:
            raise JournalError("the disk is full")
        self.kept[learned.setup.recipe] = learned


class FakeRequests:
    """Requests in memory. ``ask`` is what another process would do."""

    def __init__(self) -> None:
        self.all: list[Request] = []
        self.left: list[Request] = []
        self.refuse = False

    def newest(self) -> int:
        if self.refuse:
            raise JournalError("the disk is gone")
        return max((request.number for request in self.left), default=0)

    def asked(self, after: int) -> Sequence[Request]:
        return [request for request in self.all if request.number > after]

    def unanswered(self) -> Sequence[Request]:
        return self.left

    def ask(self, kind: str, content: Mapping[str, Any]) -> int:
        self.all.append(request(len(self.all) + 101, kind, content))
        return self.all[-1].number


def request(number: int, kind: str, content: Mapping[str, Any]) -> Request:
    return Request(
        number=number, station="left", kind=kind, content=content, asked_by="test", asked_utc=datetime.now(UTC)
    )


class FakeArchive:
    """Knows one series, and starts a new one wherever the counter went back or jumped."""

    def __init__(
        self, *, last_seq: int = 0, unfinished: Sequence[OpenedPart] = (), alarms: Mapping[str, str] | None = None
    ) -> None:
        self._alarms = alarms or {}
        self._series = Series(series=1, first_seq=0, last_seq=last_seq)
        self._unfinished = unfinished

    def revision(self, kind: str, name: str, content: str) -> str:
        return f"{kind}/{name}/{len(content)}"

    def standing_alarms(self) -> Mapping[str, str]:
        return self._alarms

    def never_opened(self) -> Sequence[PartId]:
        return ()

    def unfinished(self) -> Sequence[OpenedPart]:
        return self._unfinished

    def resume(self, counter: int, at: datetime, *, echo_seq: int | None = None, restarted: bool = False) -> Series:
        if counter < self._series.last_seq or at is None or restarted:
            self._series = Series(series=self._series.series + 1, first_seq=0, last_seq=0)
        elif counter - self._series.last_seq > MOST_UNSEEN:
            self._series = Series(series=self._series.series + 1, first_seq=counter - 1, last_seq=counter - 1)
        elif self._series.series == 1 and counter and not self._series.last_seq:
            self._series = Series(series=1, first_seq=counter, last_seq=counter)
        return self._series

    def reached(self, part_seq: int) -> None:
        """The book now ends with this part."""
        self._series = Series(series=self._series.series, first_seq=0, last_seq=part_seq)


class FakeTrigger:
    """Counts the given parts, then stops the line.

    ``before``: called with each event's number before it is given; the default waits until the book has closed
    all parts before it. ``pitch_s``: parts lie that far apart on a clock of their own; 0: now. An exception among
    the events is raised in its turn. ``counted_at`` tells when each part came.
    """

    counted_by = "plc"

    def __init__(
        self,
        events: Iterable[int | TriggerEvent | InspectorError],
        *,
        stop: threading.Event,
        recorder: FakeRecorder,
        pitch_s: float = 0.0,
        paced: bool = True,
        position: TriggerPosition | None = None,
    ) -> None:
        self._events = list(events)
        self._stop = stop
        self._recorder = recorder
        self._pitch_s = pitch_s
        self._paced = paced
        self._position = position or TriggerPosition(part_seq=0)
        self._begun = time.monotonic()
        self.counted_at: dict[int, float] = {}
        self.before: Callable[[int], None] = lambda _: None
        self.first_after = 0.0
        self.idle_until: Callable[[], bool] = lambda: True
        self.given = 0

    def position(self, timeout_s: float) -> TriggerPosition:
        self._begun = time.monotonic()
        return self._position

    def wait(self, timeout_s: float) -> TriggerEvent | None:
        recorder = self._recorder
        settled = self._paced or not self._events
        if settled and not wait_until(lambda: len(recorder.closed) >= len(recorder.opened), timeout_s):
            return None
        if not self._events:
            self._stop.set()
            return None
        if self.given and not self.idle_until():
            self._stop.wait(min(timeout_s, 0.02))
            return None
        event = self._events.pop(0)
        if isinstance(event, InspectorError):
            raise event
        self.given += 1
        self.before(event if isinstance(event, int) else event.part_seq)
        if isinstance(event, int):
            last = max(self.counted_at.values(), default=self._begun + self.first_after)
            spaced = last + 2 * WINDOW_S if self.first_after else max(time.monotonic(), last + 2 * WINDOW_S)
            wait_until(lambda: self._pitch_s > 0 or time.monotonic() >= spaced)
            at = self._begun + self._pitch_s * self.given if self._pitch_s else spaced
            event = TriggerEvent(part_seq=event, at=at)
        self.counted_at[event.part_seq] = event.at
        return event


WINDOW_S = 0.001
"""Without a clock of its own a fake picture is taken exactly when its part is counted, however busy the machine is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One exposure: the part it shows, whether that part is bad, and the camera's own number (None: it has none).

    ``at``: when it was taken, in pitches after the start; None: when its part was there.
    """

    part_seq: int
    bad: bool = False
    frame_no: int | None = None
    at: float | None = None


class FakeCamera:
    """Gives scripted exposures; an exception among them is raised in its turn. The part's number is in the picture."""

    def __init__(self, shots: Iterable[Shot | InspectorError], *, paced: bool = True) -> None:
        self._shots = list(shots)
        self._paced = paced
        self.taken_at: Callable[[Shot], float] = lambda _: time.monotonic()
        self.during_grab: Callable[[Shot], None] = lambda _: None
        self.light: Callable[[int], int | None] = lambda _: None
        self.buffers: set[int] = set()
        self.flushed = self.taken = 0

    def describe(self) -> CameraInfo:
        return CameraInfo(
            name="fake",
            serial="1",
            width=SIDE,
            height=SIDE,
            pixel_format=PixelFormat.MONO8,
            counts_frames=True,
            paced=self._paced,
        )

    def grab(self, into: Pixels, timeout_s: float) -> Capture:
        if not self._shots:
            raise DeviceError("camera fake", f"no frame within {timeout_s:.3f} s", retry=self._paced)
        shot = self._shots.pop(0)
        if isinstance(shot, InspectorError):
            raise shot
        self.buffers.add(id(into))
        into[...] = 128
        into[16::32] = 90  # something to see, also for a look at every sixteenth row
        self.taken += 1
        into[0, :6] = [*shot.part_seq.to_bytes(4, "big"), shot.bad, self.taken % 256]  # no two pictures are the same
        light = self.light(shot.part_seq)
        if light is not None:
            into[...] = light
        taken_at = self.taken_at(shot)
        self.during_grab(shot)
        view = into.view()
        view.flags.writeable = False
        return Capture(
            pixels=view,
            pixel_format=PixelFormat.MONO8,
            frame_no=shot.frame_no,
            taken_at=taken_at,
            taken_utc=datetime.now(UTC),
            camera=CameraStamp(serial="1"),
        )

    def flush(self) -> None:
        self.flushed += 1


def part_in(pixels: Pixels) -> int:
    """Which part a fake picture shows."""
    return int.from_bytes(bytes(pixels[0, :4].tolist()), "big")


class FakeRuntime:
    """Gives nothing worth decoding. ``before``: called with the part in the picture (0 while warming up); may raise."""

    description = "fake"

    def __init__(self) -> None:
        self.before: Callable[[int], None] = lambda _: None
        self.looked_at: list[int] = []

    def run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        picture = tensor[0, 0, 32:, 32:]  # without the repeated border
        part = part_in(picture) if picture[0, 0] != picture[1, 0] else 0
        if part:
            self.looked_at.append(part)
            self.before(part)
        return (np.zeros((1, 1, 1, 1), np.uint8),)


CRACK = Detection(
    label="crack", score=0.9, box=Box(x=8, y=8, width=32, height=8), length_px=40.0, width_px=3.0, area_px=120.0
)


class FakeDecoder:
    """Sees a crack in every picture of a bad part."""

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        return (CRACK,) if pixels[0, 4] == 1 else ()

    def heat(self, outputs: Sequence[TileOutput], height: int, width: int) -> NDArray[np.uint8]:
        return np.full((height // 8, width // 8), 230, np.uint8)


class FakeGate:
    """Keeps what it was told; ``after``: called with each part it took. ``refuse``: parts for which it raises.

    ``lose_answer``: parts that it takes and echoes, but whose answer never comes back. ``condemn``: parts whose PASS it
    refuses, and the law.
    """

    def __init__(self, *, echoes: bool = True) -> None:
        self.expected: list[int] = []
        self.told: list[tuple[int, Outcome]] = []
        self.states: list[LineState] = []
        self.checksums: list[int] = []
        self.refuse: set[int] = set()
        self.lose_answer: set[int] = set()
        self.condemn: dict[int, str] = {}
        self.alive = True
        self.wish = PlcWish()
        self.after: Callable[[int], None] = lambda _: None
        self._echoes = echoes
        self._waiting: list[Confirmation] = []
        self._came = threading.Condition()

    def expect(self, part: PartId, *, deadline: float) -> None:
        self.expected.append(part.part_seq)

    def signal(self, part: PartId, verdict: Verdict, *, deadline: float) -> None:
        if part.part_seq in self.refuse:
            raise DeviceError("gate fake", "it does not answer")
        if part.part_seq in self.condemn and verdict.outcome is Outcome.PASS:
            raise PassRefusedError("gate fake", "the belt stopped", rule=self.condemn[part.part_seq])
        with self._came:
            self.told.append((part.part_seq, verdict.outcome))
            if self._echoes:
                echo = Confirmation(part_seq=part.part_seq, told=GateTold.ACKNOWLEDGED, at=time.monotonic())
                self._waiting.append(echo)
                self._came.notify_all()
        if part.part_seq in self.lose_answer:
            raise DeviceError("gate fake", "its write was not answered in time; its effect is unknown")
        self.after(part.part_seq)

    def confirm(self, part_seq: int, told: GateTold) -> None:
        with self._came:
            self._waiting.append(Confirmation(part_seq=part_seq, told=told, at=time.monotonic()))
            self._came.notify_all()

    def confirmations(self, timeout_s: float) -> Sequence[Confirmation]:
        with self._came:
            self._came.wait_for(lambda: bool(self._waiting), timeout_s)
            came, self._waiting = tuple(self._waiting), []
            return came

    def announce(self, state: LineState) -> None:
        self.states.append(state)

    def configured(self, checksum: int) -> None:
        self.checksums.append(checksum)

    def link(self) -> LinkHealth:
        return LinkHealth(alive=self.alive, reason="" if self.alive else "no heartbeat for 1 s")

    def plc_word(self) -> PlcWish:
        wish, self.wish = self.wish, replace(self.wish, clear_error=False)
        return wish


class FakeFetchedGate(FakeGate):
    """Lays its results out; the PLC reads them as ``confirm`` is called."""

    def __init__(self) -> None:
        super().__init__(echoes=False)

    def fetched(self) -> bool:
        return True


class FakeEvidence:
    """Keeps which part each kept picture really showed. ``refuse``: it raises. ``before``: called first."""

    def __init__(self) -> None:
        self.kept: dict[int, int] = {}
        self.heats: dict[int, NDArray[np.uint8] | None] = {}
        self.refuse = False
        self.before: Callable[[Frame], None] = lambda _: None

    def put(
        self,
        frame: Frame,
        defects: Sequence[Defect],
        *,
        name: str,
        lossless: bool,
        heat: NDArray[np.uint8] | None = None,
    ) -> EvidenceRef:
        self.before(frame)
        self.heats[frame.part.part_seq] = heat
        if self.refuse:
            raise JournalError("the disk is full")
        self.kept[frame.part.part_seq] = part_in(frame.pixels)
        return EvidenceRef(path=f"{name}.png", sha256="0" * 64, width=SIDE, height=SIDE, lossless=lossless)


RECIPE = Recipe(
    name="any crack", model="fake", classes={"crack": ClassRule(confidence=0.5, any_fails=True)}, other=ClassRule()
)
MODEL = ModelStamp(name="fake", version="1", sha256="0" * 64, runtime="fake")


def card(path: Path = Path("model.onnx"), **changed: Any) -> ModelCard:
    """A card for a one-class map at stride 8."""
    values: dict[str, Any] = {
        "name": "fake",
        "version": "1",
        "task": "segmentation",
        "path": path,
        "sha256": "0" * 64,
        "licence": "CC0-1.0",
        "labels": ("crack",),
        "input": InputSpec(name="image", dtype="uint8", layout="NCHW", channels=1, multiple=32),
        "output": OutputSpec(name="logits", dtype="uint8", stride=8, scale=0.1, zero_point=128),
        "decoder": "segmentation",
        "decoder_settings": {},
        "candidate_score": 0.3,
        "halo_px": 64,
        "border": "replicate",
        "px_per_mm": (10.0, 40.0),
        "length_bias_px": 0.0,
        "width_bias_px": 0.0,
        "finest_length_px": 16.0,
        "finest_width_px": 1.0,
        "finest_area_px": 64.0,
    }
    return ModelCard(**{**values, **changed})


def station(
    *, deadline_s: float = 10.0, jobs: Sequence[int] = (), recipe: Recipe = RECIPE, scale: Scale | None = None
) -> Station:
    """A station that judges by ``recipe`` whatever the job."""
    slots = {
        f"job {job}" if job else "any crack": ActiveRecipe(
            recipe=recipe, stamp=RecipeStamp(name="any crack", sha256="1" * 64, job=job), model=MODEL
        )
        for job in (0, *jobs)
    }
    return Station(
        name="left",
        software="inspector test",
        settings_sha256="2" * 64,
        deadline_s=deadline_s,
        grab_timeout_s=5.0,
        echo_timeout_s=0.05,
        recipes=RecipeBoard(slots),
        scale=scale,
        simulated=True,
        shift_of=lambda _: "",
        clock_synced=lambda: True,
    )
