"""The composition root: opens what the settings name and wires it together. Nothing else does."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from pydantic import BaseModel

from inspector.adapters import evidence_files, journal_sql
from inspector.adapters.collection_files import open_collection
from inspector.adapters.live_files import StageFiles
from inspector.adapters.optics_files import OpticsFiles
from inspector.app import service
from inspector.app.open_model import open_model
from inspector.app.parts import SOFTWARE, Parts, make_folders
from inspector.app.runtime_choice import choice
from inspector.app.runtime_choice.trial import Shown
from inspector.app.station_recipes import StationRecipes, active_recipe, refuse_other_frames
from inspector.app.tables import EjectorTable, SiteTable
from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.inspection import ModelStamp
from inspector.pipeline import punctuality
from inspector.pipeline.beside import PlcAndField
from inspector.pipeline.detect import Detector
from inspector.pipeline.field import Axis, Way
from inspector.pipeline.line import Line, Tuning
from inspector.pipeline.recipes import RecipeBoard
from inspector.pipeline.status import StatusFile
from inspector.pipeline.steady import open_camera
from inspector.pipeline.ticket import Equipment, Station
from inspector.pipeline.tracked import TrackedGate
from inspector.pipeline.tracking import Rest
from inspector.ports.camera import CameraInfo
from inspector.ports.field_io import Output
from inspector.ports.gate import Panel
from inspector.ports.model import ModelCard
from inspector.ports.trigger import Trigger

log = structlog.get_logger(__name__)

_CYCLE_MS = 5.0


@contextmanager
def open_detectors(parts: Parts, kinds: Mapping[str, str] | None = None) -> Iterator[Mapping[str, Detector]]:
    """Every model that a recipe names, loaded and bound to its card.

    ``kinds``: model name to runtime kind; a model that is not in it is given the one that is set, or the reference.
    """
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                open_model(
                    card,
                    runtime=parts.runtimes.get((kinds or {}).get(name, ""), parts.runtime),
                    context=parts.context,
                    strip_px=parts.loaded.settings.station.strip_px,
                )
            )
            for name, card in parts.cards.items()
        }


def _chosen_detectors(
    parts: Parts, info: CameraInfo, proved: ExitStack, detectors: Mapping[str, Detector], stop: threading.Event
) -> tuple[Mapping[str, Detector], str, Mapping[str, str]]:
    """The models with the runtimes that are fastest for this camera's frames, why these, and which: kind by model.

    The reference on trouble.

    ``proved`` holds the detectors that were opened to check the models, and takes those that replace them.
    """
    strip_px = parts.loaded.settings.station.strip_px
    shown = Shown(height=info.height, width=info.width, pixel_format=info.pixel_format, strip_px=strip_px)
    choices = choice.choose(parts, shown, stop)
    kinds = {name: chosen.kind for name, chosen in choices.items()}
    why = "; ".join(f"{name}: {chosen.words}" for name, chosen in choices.items())
    reference = next(iter(parts.runtimes))
    if all(kind == reference for kind in kinds.values()):
        return detectors, why, kinds
    proved.close()
    try:
        return proved.enter_context(open_detectors(parts, kinds)), why, kinds
    except (ConfigError, DeviceError) as error:  # what ran in the trial does not run here: the other one does
        log.warning("runtime.fell_back", to=reference, reason=str(error))
        return proved.enter_context(open_detectors(parts)), f"{reference}: fell back from {kinds}: {error}", {}


def _lay_out(parts: Parts, kinds: Mapping[str, str], name: str, sides: tuple[int, int]) -> None:
    """Run a model once on pictures of another size, in an instance of its own beside the line's.

    What a runtime compiles for that size then stands in its cache, and a model that cannot run on it is found.
    """
    runtime = parts.runtimes.get(kinds.get(name, ""), parts.runtime)
    strip_px = parts.loaded.settings.station.strip_px
    with open_model(parts.cards[name], runtime=runtime, context=parts.context, strip_px=strip_px) as trial:
        trial.warm_up(*sides, rounds=1)


@contextmanager
def open_line(parts: Parts, stop: threading.Event) -> Iterator[Line]:
    """Open everything a line needs, in the order in which it must be safe: book, gate, camera."""
    settings, name = parts.loaded.settings, parts.loaded.name
    make_folders(parts)
    with ExitStack() as stack:
        recorder = stack.enter_context(
            journal_sql.open_recorder(parts.journal, station=name, on_failure=settings.journal.on_failure)
        )
        archive = stack.enter_context(journal_sql.open_journal(parts.journal, station=name))
        requests = stack.enter_context(journal_sql.open_requests(parts.journal, station=name))
        people = stack.enter_context(journal_sql.open_for_people(parts.journal, station=name))
        evidence = stack.enter_context(
            evidence_files.open_evidence(parts.evidence, quality=settings.evidence.jpeg_quality)
        )
        priority = punctuality.granted(settings.station.realtime_priority)
        early = stack.enter_context(ExitStack())
        early.enter_context(punctuality.ahead(priority))  # threads that runtime, gate and camera start inherit it
        proved = stack.enter_context(ExitStack())
        detectors = proved.enter_context(open_detectors(parts))  # a model that does not fit is told before a gate opens
        gate = stack.enter_context(_open_gate(parts))
        trigger: Trigger = gate
        if parts.trigger is not None:
            trigger_plugin, trigger_settings = parts.trigger
            known = archive.newest_series()
            going_on = _going_on(trigger_settings, known.last_seq if known else 0)
            trigger = stack.enter_context(trigger_plugin.open(going_on, parts.context))
        camera_plugin, camera_settings = parts.camera
        camera = stack.enter_context(open_camera(camera_plugin, camera_settings, parts.context))
        _refuse_other_frames(parts, camera.describe())
        detectors, why, kinds = _chosen_detectors(parts, camera.describe(), proved, detectors, stop)
        early.close()
        for recipe in parts.recipes:
            archive.revision("recipe", recipe.recipe.name, recipe.text)
        archive.revision("settings", name, parts.loaded.canonical())
        if (calibration := parts.loaded.calibration) is not None:
            archive.revision("scale", name, calibration.read_text(encoding="utf-8"))
        for card in parts.cards.values():
            archive.revision("model", card.name, (card.path.parent / "card.toml").read_text(encoding="utf-8"))
        stamps = {model: model_stamp(parts.cards[model], detector) for model, detector in detectors.items()}
        yield Line(
            station=_station(parts, stamps, why),
            equipment=Equipment(
                trigger=trigger,
                camera=camera,
                gate=gate,
                annunciator=gate,
                panel=gate if isinstance(gate, Panel) else None,
                recorder=recorder,
                archive=archive,
                evidence=evidence,
                attempts=recorder.attempts,
                flush=recorder.flush,
                take_lost=recorder.take_lost,
                requests=requests,
                collect_into=open_collection,
                references=OpticsFiles(parts.optics),
                revisions=StationRecipes(
                    parts,
                    models=stamps,
                    camera=camera.describe(),
                    shelf=people.shelf,
                    activations=people.activations,
                    lay_out=partial(_lay_out, parts, kinds),
                ),
                live=StageFiles(parts.run_dir),
            ),
            detectors=detectors,
            tuning=Tuning(
                handoff_depth=settings.station.handoff_depth,
                pictures_waiting=settings.station.pictures_waiting,
                sync_window_s=settings.station.sync_window_ms / 1e3,
                hang_limit_s=settings.station.hang_limit_s,
                lock_memory=settings.station.lock_memory,
                realtime_priority=priority,
                optics=settings.optics.rules(),
            ),
            status=StatusFile(parts.run_dir),
            journal_health=recorder.health,
            stop=stop,
        )


def _refuse_other_frames(parts: Parts, info: CameraInfo) -> None:
    """A part that was taught in frames of another size is never found where it is looked for."""
    for recipe in parts.recipes:
        refuse_other_frames(recipe, info)


@contextmanager
def _open_gate(parts: Parts) -> Iterator[Any]:
    """The gate; of a module without a PLC the line makes one, which fires the ejector itself."""
    plugin, settings = parts.gate
    with ExitStack() as stack:
        opened = stack.enter_context(plugin.open(settings, parts.context))
        if parts.io is not None:
            io_plugin, io_settings = parts.io
            module = stack.enter_context(io_plugin.open(io_settings, parts.context))
            axis = Axis.ENCODER if getattr(io_settings, "encoder", "") else Axis.TIME
            way = replace(_way(parts.loaded.settings.ejector, axis), fires=False)
            beside = TrackedGate(
                module, way, station=parts.loaded.name, period_s=_period_s(io_settings), wired=_wired(io_settings)
            )
            yield PlcAndField(opened, stack.enter_context(beside))
            return
        if not plugin.tracks:
            yield opened
            return
        yield stack.enter_context(
            TrackedGate(
                opened,
                _way(parts.loaded.settings.ejector, Axis(parts.loaded.settings.tracking)),
                station=parts.loaded.name,
                period_s=_period_s(settings),
                wired=_wired(settings),
            )
        )


def _wired(settings: BaseModel) -> frozenset[Output]:
    """The outputs that a module has."""
    return frozenset(Output(name) for name in getattr(settings, "coils", ()))


def _period_s(settings: BaseModel) -> float:
    return float(getattr(settings, "cycle_ms", _CYCLE_MS)) / 1e3


def _way(table: EjectorTable, axis: Axis) -> Way:
    return Way(
        axis=axis,
        distance_mm=table.distance_mm,
        before_mm=table.before_mm,
        after_mm=table.after_mm,
        confirm_mm=table.confirm_mm,
        counts_per_mm=table.counts_per_mm,
        speed_mm_s=table.speed_mm_s,
        rest=Rest(table.rest),
        horn_s=table.horn_s,
        marker_s=table.marker_s,
    )


def _going_on(settings: BaseModel, last: int) -> BaseModel:
    """A trigger that counts by itself goes on after the last number in the book."""
    if "start_after" in type(settings).model_fields and "start_after" not in settings.model_fields_set:
        return settings.model_copy(update={"start_after": last})
    return settings


def _station(parts: Parts, stamps: Mapping[str, ModelStamp], runtime_choice: str) -> Station:
    settings = parts.loaded.settings
    board = RecipeBoard(
        {slot: active_recipe(recipe, stamps) for slot, recipe in zip(parts.slots, parts.recipes, strict=True)}
    )
    return Station(
        name=parts.loaded.name,
        software=SOFTWARE,
        settings_sha256=parts.loaded.sha256,
        deadline_s=settings.station.deadline_ms / 1e3,
        grab_timeout_s=settings.station.grab_timeout_ms / 1e3,
        echo_timeout_s=settings.station.echo_timeout_ms / 1e3,
        recipes=board,
        camera_sha256=parts.loaded.camera_sha256,
        runtime_choice=runtime_choice,
        min_pitch_s=settings.station.min_pitch_ms / 1e3,
        stop_after_rejects=settings.station.stop_after_rejects,
        part_ids=settings.station.part_ids,
        scale=parts.scale,
        simulated=settings.station.simulated,
        shift_of=shift_clock(settings.site),
        clock_synced=service.clock_synced,
    )


def model_stamp(card: ModelCard, detector: Detector) -> ModelStamp:
    """Which model looks, and by which runtime."""
    return ModelStamp(name=card.name, version=card.version, sha256=card.sha256, runtime=detector.runtime.description)


def shift_clock(site: SiteTable) -> Callable[[datetime], str]:
    """Tells the shift of a moment; "" where no shifts are set. A shift that began yesterday goes on after midnight."""
    zone = ZoneInfo(site.time_zone)
    starts = sorted((start, name) for name, start in site.shifts.items())

    def shift(moment: datetime) -> str:
        if not starts:
            return ""
        local = moment.astimezone(zone).time()
        begun = [name for start, name in starts if start <= local]
        return begun[-1] if begun else starts[-1][1]

    return shift
