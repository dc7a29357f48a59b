"""The pool of pre-rendered scenes: rendered once, kept on disk, memory-mapped.

    <cache_dir>/<key>/<seed>.npy    the pixels
    <cache_dir>/<key>/<seed>.json   the truth; written last: a scene without it is rendered again
The key names generator version and scene settings, so that a changed generator never meets old truth.
"""

import hashlib
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import DeviceError
from inspector.twin.scenes import GENERATOR_VERSION, SceneSettings, TrueDefect, render

Progress = Callable[[int, int], None]
"""Called with (scenes ready, scenes asked for)."""

_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledScene:
    """One scene of the pool. ``pixels``: read-only, mapped from disk, shape (height, width)."""

    seed: int
    pixels: NDArray[np.uint8]
    defects: tuple[TrueDefect, ...]


def load_pool(
    cache: Path,
    settings: SceneSettings,
    seeds: Sequence[int],
    *,
    workers: int,
    stop: threading.Event,
    on_progress: Progress,
) -> tuple[PooledScene, ...]:
    """Give the scenes of these seeds, rendering what the cache does not hold; () if ``stop`` came first.

    Raises:
        DeviceError: the disk does not take them, or a rendering process died.
    """
    folder = cache / pool_key(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [seed for seed in seeds if not _truth(folder, seed).exists()]
        ready = len(seeds) - len(missing)
        on_progress(ready, len(seeds))
        if missing and workers == 0:
            for seed in missing:
                if stop.is_set():
                    return ()
                _render_to(folder, seed, settings)
                ready += 1
                on_progress(ready, len(seeds))
        elif missing:
            _render_apart(folder, missing, settings, workers, stop, lambda n: on_progress(ready + n, len(seeds)))
        return () if stop.is_set() else tuple(_load(folder, seed) for seed in seeds)
    except OSError as error:
        raise DeviceError(
            f"scene pool {folder}", f"{error.strerror or error}; set another twin.cache_dir", retry=False
        ) from error


def pool_key(settings: SceneSettings) -> str:
    """The folder's name: generator version, size, and a hash over every setting of the scenes."""
    text = json.dumps(asdict(settings), sort_keys=True)
    digest = hashlib.sha256(f"{GENERATOR_VERSION}\n{text}".encode()).hexdigest()[:12]
    return f"v{GENERATOR_VERSION}-{settings.width}x{settings.height}-{digest}"


def _truth(folder: Path, seed: int) -> Path:
    return folder / f"{seed}.json"


def _load(folder: Path, seed: int) -> PooledScene:
    truth = json.loads(_truth(folder, seed).read_text())
    with (folder / f"{seed}.npy").open("rb") as file:  # the first lap must not wait for the disk
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
    pixels: NDArray[np.uint8] = np.load(folder / f"{seed}.npy", mmap_mode="r")
    return PooledScene(seed=seed, pixels=pixels, defects=tuple(TrueDefect(**defect) for defect in truth["defects"]))


def _render_to(folder: Path, seed: int, settings: SceneSettings) -> None:
    scene = render(seed, settings)
    draft = folder / f".{seed}.{os.getpid()}"
    try:
        with draft.open("wb") as file:
            np.save(file, scene.pixels)
        draft.rename(folder / f"{seed}.npy")
        draft.write_text(json.dumps({"texture": scene.texture, "defects": [asdict(d) for d in scene.defects]}))
        draft.rename(_truth(folder, seed))
    finally:
        draft.unlink(missing_ok=True)


def _work(folder: Path, seeds: Sequence[int], settings: SceneSettings, told: Connection) -> None:
    """What a rendering process does. It ends by itself when nobody listens any more."""
    try:
        for seed in seeds:
            _render_to(folder, seed, settings)
            told.send(seed)
    except (BrokenPipeError, KeyboardInterrupt):
        return


def _render_apart(
    folder: Path,
    seeds: Sequence[int],
    settings: SceneSettings,
    workers: int,
    stop: threading.Event,
    on_done: Callable[[int], None],
) -> None:
    """Render these seeds in processes of their own, started fresh: they inherit no lock and no device of ours."""
    context = multiprocessing.get_context("spawn")
    listening: dict[Connection, BaseProcess] = {}
    try:
        for share in range(min(workers, len(seeds))):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=_work, args=(folder, seeds[share::workers], settings, theirs), name="twin-render", daemon=True
            )
            process.start()
            theirs.close()
            listening[ours] = process
        done = 0
        while listening and not stop.is_set():
            spoken = wait(list(listening), timeout=_POLL_S)
            for told in [end for end in listening if end in spoken]:
                try:
                    told.recv()
                except EOFError:
                    ended = listening.pop(told)
                    told.close()
                    _must_have_ended_well(ended)
                    continue
                done += 1
                on_done(done)
    finally:
        for told, left in listening.items():
            left.terminate()
            left.join()
            told.close()


def _must_have_ended_well(process: BaseProcess) -> None:
    process.join()
    if process.exitcode != 0:
        raise DeviceError(
            "scene pool",
            f"a rendering process ended with code {process.exitcode}; start again, finished scenes are kept",
        )
