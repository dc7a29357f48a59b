"""Measure what keeps the loop punctual, before and after: ``python -m tools.punctuality --pitch-ms 60 --seconds 10``.

Frames of 12 megapixels come at a pitch, wait in a handoff of some depth, are looked at, and every fifth is written as
JPEG and synchronised to the disk beside it. Each way of running is tried in turn, round by round, in a process of its
own. A frame that found the handoff full is an overrun.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspector.app.bench import machine
from inspector.app.model_package import load_card
from inspector.app.open_model import open_model
from inspector.app.runtime_choice.candidates import installed
from inspector.domain.frame import PixelFormat
from inspector.pipeline import punctuality
from inspector.pipeline.handoff import Handoff
from inspector.pipeline.pool import FramePool, Loan
from inspector.ports.plugin import Context
from inspector.twin.scenes import SceneSettings, render

SCHEMA = "inspector.punctuality/1"
_EVIDENCE_EVERY = 5
_SPARE_FRAMES = 4
_LAST_WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of running the loop."""

    name: str
    depth: int = 2
    steady: bool = True
    locked: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a way did: frames, and milliseconds from a frame's arrival to its answer."""

    way: Way
    frames: int
    overruns: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is the same for all ways."""

    package: Path
    runtime: str
    pitch_s: float
    seconds: float
    neighbour: bool


def ways(depths: list[int], priority: int) -> list[Way]:
    """Each depth of the handoff, and at the line's own depth each measure taken away or added."""
    plain = Way(name="as the line runs")
    return [
        *(replace(plain, name=f"handoff depth {depth}", depth=depth) for depth in depths),
        replace(plain, name="collector and switches as Python has them", steady=False),
        replace(plain, name="memory locked", locked=True),
        replace(plain, name=f"real-time priority {priority}", priority=priority),
        replace(plain, name="both", locked=True, priority=priority),
    ]


@contextmanager
def _measures(way: Way) -> Iterator[None]:
    with ExitStack() as stack:
        if way.steady:
            stack.enter_context(punctuality.steady())
        if way.locked:
            punctuality.lock_memory()
            stack.callback(punctuality.unlock_memory)
        yield


def _judge(setup: Setup, way: Way) -> Run:
    card = load_card(setup.package)
    picture = render(0, SceneSettings(defect_rate=1.0)).pixels
    height, width = picture.shape
    priority = punctuality.granted(way.priority)
    with ExitStack() as stack:
        early = stack.enter_context(ExitStack())
        early.enter_context(punctuality.ahead(priority))
        runtime = installed(threads=0, where=str(setup.package))[setup.runtime]
        context = Context(station="punctuality", data_dir="", run_dir="")
        eye = stack.enter_context(open_model(card, runtime=runtime, context=context))
        pool = FramePool(
            count=way.depth + _SPARE_FRAMES,
            shape=picture.shape,
            dtype=np.dtype(np.uint8),
            margins=eye.margins(height, width),
        )
        eye.warm_up(height, width)
        early.close()
        handoff: Handoff[tuple[float, Loan]] = Handoff(way.depth)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        late: list[float] = []
        writers: list[threading.Thread] = []
        ended = threading.Event()

        def look() -> None:
            with punctuality.ahead(priority):
                while (got := handoff.get(_LAST_WAIT_S if not ended.is_set() else 0.0)) is not None:
                    came, loan = got
                    eye.detect(loan.buffer, PixelFormat.MONO8, loan.canvas)
                    late.append((time.monotonic() - came) * 1e3)
                    if len(late) % _EVIDENCE_EVERY == 0:
                        writers.append(threading.Thread(target=_keep, args=(loan, folder)))
                        writers[-1].start()
                    else:
                        loan.release()

        stack.enter_context(_measures(way))
        stack.enter_context(_neighbour(busy=setup.neighbour))
        thread = threading.Thread(target=look)
        thread.start()
        sent, overruns = _feed(setup, pool, handoff, picture)
        ended.set()
        thread.join()
        for writer in writers:
            writer.join()
    figures = np.percentile(late, [50, 99, 100])
    return Run(
        way=way,
        frames=sent,
        overruns=overruns,
        p50_ms=float(figures[0]),
        p99_ms=float(figures[1]),
        max_ms=float(figures[2]),
    )


