"""Run the simulated line: belt, camera, light gate, PLC and ejector, from the first part to the report.

part at the light gate ──┬──▶ edge latched ──▶ PLC counts it         (words 1-2, one scan later)
                         └──▶ picture into the frame ring            (the same instant: one light gate)
part before the ejector ───▶ PLC decides ──▶ ejector acts ──▶ report
"""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from inspector.domain.errors import DeviceError
from inspector.domain.recipe import Recipe
from inspector.domain.verdict import Outcome
from inspector.twin.belt import Encoder, Motion, Part, parts
from inspector.twin.ejector import Ejector, PartOnBelt, true_outcome
from inspector.twin.plc import PlcLogic, PlcWiring
from inspector.twin.plc_modbus import PlcServer, open_plc
from inspector.twin.pool import PooledScene, Progress, load_pool
from inspector.twin.report import Tally, TwinReport
from inspector.twin.ring import RingWriter, open_ring
from inspector.twin.settings import TwinSettings
from inspector.twin.witness import Witness

log = structlog.get_logger(__name__)

STATUS_FILE = "twin.json"
REPORT_FILE = "twin_report.json"
_STATUS_S = 0.25
_TICK_S = 0.02


def run_twin(
    settings: TwinSettings,
    recipe: Recipe,
    *,
    report_dir: Path,
    stop: threading.Event,
    on_progress: Progress | None = None,
) -> TwinReport:
    """Run the line until ``settings.parts`` have passed the ejector, or ``stop`` is set and the belt is empty.

    Writes ``twin.json`` into ``report_dir`` four times a second and ``twin_report.json`` at the end.
    ``on_progress(ready, asked)`` is called while scenes are rendered.

    Raises:
        DeviceError: ring or port are taken, the disk is full, or no permit came within ``permit_timeout_s``.
    """
    report_dir.mkdir(parents=True, exist_ok=True)
    status = _Status(report_dir / STATUS_FILE, settings)

    def progress(ready: int, asked: int) -> None:
        status.write("rendering", rendered=ready, pool=asked)
        if on_progress is not None:
            on_progress(ready, asked)

    seeds = range(settings.seed, settings.seed + settings.pool)
    pool = load_pool(
        settings.cache, settings.scenes, seeds, workers=settings.render_workers, stop=stop, on_progress=progress
    )
    truths = [true_outcome(recipe, scene.defects, settings.px_per_mm) for scene in pool]
    belt = _Belt(settings)
    logic = PlcLogic(
        PlcWiring(
            decide_after=belt.decide_after,
            first_trigger=settings.first_trigger,
            heartbeat_timeout_s=settings.heartbeat_timeout_s,
            job=settings.job,
            jobs=settings.jobs,
            lot=settings.lot,
        )
    )
    witness = Witness(first_trigger=settings.first_trigger, decide_after=belt.decide_after)
    with (
        open_ring(settings.ring, slots=settings.ring_slots, width=settings.width, height=settings.height) as ring,
        open_plc(settings, logic, belt.encoder_at, witness.telegram) as plc,
    ):
        log.info("twin.open", ring=settings.ring, plc_port=plc.port, pool=len(pool))
        line = _Line(settings, belt, pool, truths, ring, plc, witness, status)
        line.run(stop)
        report = line.report()
    status.write("finished" if report.finished else "stopped", **report.figures())
    _replace(report_dir / REPORT_FILE, report.as_dict())
    log.info("twin.closed", **report.figures())
    return report


class _Belt:
    """The belt as it moves now, shared by the line's thread (which moves it) and the PLC's (which reads it)."""

    def __init__(self, settings: TwinSettings) -> None:
        self.motion = Motion(speed_mm_s=settings.speed_mm_s, anchor_at=time.monotonic())
        self.encoder = Encoder(counts_per_mm=settings.counts_per_mm, start=settings.encoder_start)
        self.decide_after = int((settings.ejector_distance_mm - settings.decision_margin_mm) * settings.counts_per_mm)

    def encoder_at(self, now: float) -> int:
        """The encoder's count at this moment."""
        return self.encoder.counts(self.motion.position(now))


