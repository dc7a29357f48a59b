"""Measures a package on this PC: milliseconds and memory for one 12-megapixel frame."""

import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from inspector.app.model_import.run import CONTEXT
from inspector.app.model_package import load_card
from inspector.app.open_model import open_model
from inspector.app.runtime_choice.candidates import installed
from inspector.domain.errors import ConfigError, DeviceError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.pipeline.preprocess import Image
from inspector.twin.scenes import SceneSettings, render

NOT_INSTALLED = "not installed"
_WARM_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """One runtime on one package. ``runtime``: in its own words; ``trouble``: why it has no figures."""

    kind: str
    runtime: str = ""
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    memory_mb: float = 0.0
    trouble: str = ""


def measure(folder: Path, *, rounds: int, threads: int) -> list[Pace]:
    """Look at one rendered part ``rounds`` times with every installed runtime, each in a process of its own."""
    paces = []
    for kind in installed(threads=threads, where=str(folder)):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            paces.append(pool.apply(measure_one, (folder, kind, rounds, threads)))
    return paces


def measure_one(folder: Path, kind: str, rounds: int, threads: int) -> Pace:
    """Look at one rendered part ``rounds`` times with one runtime, in this process."""
    frame = render(0, SceneSettings()).pixels
    process = psutil.Process()
    try:
        card = load_card(folder)
        shown: Image = frame if card.input.channels == 1 else np.repeat(frame[..., None], 3, axis=2)
        pixel_format = PixelFormat.MONO8 if card.input.channels == 1 else PixelFormat.BGR8
        before = process.memory_info().rss
        runtime = installed(threads=threads, where=str(folder)).get(kind)
        if runtime is None:
            return Pace(kind=kind, trouble=NOT_INSTALLED)
        with open_model(card, runtime=runtime, context=CONTEXT) as detector:
            description = detector.runtime.description
            spent = []
            for _ in range(_WARM_ROUNDS + rounds):
                begun = time.perf_counter()
                detector.detect(shown, pixel_format)
                spent.append((time.perf_counter() - begun) * 1e3)
            grown = process.memory_info().rss - before
    except (ConfigError, DeviceError, FrameError) as error:
        return Pace(kind=kind, trouble=str(error).splitlines()[0])
    warm = spent[_WARM_ROUNDS:]
    return Pace(
        kind=kind,
        runtime=description,
        p50_ms=float(np.percentile(warm, 50)),
        p99_ms=float(np.percentile(warm, 99)),
        memory_mb=grown / 2**20,
    )