def _feed(setup: Setup, pool: FramePool, handoff: Handoff[tuple[float, Loan]], picture: object) -> tuple[int, int]:
    sent, overruns, begun = 0, 0, time.monotonic()
    while time.monotonic() - begun < setup.seconds:
        time.sleep(max(begun + sent * setup.pitch_s - time.monotonic(), 0.0))
        sent += 1
        came, loan = time.monotonic(), pool.lend()
        if loan is None:
            overruns += 1
            continue
        np.copyto(loan.buffer, np.asarray(picture, np.uint8))
        if not handoff.put((came, loan)):
            loan.release()
            overruns += 1
    return sent, overruns


def _keep(loan: Loan, folder: Path) -> None:
    _, encoded = cv2.imencode(".jpg", loan.buffer, [cv2.IMWRITE_JPEG_QUALITY, 90])
    loan.release()
    with (folder / f"{threading.get_ident()}.jpg").open("wb") as file:
        file.write(encoded.tobytes())
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _neighbour(*, busy: bool) -> Iterator[None]:
    """A thread that computes in Python and leaves rubbish for the collector, as a careless plug-in would."""
    stop = threading.Event()

    def work() -> None:
        kept: list[list[object]] = []
        while not stop.is_set():
            ring: list[object] = [0] * 50
            ring.append(ring)
            kept = [*kept[-2000:], ring]

    thread = threading.Thread(target=work)
    if busy:
        thread.start()
    yield
    stop.set()
    if busy:
        thread.join()


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, default=Path("models/surface-small"))
    parser.add_argument("--runtime", default="onnx")
    parser.add_argument("--pitch-ms", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--depths", type=int, nargs="*", default=[1, 2, 3, 4])
    parser.add_argument("--priority", type=int, default=10)
    parser.add_argument("--neighbour", action="store_true", help="a busy Python thread beside the loop")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    setup = Setup(
        package=given.package,
        runtime=given.runtime,
        pitch_s=given.pitch_ms / 1e3,
        seconds=given.seconds,
        neighbour=given.neighbour,
    )
    runs = []
    spawn = multiprocessing.get_context("spawn")
    for _ in range(given.rounds):
        for way in ways(given.depths, given.priority):
            with spawn.Pool(1) as pool:
                runs.append(pool.apply(_judge, (setup, way)))
    if given.json:
        about = {"machine": machine.describe(), "load": os.getloadavg(), "pitch_ms": given.pitch_ms}
        told = {"package": given.package.name, "runtime": given.runtime, "neighbour": given.neighbour}
        print(json.dumps({"schema": SCHEMA, **about, **told, "runs": [asdict(run) for run in runs]}, indent=1))
        return
    print(
        f"load {os.getloadavg()[0]:.1f}; {given.package.name} on {given.runtime}, a frame every {given.pitch_ms:g} ms"
    )
    for row in summed([asdict(run) for run in runs]):
        print(
            f"{row['name']:44} p50 {row['p50_ms']:7.1f}  p99 {row['p99_ms']:7.1f}  max {row['max_ms']:7.1f} ms  "
            f"overruns {row['overruns']} of {row['frames']}"
        )


def summed(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a way: frames and overruns of all rounds, the rounds' median p50 and p99, and the highest of all."""
    rows = []
    for name in dict.fromkeys(run["way"]["name"] for run in runs):
        own = [run for run in runs if run["way"]["name"] == name]
        rows.append(
            {
                "name": name,
                "frames": sum(run["frames"] for run in own),
                "overruns": sum(run["overruns"] for run in own),
                **{key: float(np.median([run[key] for run in own])) for key in ("p50_ms", "p99_ms")},
                "max_ms": max(run["max_ms"] for run in own),
            }
        )
    return rows


if __name__ == "__main__":
    main()
