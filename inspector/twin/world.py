"""One run of the simulated line: moves the belt, lets parts come, commits the faults that were asked for."""

import heapq
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice

import structlog

from inspector.domain.errors import DeviceError
from inspector.domain.verdict import Outcome
from inspector.twin import pictures
from inspector.twin.belt import Encoder, Motion, Part, parts
from inspector.twin.camera import Picture, TwinCamera
from inspector.twin.cell import Cell
from inspector.twin.ejector import Ejector, PartOnBelt
from inspector.twin.faults import Fault, FaultPlan, parse
from inspector.twin.pool import PooledScene
from inspector.twin.report import Tally, TwinReport
from inspector.twin.settings import TwinSettings
from inspector.twin.status import Status
from inspector.twin.witness import Witness

log = structlog.get_logger(__name__)

_TICK_S = 0.02


class Belt:
    """The belt as it moves now, shared by the line's thread (which moves it) and those that read its encoder."""

    def __init__(self, settings: TwinSettings) -> None:
        self.motion = Motion(speed_mm_s=settings.speed_mm_s, anchor_at=time.monotonic())
        self.encoder = Encoder(counts_per_mm=settings.counts_per_mm, start=settings.encoder_start)
        self.decide_after = int((settings.ejector_distance_mm - settings.decision_margin_mm) * settings.counts_per_mm)

    def encoder_at(self, now: float) -> int:
        """The encoder's count at this moment."""
        return self.encoder.counts(self.motion.position(now))


