"""Measures a model package on demand, in processes of its own, and only while no line of this PC runs."""

import multiprocessing
import os
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from inspector.app import plugins, service
from inspector.app.model_import.bench import NOT_INSTALLED, Pace, measure_one
from inspector.app.model_package import load_card
from inspector.app.runtime_choice.candidates import REFERENCE
from inspector.domain.errors import BusyError, ConfigError
from inspector.pipeline.liveness import StatusWatch
from inspector.ports.liveness import Life
from inspector.ports.packages import Benched, PaceTable, RuntimePace

log = structlog.get_logger(__name__)

ROUNDS = 20
LIMIT_S = 300.0
"""A measurement that takes longer hangs."""
_LOOK_S = 0.1
_NICE = 5
_FIRST_TO_GO = "1000"
_REMEMBERED = 64
_FRAME = "4096x3000"
_FILE = Path("cache") / "bench.json"


class _Remembered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    measured_utc: datetime
    paces: tuple[Pace, ...]


_BOOK = TypeAdapter(dict[str, _Remembered])


class Lines:
    """Which lines of this PC run, by the status files they write."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._watches: dict[Path, StatusWatch] = {}
        self._lock = threading.Lock()

    def running(self) -> str:
        """The name of a station whose line runs, or of which that is not known yet; "" for none."""
        with self._lock:
            for path in sorted(self._run_dir.glob("*/status.json")):
                watch = self._watches.setdefault(path, StatusWatch(path))
                if watch.look().life in {Life.ALIVE, Life.UNKNOWN}:
                    return path.parent.name
        return ""


class BenchJob:
    """Fulfils ``ModelBench``. Figures are kept in a file, by the sha256 of the model.

    Args:
        models: folder of packages.
        lines: of this PC.
        station_dir: where the station's own files stand.
        rounds: frames measured.
    """

    def __init__(self, models: Path, *, lines: Lines, station_dir: Path, rounds: int = ROUNDS) -> None:
        self._models = models
        self._lines = lines
        self._file = station_dir / _FILE
        self._rounds = rounds
        self._lock = threading.Lock()
        self._package = ""
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def hindrance(self) -> str:
        """The station whose line runs. See ``ModelBench``."""
        return self._lines.running()

    def running(self) -> str:
        """The package that is being measured. See ``ModelBench``."""
        return self._package

    def start(self, package: str) -> None:
        """Measure this package. See ``ModelBench``."""
        with self._lock:
            if self._package:
                raise BusyError(f"{self._package} is being measured; one package at a time")
            if line := self.hindrance():
                raise BusyError(
                    f"the line of station {line} runs, and measuring would slow its verdicts; stop it first, or when "
                    "it stands: inspector model list --bench"
                )
            self._package = package
            self._thread = threading.Thread(target=self._measure, args=(package,), name="bench")
            self._thread.start()

    def close(self) -> None:
        """End a measurement that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def benched(self) -> Benched:
        """What was measured, by the sha256 of the model's file."""
        return {sha256: _table(entry) for sha256, entry in self._remembered().items()}

    def _measure(self, package: str) -> None:
        folder = self._models / package
        try:
            sha256 = load_card(folder).sha256
            paces = self._ran(folder)
            worth = any(not pace.trouble for pace in paces) or sha256 not in self._remembered()
            if worth and not self._stop.is_set():  # what was cut short replaces no figures
                self._remember(sha256, _Remembered(measured_utc=datetime.now(UTC), paces=tuple(paces)))
        except ConfigError as error:
            log.warning("bench.refused", package=package, reason=str(error))
        finally:
            self._package = ""

    def _ran(self, folder: Path) -> list[Pace]:
        """The figures of every runtime in turn; why there are none, where it was not to be."""
        paces: list[Pace] = []
        until = time.monotonic() + LIMIT_S
        for kind in sorted(plugins.names("runtime"), key=lambda name: (name != REFERENCE, name)):
            spawn = multiprocessing.get_context("spawn")
            ours, theirs = spawn.Pipe(duplex=False)
            process = spawn.Process(target=_serve, args=(theirs, folder, kind, self._rounds))
            process.start()
            theirs.close()
            try:
                while not ours.poll(_LOOK_S):
                    if why := self._ends(until):
                        return [*paces, Pace(kind=kind, trouble=f"not measured: {why}")]
                paces.append(ours.recv())
            except EOFError:
                process.join()
                paces.append(Pace(kind=kind, trouble=f"the measurement ended with exit code {process.exitcode}"))
            finally:
                ours.close()
                process.kill()
                process.join()
        return [pace for pace in paces if pace.trouble != NOT_INSTALLED]

    def _ends(self, until: float) -> str:
        """Why a measurement under way ends now; "" if it goes on."""
        if line := self._lines.running():
            return f"the line of station {line} was started"
        if self._stop.is_set():
            return "the operators' station was stopped"
        return f"it took longer than {LIMIT_S:g} s" if time.monotonic() > until else ""

    def _remembered(self) -> dict[str, _Remembered]:
        try:
            return _BOOK.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            log.warning("bench.forgotten", file=str(self._file), reason=str(error).splitlines()[0])
            return {}

    def _remember(self, sha256: str, entry: _Remembered) -> None:
        entries = {**self._remembered(), sha256: entry}
        kept = dict(sorted(entries.items(), key=lambda pair: pair[1].measured_utc)[-_REMEMBERED:])
        draft = self._file.with_suffix(".tmp")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(_BOOK.dump_json(kept, indent=1))
            draft.replace(self._file)
        except OSError as error:
            log.warning("bench.not_remembered", file=str(self._file), reason=error.strerror)


def _serve(pipe: Connection, folder: Path, kind: str, rounds: int) -> None:
    """The measurement, a little behind all else, and the first to end where memory ends."""
    service.configure_logs()
    with suppress(OSError):  # a hardened unit forbids it, and has a priority of its own
        os.nice(_NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")
    pipe.send(measure_one(folder, kind, rounds, 0))


def _table(entry: _Remembered) -> PaceTable:
    able = [pace for pace in entry.paces if not pace.trouble]
    fastest = min(able, key=lambda pace: pace.p50_ms).kind if able else ""
    return PaceTable(
        measured_utc=entry.measured_utc,
        frame=_FRAME,
        paces=tuple(
            RuntimePace(
                kind=pace.kind,
                runtime=pace.runtime,
                median_ms=pace.p50_ms if not pace.trouble else None,
                p99_ms=pace.p99_ms if not pace.trouble else None,
                memory_mb=pace.memory_mb if not pace.trouble else None,
                chosen=pace.kind == fastest,
                trouble=pace.trouble,
            )
            for pace in entry.paces
        ),
    )
