"""Measures runtimes side by side on one model and frame size, in a process of its own: a crash ends only the trial."""

import multiprocessing
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.app import plugins, service
from inspector.app.model_package import load_card
from inspector.app.open_model import open_model
from inspector.domain.errors import ConfigError, DeviceError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.pipeline.detect import Detector
from inspector.ports.plugin import Context

ROUNDS, ENOUGH_S = 9, 4.0
LIMIT_S = 40.0
"""A trial that takes longer hangs."""
_LOOK_S = 0.1
_WARM_ROUNDS, _LEAST_ROUNDS = 2, 3
_TRIED_SIDES = (384, 512)
_SEEDS = (1, 2, 3)
_PATCH_PX = 512
MOST_STEPS, MOST_STRAY = 2, 0.01
"""Whole numbers agree up to two steps, and all but a hundredth of them to the number."""
MOST_SHARE = 0.01
"""Other numbers agree up to a hundredth of the range they span in that array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The frames a line will be shown. ``strip_px``: as the station sets it."""

    height: int
    width: int
    pixel_format: PixelFormat
    strip_px: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is tried: runtimes by kind with their settings, the reference first, on a model package."""

    package: Path
    runtimes: Mapping[str, Mapping[str, Any]]
    shown: Shown
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One runtime: milliseconds from frame to answer, and how far its answers lie from the reference's.

    ``trouble``: why it cannot be taken; "" if it can.
    """

    kind: str
    description: str = ""
    median_ms: float = 0.0
    min_ms: float = 0.0
    trouble: str = ""


def run(order: Order, *, stop: threading.Event, limit_s: float = LIMIT_S) -> tuple[Trial, ...]:
    """Try all, in turn, round by round; a trial that crashes, hangs or is stopped is trouble for all of them."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_serve, args=(theirs, order), daemon=True)
    process.start()
    theirs.close()
    until = time.monotonic() + limit_s
    try:
        while not ours.poll(_LOOK_S):
            if stop.is_set() or time.monotonic() > until:
                process.kill()
                return _none(order, "stopped" if stop.is_set() else f"the trial took longer than {limit_s:g} s")
        trials: tuple[Trial, ...] = ours.recv()
    except EOFError:
        process.join()
        return _none(order, f"the trial ended with exit code {process.exitcode}")
    finally:
        ours.close()
        process.join()
    return trials


def _none(order: Order, why: str) -> tuple[Trial, ...]:
    return tuple(Trial(kind=kind, trouble=why) for kind in order.runtimes)


def _serve(pipe: Connection, order: Order) -> None:
    service.configure_logs()
    pipe.send(try_all(order))


def try_all(order: Order) -> tuple[Trial, ...]:
    """The trial itself, in this process."""
    card = load_card(order.package)
    with ExitStack() as stack:
        detectors: dict[str, Detector] = {}
        trouble: dict[str, str] = {}
        for kind, settings in order.runtimes.items():
            plugin = plugins.find("runtime", kind, where=str(order.package), key="runtime")
            try:
                detectors[kind] = stack.enter_context(
                    open_model(
                        card,
                        runtime=(plugin, plugin.settings_model(**settings)),
                        context=order.context,
                        strip_px=order.shown.strip_px,
                    )
                )
            except (ConfigError, DeviceError) as error:
                trouble[kind] = str(error)
        trouble |= _disagreements(detectors, order.shown.pixel_format)
        able = {kind: detector for kind, detector in detectors.items() if kind not in trouble}
        paces = _paces(able, order.shown, trouble)
    return tuple(
        Trial(
            kind=kind,
            description=detectors[kind].runtime.description if kind in detectors else "",
            median_ms=median(paces.get(kind) or [0.0]),
            min_ms=min(paces.get(kind) or [0.0]),
            trouble=trouble.get(kind, ""),
        )
        for kind in order.runtimes
    )


def _disagreements(detectors: Mapping[str, Detector], pixel_format: PixelFormat) -> dict[str, str]:
    """Who does not answer as the first does, on small seeded pictures."""
    trouble: dict[str, str] = {}
    wanted: list[list[NDArray[Any]]] = []
    for kind, detector in detectors.items():
        try:
            answers = [_answer(detector, picture(seed, *_TRIED_SIDES, pixel_format), pixel_format) for seed in _SEEDS]
        except (DeviceError, FrameError) as error:
            trouble[kind] = str(error)
            continue
        wanted = wanted or answers
        said = [
            apart(mine, his)
            for own, other in zip(answers, wanted, strict=True)
            for mine, his in zip(own, other, strict=True)
        ]
        worst = next((words for words in said if words), "")
        if worst:
            trouble[kind] = worst
    return trouble


def _answer(detector: Detector, pixels: NDArray[np.uint8], pixel_format: PixelFormat) -> list[NDArray[Any]]:
    return [array for output in detector.infer(pixels, pixel_format).outputs for array in output.arrays]


def apart(given: NDArray[Any], wanted: NDArray[Any]) -> str:
    """How an answer differs from the reference's by more than rounding; "" if it does not."""
    if given.shape != wanted.shape or given.dtype != wanted.dtype:
        return f"answers {given.dtype} {given.shape} where the reference answers {wanted.dtype} {wanted.shape}"
    if not wanted.size:
        return ""
    off = np.abs(given.astype(np.float64) - wanted.astype(np.float64))
    if wanted.dtype.kind in "ui":
        stray = float((off > 0).mean())
        if off.max() > MOST_STEPS or stray > MOST_STRAY:
            return f"answers up to {off.max():.0f} steps from the reference, {stray:.2%} of them others"
        return ""
    span = float(wanted.max()) - float(wanted.min())
    most = MOST_SHARE * max(span, float(np.finfo(np.float32).eps))
    return f"answers up to {off.max():.3g} from the reference, over {most:.3g}" if off.max() > most else ""