class World:
    """``cell``: what stands around the belt: PLC, remote I/O module, or both."""

    def __init__(
        self,
        settings: TwinSettings,
        belt: Belt,
        pool: tuple[PooledScene, ...],
        truths: list[Outcome],
        camera: TwinCamera,
        cell: Cell,
        witness: Witness,
        status: Status,
    ) -> None:
        self._settings = settings
        self._belt = belt
        self._pool = pool
        self._truths = truths
        self._camera = camera
        self._cell = cell
        self._witness = witness
        self._status = status
        self._tally = Tally(rows_kept=settings.rows_kept)
        self._ejector = Ejector(
            witness, self._tally, distance_mm=settings.ejector_distance_mm, ejecting_at=cell.ejecting_at
        )
        self._plan = FaultPlan([parse(text) for text in settings.faults])
        self._coming: Iterator[Part] = iter(())
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._turns = count()
        self._sensing: list[tuple[float, int, bool]] = []
        self._held = False
        self._part = 0
        self._empty: Picture | None = None
        self._started_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Wait for the permit, then let parts come until all have passed or ``stop`` is set.

        After ``stop`` no new part comes; those between light gate and ejector are let through, if the belt runs.
        """
        if not self._permitted(stop):
            return
        endless = parts(
            seed=self._settings.seed,
            spacing_mm=self._settings.spacing_mm,
            jitter_mm=self._settings.spacing_jitter_mm,
            pool=len(self._pool),
        )
        if self._plan.asks_for("trigger-false"):  # made now: it takes longer than a pitch on a PC that is busy
            self._empty = pictures.empty_belt(*self._pool[0].pixels.shape)
        self._coming = islice(endless, self._settings.parts) if self._settings.parts else endless
        self._started_at = time.monotonic()
        self._move(running=True)
        coming = next(self._coming, None)
        empty_by = float("inf")
        pause = threading.Event()  # never set: a wait that ends with its time
        while not self._finished:
            if stop.is_set():
                coming, empty_by = None, min(empty_by, time.monotonic() + self._passage_s)
                if not self._belt.motion.running or self._tally.settled == self._tally.parts:
                    break
            if time.monotonic() > empty_by:
                break
            self._mind_the_permit()
            self._commit()
            if coming is not None and self._belt.motion.position(time.monotonic()) >= coming.position_mm:
                self._at_the_light_gate(coming)
                coming = next(self._coming, None)
            self._at_the_ejector()
            self._cell.must_run()
            self._show("running" if self._belt.motion.running else "standing")
            (pause if stop.is_set() else stop).wait(self._until_due(coming))

    @property
    def _passage_s(self) -> float:
        """The longest that a part may take from the light gate past the ejector, with a second to spare."""
        return self._settings.ejector_distance_mm / max(abs(self._belt.motion.speed_mm_s), 1.0) + 1.0

    def report(self) -> TwinReport:
        """The account as it stands."""
        return self._tally.report(refused=self._cell.refused(), finished=self._finished)

    @property
    def _finished(self) -> bool:
        all_came = 0 < self._settings.parts <= self._part
        return all_came and self._tally.settled == self._tally.parts and not self._sensing

    def _permitted(self, stop: threading.Event) -> bool:
        """Wait until the line gives its permit; False if ``stop`` came first."""
        started = time.monotonic()
        limit = self._settings.permit_timeout_s
        while not stop.is_set() and self._pool:
            if self._cell.permit or not self._settings.wait_for_permit:
                return True
            self._cell.must_run()
            if limit and time.monotonic() - started > limit:
                raise DeviceError(
                    "simulated line", f"no run_permit from the line within {limit:g} s; is it running and ready?"
                )
            self._show("waiting for run_permit")
            stop.wait(_TICK_S)
        return False

    def _mind_the_permit(self) -> None:
        running = not self._held and (self._cell.permit or not self._settings.stop_without_permit)
        if running != self._belt.motion.running:
            self._move(running=running)

    def _move(self, *, running: bool) -> None:
        now = time.monotonic()
        self._at_the_ejector()  # by the motion that brought them there
        motion = self._belt.motion
        self._belt.motion = motion.started(now) if running else motion.stopped(now)
        self._tell_speed()
        log.info("twin.belt_started" if running else "twin.belt_stopped", speed_mm_s=motion.speed_mm_s)

    def _tell_speed(self) -> None:
        motion = self._belt.motion
        self._cell.belt_at_speed(at_speed=motion.running and motion.speed_mm_s == self._settings.speed_mm_s)

    # --- parts

    def _at_the_light_gate(self, part: Part) -> None:
        """One light gate: it is counted, the camera exposes, at one moment; what this PC was late is reported."""
        self._part = part.index + 1
        now = time.monotonic()
        faults = self._plan.of_part(self._part, now - self._started_at)
        self._tally.faults.update(faults.keys())
        if faults:
            log.info("twin.fault", part=self._part, faults=sorted(faults))
        if "part-inserted" in faults:
            self._insert(part)
        scene = self._pool[part.scene]
        on_belt = PartOnBelt(
            position_mm=part.position_mm,
            index=part.index,
            seed=scene.seed,
            truth=Outcome.FAIL if "part-wrong" in faults else self._truths[part.scene],
            what=next((kind for kind in faults if kind.startswith("part-") and kind != "part-inserted"), ""),
            removed="part-removed" in faults,
            stuck="ejector-stuck" in faults,
            unseen="confirm-lost" in faults,
        )
        if "part-missing" not in faults:
            self._ejector.expect(on_belt)
            self._tally.enter(late_s=now - (self._belt.motion.when(part.position_mm) or now))
        shown = None if "part-missing" in faults else on_belt
        pixels = self._picture(scene, faults)
        if "gate-blind" not in faults:
            self._triggered(shown, pixels, faults, at_mm=part.position_mm)
        empty = self._empty
        if "trigger-false" in faults and empty is not None:
            half_s = self._settings.spacing_mm / 2 / max(self._belt.motion.speed_mm_s, 1.0)
            self._do_later(now + half_s - time.monotonic(), lambda: self._triggered(None, empty, {}))

    def _triggered(
        self, part: PartOnBelt | None, pixels: Picture, faults: Mapping[str, float], *, at_mm: float | None = None
    ) -> None:
        """Edges and pictures of one place on the belt."""
        if "trigger-lost" not in faults:
            self._count(part, at_mm, faults)
        self._expose(part, pixels, faults)
        for kind, counted, pictured in (
            ("trigger-doubled", True, False),
            ("trigger-bounced", True, True),
            ("frame-doubled", False, True),
        ):
            if kind in faults:
                after_s = faults[kind] / 1e3
                if counted:
                    self._do_later(after_s, lambda: self._count(part, None, {}))
                if pictured:
                    self._do_later(after_s, lambda: self._expose(part, pixels, {}))

    def _count(self, part: PartOnBelt | None, at_mm: float | None, faults: Mapping[str, float]) -> None:
        position = self._belt.motion.position(time.monotonic()) if at_mm is None else at_mm
        edge = self._belt.encoder.counts(position)
        number = self._witness.gate_edge(edge)
        self._ejector.count(number, part)
        self._tally.trigger(number)
        self._cell.mislead(number, faults)
        self._cell.light_gate(edge)

    def _expose(self, part: PartOnBelt | None, pixels: Picture, faults: Mapping[str, float]) -> None:
        number = part.counts[-1].number if part is not None and part.counts else 0
        frame_no = self._camera.expose(pixels, faults, now=time.monotonic(), part_seq=number)
        if part is not None and frame_no:
            part.frames.append(frame_no)

    def _picture(self, scene: PooledScene, faults: Mapping[str, float]) -> Picture:
        height, width = scene.pixels.shape
        if "part-missing" in faults:
            return pictures.empty_belt(height, width, scene.seed)
        if "part-wrong" in faults:
            return pictures.other_type(height, width, scene.seed)
        if "part-turned" in faults:
            return pictures.turned(scene.pixels, faults["part-turned"])
        return scene.pixels

    def _insert(self, before: Part) -> None:
        """Nobody has counted or seen this one; what it is worth nobody knows: it must not pass."""
        place = before.position_mm - self._settings.spacing_mm / 2
        self._ejector.expect(PartOnBelt(position_mm=place, index=-1, seed=-1, truth=Outcome.FAIL, what="part-inserted"))
        self._tally.enter()

    def _at_the_ejector(self) -> None:
        for decision in self._cell.decisions():
            self._ejector.decided(decision)
        now = time.monotonic()
        motion = self._belt.motion
        belt_mm = motion.position(now)
        for part, row in self._ejector.arrived(belt_mm, lambda at_mm: motion.when(at_mm) or now):
            if not part.unseen:
                at_mm = part.position_mm + self._settings.ejector_distance_mm + self._settings.sensor_distance_mm
                heapq.heappush(self._sensing, (at_mm, next(self._turns), row.ejected))
        while self._sensing and self._sensing[0][0] <= belt_mm:
            _, _, ejected = heapq.heappop(self._sensing)
            self._cell.seen_behind_the_ejector(ejected=ejected)

    # --- faults

    def _do_later(self, after_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + after_s, next(self._turns), act))

    def _commit(self) -> None:
        """What is due: the second half of faults under way, and faults whose moment has come."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
        self._camera.deliver(now)
        for fault in self._plan.due(self._part, now - self._started_at):
            self._tally.faults[fault.kind] += 1
            log.info("twin.fault", fault=fault.kind, arg=fault.arg, part=self._part)
            self._begin(fault, now)

    def _begin(self, fault: Fault, now: float) -> None:
        match fault.kind:
            case "camera-gone":
                self._camera.go_away(now + fault.arg)
            case "camera-silent":
                self._camera.fall_silent(now + fault.arg)
            case "belt-stop":
                self._hold(held=True)
                self._do_later(fault.arg, lambda: self._hold(held=False))
            case "belt-speed":
                self._set_speed(fault.arg)
            case "belt-reverse":
                speed = self._belt.motion.speed_mm_s
                self._set_speed(-abs(speed))
                self._do_later(fault.arg / abs(speed), lambda: self._set_speed(speed))
            case "plc-restart":
                self._cell.restart(now)
                for decision in self._cell.decisions():
                    self._ejector.decided(decision)
                self._witness.restart()
            case _:
                for after_s, act in self._cell.commit(fault):
                    self._do_later(after_s, act)

    def _hold(self, *, held: bool) -> None:
        self._held = held
        self._mind_the_permit()

    def _set_speed(self, speed_mm_s: float) -> None:
        self._at_the_ejector()
        self._belt.motion = self._belt.motion.at_speed(speed_mm_s, time.monotonic())
        self._tell_speed()

    # --- time and status

    def _until_due(self, coming: Part | None) -> float:
        now, motion = time.monotonic(), self._belt.motion
        places = [coming.position_mm] if coming is not None else []
        places += [self._ejector.next_mm] if self._ejector.next_mm is not None else []
        moments = [at for place in places if (at := motion.when(place)) is not None and at > now]
        if coming is not None and (motion.when(coming.position_mm) or now + 1) <= now:
            return 0.0
        moments += [self._later[0][0]] if self._later else []
        moments += [self._camera.next_arrival] if self._camera.next_arrival is not None else []
        return max(0.0, min([_TICK_S, *(at - now for at in moments)]))

    def _show(self, state: str) -> None:
        if self._status.due:
            self._status.write(
                state,
                **self.report().figures(),
                **self._cell.figures(),
                belt_mm=round(self._belt.motion.position(time.monotonic()), 1),
                frame_no=self._camera.frame_no,
            )
