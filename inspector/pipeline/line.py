"""The way of a frame.

     trigger ─▶ recorder.open(part) ─▶ gate schedules the DEFAULT REJECT of this part         [capture.py, its thread]
       pool.lend() ─▶ camera.grab(into=buffer, timeout) ─▶ sync: is it this part's? ─▶ Frame(part, pixels)
       handoff.put(frame)          full? UNDECIDED("overrun"), told to the gate here and now
            ▼                                                                               [inspect.py, its thread]
       optics: as sharp, bright and clean as at the set-up? ─▶ gravely not: no PASS
       place:  (fixture) ─▶ no part, wrong part; else zones, masks and roi go along
       detect: (roi) ─▶ tiles ─▶ Runtime.run ─▶ Decoder.decode ─▶ frame pixels
       judge:  rules.judge(recipe, detections, scale) ─▶ Verdict(outcome, reason, decision, defects)
       GATE:   gate.signal(part, verdict, deadline=)     ◀── metal first                        [desk.py]
            ▼                                                                               [paper.py, its thread]
       evidence.put(frame) if not a clean pass (or sampled) ─▶ EvidenceRef; collected if asked for [collect.py, its own]
       shown to people while they look [live_view.py, its own]
       recorder.close(inspection)                         ◀── paper second
     journal ──after(cursor)──▶ follow ──▶ Sink.deliver(batch) ──▶ MQTT ...                  [another process]

A part that fails on the way leaves it at the desk, as UNDECIDED, told and recorded like any other.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.frame import PixelFormat
from inspector.domain.inspection import OpcState
from inspector.domain.request import FORCE
from inspector.pipeline import punctuality
from inspector.pipeline.activate import ACTIVATE, ActivationDesk, RevisionSource
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.canvas import Margins
from inspector.pipeline.capture import TRIGGER_ALARM, CaptureLoop
from inspector.pipeline.collect import COLLECT, Collector
from inspector.pipeline.desk import Desk
from inspector.pipeline.detect import Detector
from inspector.pipeline.handoff import Handoff
from inspector.pipeline.inspect import InspectLoop
from inspector.pipeline.live_view import LiveView
from inspector.pipeline.measure_trust import MeasureTrust
from inspector.pipeline.optics_guard import OpticsGuard, OpticsRules
from inspector.pipeline.paper import PaperLoop
from inspector.pipeline.part_ids import PartIdWatch
from inspector.pipeline.picture import PictureFinder
from inspector.pipeline.pool import FramePool
from inspector.pipeline.punctuality import GarbageCollector
from inspector.pipeline.recipes import ActiveRecipe
from inspector.pipeline.requests import Clerk, RequestLoop
from inspector.pipeline.start import reconcile
from inspector.pipeline.status import StatusFile
from inspector.pipeline.supervise import Loop, Pulse, Supervisor
from inspector.pipeline.sync import FrameSync
from inspector.pipeline.tally import Tally
from inspector.pipeline.ticket import Equipment, Shown, Station
from inspector.pipeline.view import window_sides
from inspector.pipeline.watch import Watch
from inspector.ports.camera import CameraInfo
from inspector.ports.gate import Checksummed, LineState
from inspector.ports.journal import JournalHealth, Series
from inspector.ports.sight import setup_of
from inspector.ports.trigger import TriggerPosition

log = structlog.get_logger(__name__)

_POSITION_WAIT_S = 0.5
_PATIENT_S = 3600.0
"""A slow disk is an alarm, not a stop: the record loop is not counted as stuck before this."""
_EXTEND_USEC = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Sizes and limits of the loops.

    ``pictures_waiting``: frames that may wait for the disk. ``realtime_priority``: of the loops between trigger and
    gate; 0: none.
    """

    handoff_depth: int = 2
    pictures_waiting: int = 4
    sync_window_s: float = 0.15
    hang_limit_s: float = 3.0
    lock_memory: bool = False
    realtime_priority: int = 0
    optics: OpticsRules = field(default_factory=OpticsRules)


