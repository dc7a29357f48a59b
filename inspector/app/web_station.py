"""Composes the operators' station: what it is handed, and the server that runs it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import isnan
from pathlib import Path

import cv2
import numpy as np
import structlog

from inspector.adapters import journal_sql
from inspector.adapters.evidence_reading import EvidenceReader
from inspector.adapters.live_files import LiveFiles
from inspector.app import model_signature, service
from inspector.app.bench_job import BenchJob, Lines
from inspector.app.calibration.board import measured_on
from inspector.app.export.download import TableDesk
from inspector.app.export.label_zip import LabelZips
from inspector.app.first_admin import FIRST_ADMIN, ensure_first_admin
from inspector.app.model_shelf import ModelFolder
from inspector.app.one_shot import open_with
from inspector.app.parts import SOFTWARE, Parts, check_parts, make_folders
from inspector.app.runtime_choice import choice
from inspector.app.station_recipes import read_recipe, recipe_file
from inspector.app.tables import WebTable
from inspector.app.web_accounts import Register, open_them
from inspector.app.web_names import host_names
from inspector.app.wiring import wiring_of
from inspector.domain.errors import ConfigError, DeviceError, FrameError
from inspector.domain.inspection import Inspection
from inspector.domain.shifts import ShiftPlan
from inspector.pipeline.liveness import StatusWatch
from inspector.pipeline.records import one_shot, publication
from inspector.ports.journal import Entry
from inspector.web.app import create_app
from inspector.web.server import server_of
from inspector.web.station import Json, Site, Station

log = structlog.get_logger(__name__)

MOST_PIXELS = 1 << 26
"""Of a picture that a program sends: 67 million, 8192 x 8192; one of 48 MB can say that it has many more."""
REASONS = {
    "agree": ("confirmed",),
    "disagree": ("dirt", "reflection", "within-tolerance", "position", "missed", "other"),
    "unsure": ("second-opinion", "picture", "other"),
}


@contextmanager
def open_station(parts: Parts) -> Iterator[Station]:
    """Open everything the station needs; the journal may still be missing only for as long as its line never ran.

    Raises:
        ConfigError, JournalError: what a human must mend.
    """
    table, name = parts.loaded.settings.web, parts.loaded.name
    make_folders(parts)
    journal_sql.migrate(parts.journal)
    data_dir = parts.loaded.path("data_dir")
    with ExitStack() as stack:
        accounts, hasher = stack.enter_context(open_them(data_dir))
        book = stack.enter_context(journal_sql.open_journal(parts.journal, station=name))
        people = stack.enter_context(journal_sql.open_for_people(parts.journal, station=name))
        register = Register(accounts=accounts, hasher=hasher, trail=people.audit, who="inspector web")
        _tell_first_admin(ensure_first_admin(register, data_dir))
        requests = stack.enter_context(journal_sql.open_requests(parts.journal, station=name))
        models_dir = parts.loaded.path("models_dir")
        lines = Lines(parts.loaded.path("run_dir"))
        bench = stack.enter_context(closing(BenchJob(models_dir, lines=lines, station_dir=parts.journal.parent)))
        yield Station(
            name=name,
            software=SOFTWARE,
            site=_site(parts, table),
            accounts=accounts,
            staff=lambda who: replace(register, who=who, signed=True),
            sessions=accounts,
            failures=accounts,
            secrets=hasher,
            book=book,
            queue=people.desk,
            desk=people.desk,
            history=people.history,
            names=people.history,
            figures=people.figures,
            lots=people.figures,
            alarms=people.alarms,
            audit=people.audit,
            shelf=people.shelf,
            archive=people.archive,
            models=ModelFolder(
                models_dir,
                trusted=model_signature.trust(parts.loaded.trusted_keys),
                chosen=lambda: list(choice.remembered(parts).values()),
                benched=bench.benched,
            ),
            bench=bench,
            scale=parts.scale,
            activations=people.activations,
            slots=parts.slots,
            read_recipe=partial(read_recipe, parts),
            recipe_file=partial(recipe_file, parts),
            pictures=EvidenceReader(parts.evidence),
            line=StatusWatch(parts.run_dir / "status.json"),
            follower=StatusWatch(parts.run_dir / "follow.json"),
            live=LiveFiles(parts.run_dir),
            wiring=wiring_of(parts),
            requests=requests,
            table=TableDesk(people.history).make,
            labels=LabelZips(people.archive, parts.evidence),
            inspect=_Eye(parts).judge,
            measure=_Ruler().measure,
            record=_record,
            now=lambda: datetime.now(UTC),
        )


def serve(parts: Parts) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    Raises:
        DeviceError: the port is not free.
    """
    table = parts.loaded.settings.web
    with open_station(parts) as station:
        app = create_app(
            station,
            started=lambda: service.notify("READY=1"),
            alive=lambda: service.notify("WATCHDOG=1"),
        )
        server = server_of(
            app,
            host=table.host,
            port=table.port,
            certificate=_file(parts, table.tls_certificate),
            key=_file(parts, table.tls_key),
        )
        log.info("web.starting", address=address(table))
        server.run()
        service.notify("STOPPING=1")
        if not server.started:
            raise DeviceError("web", f"cannot listen on {table.host}:{table.port}; name another with web.port")
    return 0