def _paces(detectors: Mapping[str, Detector], shown: Shown, trouble: dict[str, str]) -> dict[str, list[float]]:
    """Milliseconds of each, round by round; the first rounds are not counted."""
    frame = picture(0, shown.height, shown.width, shown.pixel_format)
    paces: dict[str, list[float]] = {kind: [] for kind in detectors}
    begun, rounds = time.monotonic(), 0
    while rounds < _WARM_ROUNDS + ROUNDS:
        for kind, detector in detectors.items():
            if kind in trouble:
                continue
            try:
                inferred = detector.infer(frame, shown.pixel_format)
            except (DeviceError, FrameError) as error:
                trouble[kind] = str(error)
                continue
            if rounds >= _WARM_ROUNDS:
                paces[kind].append(inferred.preprocess_ms + inferred.infer_ms)
        rounds += 1
        if rounds >= _WARM_ROUNDS + _LEAST_ROUNDS and time.monotonic() - begun > ENOUGH_S:
            break
    return paces


def picture(seed: int, height: int, width: int, pixel_format: PixelFormat) -> NDArray[np.uint8]:
    """A part's surface as no part is: grain, clouds, and a few lines and spots, the same for the same seed."""
    rng = np.random.default_rng(seed)
    clouds = cv2.resize(rng.normal(0, 10, (8, 8)).astype(np.float32), (_PATCH_PX, _PATCH_PX))
    light = np.asarray(clouds, np.float32) + rng.normal(128, 5, (_PATCH_PX, _PATCH_PX)).astype(np.float32)
    for _ in range(4):
        start, end = rng.integers(0, _PATCH_PX, (2, 2)).tolist()
        cv2.line(light, start, end, float(rng.integers(30, 90)), int(rng.integers(1, 4)))
        cv2.circle(light, start, int(rng.integers(4, 24)), float(rng.integers(90, 220)), cv2.FILLED)
    patch = np.clip(light, 0, 255).astype(np.uint8)
    copies = (-(-height // _PATCH_PX), -(-width // _PATCH_PX))
    grey = np.ascontiguousarray(np.tile(patch, copies)[:height, :width])
    return np.repeat(grey[..., None], 3, axis=2) if pixel_format.channels > 1 else grey


def settings_by_kind(runtimes: Mapping[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    """Settings as they travel to the trial's process."""
    return {kind: settings.model_dump() for kind, (_, settings) in runtimes.items()}


def best(trials: Sequence[Trial], *, margin: float) -> str:
    """The kind that is fastest by ``margin``, else the first that can be taken, else the first."""
    able = [trial for trial in trials if not trial.trouble]
    if not able:
        return trials[0].kind
    fastest = min(able, key=lambda trial: trial.median_ms)
    return fastest.kind if fastest.median_ms < able[0].median_ms * (1 - margin) else able[0].kind