class Line:
    """One station's line, composed. ``run`` blocks until stopped and gives the exit code."""

    def __init__(
        self,
        *,
        station: Station,
        equipment: Equipment,
        detectors: Mapping[str, Detector],
        tuning: Tuning,
        status: StatusFile,
        journal_health: Callable[[], JournalHealth],
        stop: threading.Event,
    ) -> None:
        self._station = station
        self._equipment = equipment
        self._detectors = detectors
        self._tuning = tuning
        self._stop = stop
        tally = Tally()
        self._alarms = AlarmBoard(station=station.name, write=equipment.recorder.note)
        self._ids = PartIdWatch(law=station.part_ids, trigger=equipment.trigger, alarms=self._alarms)
        self._desk = Desk(equipment=equipment, alarms=self._alarms, tally=tally, ids=self._ids)
        self._handoff: Handoff[Shown] = Handoff(tuning.handoff_depth)
        self._trust = MeasureTrust(station.scale, equipment.camera.describe(), lambda: datetime.now(UTC).date())
        self._guard = OpticsGuard(
            rules=tuning.optics,
            book=equipment.references,
            alarms=self._alarms,
            camera=setup_of(equipment.camera.describe(), station.camera_sha256),
            recipes=[active.stamp for active in station.recipes.values()],
        )
        self._watch = Watch(
            station=station,
            equipment=equipment,
            desk=self._desk,
            handoff=self._handoff,
            alarms=self._alarms,
            tally=tally,
            status=status,
            journal_health=journal_health,
            guard=self._guard,
            trust=self._trust,
        )
        self._paper_pulse = Pulse(name="paper", limit_s=_PATIENT_S)
        self._listening_since = time.monotonic()

    def run(self, *, notify: Callable[[str], None]) -> int:
        """Warm up, reconcile, then judge parts until ``stop``. ``notify`` takes sd_notify lines."""
        self._equipment.annunciator.announce(LineState.ONLINE)
        self._alarms.begin_anew(self._equipment.archive.standing_alarms())
        info = self._equipment.camera.describe()
        self._refuse_what_cannot_work(info)
        shape: tuple[int, ...] = (info.height, info.width)
        if info.pixel_format.channels > 1:
            shape = (*shape, info.pixel_format.channels)
        pool = FramePool(
            count=self._tuning.handoff_depth + self._tuning.pictures_waiting + 3,
            shape=shape,
            dtype=info.pixel_format.dtype,
            margins=self._margins(info),
        )
        self._warm_up(pool, info)
        self._watch.opc = OpcState.INITIALIZED
        self._equipment.camera.flush()
        position = self._first_position(notify)
        if position is None:
            return self._end(0, notify)
        series = reconcile(self._station, self._equipment, position)
        with self._punctual() as collector:
            capture, supervisor = self._loops(pool, series)
            self._watch.opc = OpcState.CONTINUOUS_EXECUTION
            log.info("line.ready", camera=info.name, width=info.width, height=info.height, series=series.series)
            notify("READY=1")
            code = supervisor.run(
                idle=lambda: self._tick(capture, supervisor, notify, collector), leaving=self._leaving
            )
        return self._end(code, notify)

    @contextmanager
    def _punctual(self) -> Iterator[GarbageCollector]:
        """What keeps parts on time, for as long as there are parts."""
        with punctuality.steady() as collector:
            if self._tuning.lock_memory:
                punctuality.lock_memory()
            try:
                yield collector
            finally:
                if self._tuning.lock_memory:
                    punctuality.unlock_memory()

    def _margins(self, info: CameraInfo) -> Margins:
        """Room around a frame that lets every model read it where it lies; none for a colour frame."""
        if info.pixel_format is not PixelFormat.MONO8:
            return Margins()
        wanted = {detector.margins(info.height, info.width) for detector in self._detectors.values()}
        return wanted.pop() if len(wanted) == 1 else Margins()

    def _warm_up(self, pool: FramePool, info: CameraInfo) -> None:
        loan = pool.lend()
        for detector in self._detectors.values():
            detector.warm_up(info.height, info.width, canvas=loan.canvas if loan else None)
        for active in self._station.recipes.values():  # the default one last: its layout stands
            if active.recipe.roi is not None:
                self._detectors[active.recipe.model].warm_up(*window_sides(active.recipe, info.height, info.width))
            if active.finder is not None and loan is not None:
                active.finder.find(loan.buffer, info.pixel_format)
        if loan is not None:
            loan.release()

    def _first_position(self, notify: Callable[[str], None]) -> TriggerPosition | None:
        """Where the trigger's counter stands, waited for as long as it takes; None if stopped meanwhile."""
        while not self._stop.is_set():
            try:
                position = self._equipment.trigger.position(_POSITION_WAIT_S)
            except DeviceError as error:
                self._alarms.raise_alarm(TRIGGER_ALARM, str(error))
                self._watch.write(alive=True)
                notify(f"EXTEND_TIMEOUT_USEC={_EXTEND_USEC}\nSTATUS=waiting: {error}")
            else:
                self._listening_since = time.monotonic()
                self._alarms.clear(TRIGGER_ALARM)
                return position
        return None

    def _end(self, code: int, notify: Callable[[str], None]) -> int:
        """Say goodbye to systemd, the PLC and the readers of the status file."""
        self._guard.save()
        notify("STOPPING=1")
        self._watch.opc = OpcState.HALTED if code == 0 else OpcState.ERROR
        self._equipment.annunciator.announce(LineState.NONE if code == 0 else LineState.ERROR)
        self._watch.settle()
        self._watch.write(alive=False)
        return code

    def _finder(self, pool: FramePool) -> PictureFinder:
        camera, window_s = self._equipment.camera, self._tuning.sync_window_s
        sync = FrameSync(window_s=window_s, paced=camera.describe().paced)
        return PictureFinder(
            camera=camera,
            pool=pool,
            sync=sync,
            desk=self._desk,
            alarms=self._alarms,
            window_s=window_s,
            listening_since=self._listening_since,
            min_pitch_s=self._station.min_pitch_s,
        )

    def _refuse_what_cannot_work(self, info: CameraInfo) -> None:
        """Say now what would make every part UNDECIDED, or worse: give it another part's picture."""
        if info.pixel_format is PixelFormat.MONO16:
            raise ConfigError(
                f"camera {info.name} gives {info.pixel_format.value}, but the model takes 8-bit pixels: "
                "set the camera to an 8-bit format (Mono8)"
            )
        if self._equipment.trigger.counted_by != "line" and not info.paced and not self._station.simulated:
            raise ConfigError(
                f"camera {info.name} is read on demand: nothing says which of its pictures shows which part that the "
                'PLC counts. Set trigger.kind = "free", or a camera that the light gate triggers '
                "(station.simulated = true allows it for trials: records then say isSimulated)"
            )

    def _loops(self, pool: FramePool, series: Series) -> tuple[CaptureLoop, Supervisor]:
        limit = self._tuning.hang_limit_s
        limits = {"capture": limit + self._station.grab_timeout_s, "inspect": limit}
        limits |= dict.fromkeys(("paper", "collect", "requests", "live"), _PATIENT_S)
        pulses = {name: Pulse(name=name, limit_s=limit_s) for name, limit_s in limits.items()}
        self._paper_pulse = pulses["paper"]
        capture = CaptureLoop(
            station=self._station,
            equipment=self._equipment,
            desk=self._desk,
            finder=self._finder(pool),
            handoff=self._handoff,
            alarms=self._alarms,
            stop=self._stop,
            pulse=pulses["capture"],
            series=series,
            ids=self._ids,
        )
        inspect = InspectLoop(
            station=self._station,
            detectors=self._detectors,
            handoff=self._handoff,
            desk=self._desk,
            alarms=self._alarms,
            guard=self._guard,
            trust=self._trust,
            fed=capture.finished,
            pulse=pulses["inspect"],
        )
        collector = Collector(
            recipes=lambda: self._station.recipes.names,
            open_folder=self._equipment.collect_into,
            stop=self._stop,
            pulse=pulses["collect"],
        )
        live = self._live_view(pulses["live"])
        requests = RequestLoop(
            book=self._equipment.requests,
            recorder=self._equipment.recorder,
            clerks={COLLECT: collector, FORCE: self._watch.forced, **self._activation()},
            stop=self._stop,
            pulse=pulses["requests"],
        )
        paper = PaperLoop(
            station=self._station,
            desk=self._desk,
            equipment=self._equipment,
            alarms=self._alarms,
            collector=collector,
            live=live,
            fed=inspect.finished,
            pulse=pulses["paper"],
        )
        loops = [
            Loop(pulse=pulses["capture"], run=self._ahead(capture.run)),
            Loop(pulse=pulses["inspect"], run=self._ahead(inspect.run)),
            Loop(pulse=pulses["paper"], run=paper.run),
            Loop(pulse=pulses["collect"], run=collector.run),
            Loop(pulse=pulses["requests"], run=requests.run),
            *([Loop(pulse=pulses["live"], run=live.run)] if live is not None else []),
        ]
        return capture, Supervisor(loops, stop=self._stop, on_crash=self._crashed)

    def _activation(self) -> Mapping[str, Clerk]:
        """Who changes recipes while the line runs; nobody where no revision can be read."""
        source = self._equipment.revisions
        if source is None:
            return {}
        desk = ActivationDesk(
            board=self._station.recipes,
            source=source,
            flush=self._equipment.flush,
            tell=lambda active: self._use(active, source),
        )
        return {ACTIVATE: desk}

    def _use(self, active: ActiveRecipe, source: RevisionSource) -> None:
        """What else must know that other rules are in force."""
        self._guard.use(active.stamp)
        gate, slots = self._equipment.gate, self._station.recipes.slots
        if isinstance(gate, Checksummed):
            gate.configured(source.checksum(one.stamp.sha256 for one in slots.values()))

    def _live_view(self, pulse: Pulse) -> LiveView | None:
        stage = self._equipment.live
        if stage is None:
            return None
        return LiveView(stage=stage, reference=self._guard.reference, stop=self._stop, pulse=pulse)

    def _ahead(self, loop: Callable[[], None]) -> Callable[[], None]:
        """The loop, at the station's real-time priority."""

        def run() -> None:
            with punctuality.ahead(self._tuning.realtime_priority):
                loop()

        return run

    def _leaving(self) -> None:
        """No new part is asked for while those under way are finished."""
        self._equipment.annunciator.announce(LineState.ONLINE | LineState.BUSY)

    def _crashed(self, reason: str) -> None:
        """Make the outside safe first."""
        self._equipment.annunciator.announce(LineState.ERROR)
        log.critical("line.crashed", reason=reason)

    def _tick(
        self, capture: CaptureLoop, supervisor: Supervisor, notify: Callable[[str], None], collector: GarbageCollector
    ) -> None:
        """Four times a second: look, collect, feed the watchdog, and end with a source that has ended."""
        collector.tick()
        self._watch.look(self._paper_pulse)
        if supervisor.alive():
            notify("WATCHDOG=1")
        if capture.ended and not len(self._handoff) and not self._desk.waiting:
            self._stop.set()