class _Line:
    """One run of the simulated line."""

    def __init__(
        self,
        settings: TwinSettings,
        belt: _Belt,
        pool: tuple[PooledScene, ...],
        truths: list[Outcome],
        ring: RingWriter,
        plc: PlcServer,
        witness: Witness,
        status: "_Status",
    ) -> None:
        self._settings = settings
        self._belt = belt
        self._pool = pool
        self._truths = truths
        self._ring = ring
        self._plc = plc
        self._witness = witness
        self._status = status
        self._tally = Tally(rows_kept=settings.rows_kept)
        self._ejector = Ejector(witness, self._tally)
        self._coming: Iterator[Part] = iter(())

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
        self._coming = islice(endless, self._settings.parts) if self._settings.parts else endless
        self._belt.motion = self._belt.motion.started(time.monotonic())
        log.info("twin.belt_started", speed_mm_s=self._settings.speed_mm_s)
        coming = next(self._coming, None)
        empty_by = float("inf")
        pause = threading.Event()  # never set: a wait that ends with its time
        while not self._finished:
            if stop.is_set():
                coming, empty_by = None, min(empty_by, time.monotonic() + self._passage_s)
                if not self._belt.motion.running or self._tally.settled == self._tally.triggers:
                    break
            if time.monotonic() > empty_by:
                break
            self._mind_the_permit()
            if coming is not None and self._belt.motion.position(time.monotonic()) >= coming.position_mm:
                self._at_the_light_gate(coming)
                coming = next(self._coming, None)
            for decision in self._plc.decisions():
                self._ejector.act(decision)
            self._plc.must_run()
            self._show("running" if self._belt.motion.running else "standing")
            (pause if stop.is_set() else stop).wait(self._until_due(coming))

    @property
    def _passage_s(self) -> float:
        """The longest that a part may take from the light gate past the ejector, with a second to spare."""
        return self._settings.ejector_distance_mm / self._settings.speed_mm_s + 1.0

    def report(self) -> TwinReport:
        """The account as it stands."""
        return self._tally.report(refused=self._plc.refused(), finished=self._finished)

    @property
    def _finished(self) -> bool:
        return 0 < self._settings.parts <= self._tally.settled

    def _permitted(self, stop: threading.Event) -> bool:
        """Wait until the PLC sees run_permit; False if ``stop`` came first."""
        started = time.monotonic()
        limit = self._settings.permit_timeout_s
        while not stop.is_set() and self._pool:
            if self._plc.permit or not self._settings.wait_for_permit:
                return True
            self._plc.must_run()
            if limit and time.monotonic() - started > limit:
                raise DeviceError(
                    "simulated line", f"no run_permit from the line within {limit:g} s; is it running and ready?"
                )
            self._show("waiting for run_permit")
            stop.wait(_TICK_S)
        return False

    def _mind_the_permit(self) -> None:
        if not self._settings.stop_without_permit or self._plc.permit == self._belt.motion.running:
            return
        now = time.monotonic()
        self._belt.motion = self._belt.motion.started(now) if self._plc.permit else self._belt.motion.stopped(now)
        log.info("twin.belt_started" if self._plc.permit else "twin.belt_stopped")

    def _at_the_light_gate(self, part: Part) -> None:
        """One light gate: the PLC counts, the camera exposes, at one moment; what this PC was late is reported."""
        edge = self._belt.encoder.counts(part.position_mm)
        now = time.monotonic()
        late_s = now - (self._belt.motion.when(part.position_mm) or now)
        scene = self._pool[part.scene]
        part_seq = self._witness.gate_edge(edge)
        self._ejector.expect(
            PartOnBelt(
                part_seq=part_seq, frame_no=self._ring.frame_no + 1, seed=scene.seed, truth=self._truths[part.scene]
            )
        )
        self._tally.trigger(part_seq, late_s=late_s)
        self._plc.light_gate(edge)
        self._ring.write(scene.pixels, taken_at=now, part_seq=part_seq)

    def _until_due(self, coming: Part | None) -> float:
        due = self._belt.motion.when(coming.position_mm) if coming is not None else None
        return _TICK_S if due is None else min(_TICK_S, max(0.0, due - time.monotonic()))

    def _show(self, state: str) -> None:
        if self._status.due:
            self._status.write(
                state,
                **self.report().figures(),
                plc_port=self._plc.port,
                link_alive=self._plc.link_alive,
                permit=self._plc.permit,
                belt_mm=round(self._belt.motion.position(time.monotonic()), 1),
                frame_no=self._ring.frame_no,
            )


class _Status:
    """``twin.json``: what the simulated line is doing, replaced whole."""

    def __init__(self, path: Path, settings: TwinSettings) -> None:
        self._path = path
        self._ring = settings.ring
        self._parts = settings.parts
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() >= self._next

    def write(self, state: str, **figures: Any) -> None:
        """Replace the file."""
        self._next = time.monotonic() + _STATUS_S
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        _replace(self._path, {"state": state, "at": at, "ring": self._ring, "parts": self._parts, **figures})


def _replace(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(json.dumps(content, indent=1))
        draft.replace(path)
    except OSError as error:
        raise DeviceError(f"report {path}", f"{error.strerror}; set another report folder", retry=False) from error
