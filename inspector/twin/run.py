"""Run the simulated line: belt, camera, light gate, PLC and ejector, from the first part to the report.

part at the light gate ──┬──▶ edge latched ──▶ PLC counts it         (words 1-2, one scan later)
                         └──▶ picture into the frame ring            (the same instant: one light gate)
part before the ejector ───▶ PLC decides ──▶ ejector acts ──▶ report
"""

import threading
from pathlib import Path

import structlog

from inspector.domain.recipe import Recipe
from inspector.twin.camera import open_camera
from inspector.twin.cell import OWN, Programs, open_cell
from inspector.twin.ejector import true_outcome
from inspector.twin.plc import PlcWiring
from inspector.twin.pool import Progress, load_pool
from inspector.twin.report import TwinReport
from inspector.twin.settings import TwinSettings
from inspector.twin.status import REPORT_FILE, STATUS_FILE, Status, replace
from inspector.twin.witness import Witness
from inspector.twin.world import Belt, World

log = structlog.get_logger(__name__)


def run_twin(
    settings: TwinSettings,
    recipe: Recipe,
    *,
    report_dir: Path,
    stop: threading.Event,
    on_progress: Progress | None = None,
    programs: Programs = OWN,
) -> TwinReport:
    """Run the line until ``settings.parts`` have passed the ejector, or ``stop`` is set and the belt is empty.

    Writes ``twin.json`` into ``report_dir`` four times a second and ``twin_report.json`` at the end.
    ``on_progress(ready, asked)`` is called while scenes are rendered; ``programs``: what its PLC runs.

    Raises:
        DeviceError: ring or port are taken, the disk is full, or no permit came within ``permit_timeout_s``.
    """
    report_dir.mkdir(parents=True, exist_ok=True)
    status = Status(report_dir / STATUS_FILE, settings)

    def progress(ready: int, asked: int) -> None:
        status.write("rendering", rendered=ready, pool=asked)
        if on_progress is not None:
            on_progress(ready, asked)

    seeds = range(settings.seed, settings.seed + settings.pool)
    pool = load_pool(
        settings.cache, settings.scenes, seeds, workers=settings.render_workers, stop=stop, on_progress=progress
    )
    truths = [true_outcome(recipe, scene.defects, settings.px_per_mm) for scene in pool]
    belt = Belt(settings)
    wiring = PlcWiring(
        decide_after=belt.decide_after,
        first_trigger=settings.first_trigger,
        heartbeat_timeout_s=settings.heartbeat_timeout_s,
        job=settings.job,
        jobs=settings.jobs,
        lot=settings.lot,
    )
    witness = Witness(first_trigger=settings.first_trigger, decide_after=belt.decide_after)
    with (
        open_camera(settings) as camera,
        open_cell(settings, wiring, belt.encoder_at, witness, programs) as cell,
    ):
        log.info("twin.open", ring=settings.ring, pool=len(pool), **cell.figures())
        world = World(settings, belt, pool, truths, camera, cell, witness, status)
        world.run(stop)
        report = world.report()
        around = cell.figures()
    status.write("finished" if report.finished else "stopped", **report.figures(), **around)
    replace(report_dir / REPORT_FILE, {**report.as_dict(), **around})
    log.info("twin.closed", **report.figures())
    return report