def _file(parts: Parts, path: Path | None) -> str | None:
    return None if path is None else str(parts.loaded.folder / path)


def address(table: WebTable) -> str:
    """Where a browser on this PC finds it."""
    scheme = "https" if table.tls_certificate else "http"
    return f"{scheme}://{'[::1]' if table.host == '::1' else table.host}:{table.port}"


def _site(parts: Parts, table: WebTable) -> Site:
    site, golden = parts.loaded.settings.site, table.golden_dir
    return Site(
        language=table.language,
        words={str(outcome): word for outcome, word in table.words.items()},
        shifts=ShiftPlan.of(site.time_zone, dict(site.shifts)),
        px_per_mm=table.px_per_mm,
        reasons={**REASONS, **{str(opinion): codes for opinion, codes in table.reasons.items()}},
        open_live=table.open_live,
        origins=table.origins,
        hosts=host_names(table, certificate=_file(parts, table.tls_certificate)),
        hsts_days=table.hsts_days,
        secure=table.tls_certificate is not None or any(origin.startswith("https://") for origin in table.origins),
        golden=golden if golden.is_absolute() else parts.loaded.folder / golden,
    )


def _tell_first_admin(path: Path | None) -> None:
    """Say it to the person at the terminal, once; a log keeps only where it stands."""
    if path is None:
        return
    if sys.stderr.isatty():
        sys.stderr.write(f"first sign-in: {FIRST_ADMIN}, password {path.read_text(encoding='utf-8').strip()}\n")
        path.unlink()
    else:
        log.warning("web.first_admin", account=FIRST_ADMIN, password_in=str(path))


def _record(inspection: Inspection) -> Json:
    """An inspection of the book as it is published, without its number there."""
    entry = Entry(journal_seq=1, event=inspection)
    payload = dict(publication(entry, now=datetime.now(UTC)).payload)
    del payload["journalSeq"]
    return payload


class _Ruler:
    """Measures the scale on pictures, by the code of `inspector camera calibrate`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def measure(self, picture: bytes, board: str) -> Json:
        """One picture; one at a time, so that the line keeps the processor."""
        light = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
        if light is None:
            raise FrameError("the picture cannot be read")
        with self._lock:
            found = measured_on(board, [np.asarray(light, np.uint8)])
        return {
            "board": board,
            "px_per_mm": round(found.px_per_mm, 6),
            "residual_px": None if isnan(found.residual_px) else round(found.residual_px, 4),
            "squeeze": round(found.squeeze, 5),
            "tilt": round(found.tilt, 5),
            "corners": found.corners,
        }


class _Eye:
    """Judges single pictures by the station's own recipe and model, opened anew for each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()

    def judge(self, path: Path) -> Json:
        """One file; one at a time, so that the line keeps the processor."""
        parts = check_parts(self._parts.loaded)  # another revision may be in use by now
        if parts.scale is None:
            raise ConfigError("no [scale] is set: limits in mm mean nothing without; set px_per_mm")
        opened = open_with(parts.card, parts.recipes[0], px_per_mm=parts.scale.px_per_mm)
        with self._lock, opened as eye:
            return one_shot(eye.judge(path, most_px=MOST_PIXELS).inspection)
