"""A station with a real book, real pictures, a line that lives and four people, served on a port of its own."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
from fastapi import FastAPI

from inspector.adapters import journal_sql
from inspector.adapters.evidence_files import open_evidence
from inspector.app import settings
from inspector.app.parts import check_parts
from inspector.app.web_accounts import open_them
from inspector.app.web_station import open_station
from inspector.domain.account import Account, Role
from inspector.domain.detection import Detection
from inspector.domain.frame import PixelFormat
from inspector.domain.geometry import Box
from inspector.domain.inspection import Disposal, EvidenceRef, Inspection
from inspector.domain.verdict import Decision, Defect, Outcome, Severity, Verdict
from inspector.pipeline.status import StatusFile
from inspector.web.app import create_app
from inspector.web.server import server_of
from inspector.web.station import Station
from tests.adapters.evidence_frames import frame_of
from tests.adapters.journal_sql.records import STATION, inspection, opened, part
from tests.fakes import wait_until

SECRETS = {
    Role.OPERATOR: ("mara", "4711"),
    Role.ENGINEER: ("enzo", "screwdriver7"),
    Role.QUALITY: ("quirin", "micrometer9"),
    Role.ADMIN: ("ada", "keeper-of-keys"),
}
EVIL = "<b>\"Ω'\u202eLOT\U0001f600"
WIDTH, HEIGHT = 1200, 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """Where it is, and what stands in its book.

    ``line``: its status file is written while this is set; ``status``: what is written; a test may change it.
    """

    folder: Path
    url: str
    station: Station
    app: FastAPI
    line: threading.Event
    status: dict[str, Any]
    parts: tuple[Inspection, ...]

    @property
    def rejects(self) -> list[Inspection]:
        """What waits, oldest first."""
        return [one for one in self.parts if one.verdict.outcome is not Outcome.PASS]

    @property
    def recipe(self) -> str:
        """The sha256 of the recipe in use."""
        return str(self.status["recipe"]["sha256"])

    @property
    def journal(self) -> Path:
        """The book's file."""
        return self.folder / "data" / STATION / "journal.sqlite3"

    @contextmanager
    def client(self, role: Role | None = None) -> Iterator[httpx.Client]:
        """A program's client, signed in as this role."""
        with httpx.Client(base_url=self.url, timeout=20, headers={"Accept": "application/json"}) as client:
            if role is not None:
                name, secret = SECRETS[role]
                answer = client.post("/api/session", json={"name": name, "secret": secret})
                assert answer.status_code == 200, answer.text
                client.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield client


@contextmanager
def open_plant(folder: Path, repo: Path, *, parts: int = 24, web: str = "") -> Iterator[Plant]:
    """A station that was just set up: ``parts`` parts in the book, every third a reject."""
    config = folder / "config"
    (config / "stations").mkdir(parents=True)
    (config / "inspector.toml").write_text(
        f'[paths]\ndata_dir = "{folder}/data"\nrun_dir = "{folder}/run"\nmodels_dir = "{repo}/models"\n'
        f'recipes_dir = "{folder}/recipes"\n'
    )
    shutil.copytree(repo / "config" / "recipes", folder / "recipes")
    (config / "stations" / f"{STATION}.toml").write_text(
        '[scale]\nid = "plate"\npx_per_mm = 20.0\n[camera]\nkind = "folder"\npath = "/nowhere"\n'
        '[trigger]\nkind = "free"\n[gate]\nkind = "modbus"\nhost = "127.0.0.1"\nport = 1502\n'
        '[[sink]]\nkind = "mqtt"\nhost = "127.0.0.1"\nport = 1883\n'
        f"[web]\nport = 0\n{web}"
    )
    (folder / "data" / STATION).mkdir(parents=True)
    written = write_parts(folder / "data" / STATION, parts)
    with journal_sql.open_journal(folder / "data" / STATION / "journal.sqlite3", station=STATION) as book:
        recipe = book.revision("recipe", "critical", (folder / "recipes" / "critical.toml").read_text())
    with open_them(folder / "data") as (accounts, hasher):
        for role, (name, secret) in SECRETS.items():
            accounts.add(Account(name=name, role=role, secret_hash=hasher.hashed(secret)))
    line = threading.Event()
    line.set()
    with ExitStack() as stack:
        status = status_of_a_line(recipe)
        stack.enter_context(living_line(folder / "run" / STATION, line, status))
        station = stack.enter_context(open_station(check_parts(settings.load(config, STATION))))
        app = create_app(station)
        url = stack.enter_context(served(app))
        yield Plant(folder=folder, url=url, station=station, app=app, line=line, status=status, parts=written)


def write_parts(folder: Path, count: int) -> tuple[Inspection, ...]:
    """Write parts as a line does, with pictures of the rejects; every third is one, and the newest is one."""
    written: list[Inspection] = []
    now = datetime.now(UTC)
    journal = folder / "journal.sqlite3"
    with (
        open_evidence(folder / "evidence") as evidence,
        journal_sql.open_recorder(journal, station=STATION) as recorder,
        journal_sql.open_journal(journal, station=STATION) as book,
    ):
        book.resume(0, now)
        for number in range(1, count + 1):
            at = now - timedelta(seconds=2 * (count - number) + 1)
            verdict = cracked(number) if number % 3 == 0 else clean()
            changes: dict[str, object] = {"serial": f"SN-{number:05}", "lot": EVIL}
            ref = None
            if verdict.defects:
                frame = frame_of(picture(verdict), PixelFormat.BGR8)
                name = f"{at:%Y/%m/%d}/{STATION}-{number}"
                ref = evidence.put(frame, verdict.defects, name=name, lossless=False, heat=heat(verdict))
            one = inspection(
                number,
                verdict,
                created_utc=at + timedelta(milliseconds=40),
                opened_utc=at,
                evidence=ref,
                detections=tuple(defect.detection for defect in verdict.defects),
                **changes,
            )
            opening = opened(number, serial=str(changes["serial"]), lot=EVIL)
            recorder.open(replace(opening, opened_utc=at))
            recorder.close(one)
            if verdict.defects:
                recorder.note(
                    Disposal(part=part(number), station=STATION, commanded="reject", confirmed=True, bin="2", at_utc=at)
                )
            written.append(one)
        assert recorder.flush(20)
    return tuple(written)


def clean() -> Verdict:
    """A good part."""
    return Verdict(
        outcome=Outcome.PASS,
        reason="no defect",
        decision=Decision(rule="defects.none", measured=0, limit=0, unit="count"),
    )


def cracked(number: int) -> Verdict:
    """A bad part with a critical crack and a stain; every second one has the crack in the band."""
    sure = number % 2 == 0
    crack = Detection(
        label="crack",
        score=0.91,
        box=Box(x=300 + 10 * number, y=250, width=180, height=24),
        length_px=182,
        width_px=6,
        area_px=900,
    )
    stain = Detection(
        label="stain", score=0.6, box=Box(x=800, y=600, width=90, height=70), length_px=95, width_px=70, area_px=5000
    )
    return Verdict(
        outcome=Outcome.FAIL if sure else Outcome.UNDECIDED,
        reason="crack length 9.1 mm > 3 mm",
        decision=Decision(rule="class.crack.min_length_mm.any", measured=9.1, limit=3.0, unit="mm"),
        defects=(
            _defect(crack, Severity.CRITICAL, 3.0, sure=sure),
            _defect(stain, Severity.MINOR, 1.0, sure=True),
        ),
        severity_score=3.33,
    )


def _defect(seen: Detection, severity: Severity, weight: float, *, sure: bool) -> Defect:
    return Defect(
        detection=seen,
        severity=severity,
        weight=weight,
        sure=sure,
        rule=f"class.{seen.label}",
        length_mm=seen.length_px / 20,
        width_mm=seen.width_px / 20,
        area_mm2=seen.area_px / 400,
    )


def picture(verdict: Verdict) -> np.ndarray:
    """Brushed metal with the defects on it."""
    grain = np.random.default_rng(3).normal(150, 9, (HEIGHT, 1)).astype(np.float32)
    pixels = np.repeat(np.repeat(grain, WIDTH, axis=1)[:, :, None], 3, axis=2)
    for defect in verdict.defects:
        box = defect.detection.box
        x, y, width, height = int(box.x), int(box.y), int(box.width), int(box.height)
        if defect.detection.label == "crack":
            for step in range(width):
                row = y + height // 2 + int(6 * np.sin(step / 9))
                pixels[row - 2 : row + 3, x + step] = 35
        else:
            pixels[y : y + height, x : x + width] *= 0.8
    return np.clip(pixels, 0, 255).astype(np.uint8)


def heat(verdict: Verdict) -> np.ndarray:
    """A model's map of the picture: warm grain, hot defects."""
    cells = np.random.default_rng(4).integers(0, 30, (HEIGHT // 8, WIDTH // 8), np.uint8)
    for defect in verdict.defects:
        box = defect.detection.box
        rows, columns = (
            slice(int(box.y) // 8, int(box.bottom) // 8 + 1),
            slice(int(box.x) // 8, int(box.right) // 8 + 1),
        )
        cells[rows, columns] = round(defect.detection.score * 255)
    return cells


def status_of_a_line(recipe: str) -> dict[str, Any]:
    """What a line says of itself that judges by this revision of critical."""
    return {
        "station": STATION,
        "alive": True,
        "state": "ContinuousExecution",
        "counters": {"pass": 1, "fail": 0, "undecided": 0},
        "recipe": {"name": "critical", "sha256": recipe},
        "recipes": [{"slot": "critical", "name": "critical", "sha256": recipe, "job": 0}],
        "model": {
            "name": "surface-small",
            "version": "0.1.0",
            "sha256": "b2" * 32,
            "runtime": "",
            "runtime_choice": "",
        },
        "health": {
            "alarms": {},
            "plc": {"alive": True, "reason": ""},
            "journal": {"waiting": 0, "lost": 0, "error": ""},
        },
        "plc": {"from_plc.status.enable": 1, "from_plc.trigger_seq_high": 1, "from_plc.trigger_seq_low": 2}
        | {"from_plc.part_id_0": 0x534E, "from_plc.part_id_1": 0x3700, "to_plc.state.online": 1}
        | {"to_plc.state.ready": 1, "to_plc.state.error": 0, "to_plc.state.bypass": 0},
        "links": {
            "gate": {"device": "", "alive": True, "reason": "", "since_utc": "2026-11-24T08:00:00Z"},
            "camera": {"device": "cam 7", "alive": False, "reason": "no frame", "since_utc": "2026-11-24T09:00:00Z"},
        },
        "handshake": [
            {
                "part_seq": 65538,
                "part_id": EVIL,
                "job": 0,
                "encoder": None,
                "trigger_utc": "2026-11-24T09:00:01.5Z",
                "outcome": "FAIL",
                "rule": "class.crack.min_length_mm.any",
                "told": "acknowledged",
                "told_ms": 41.2,
                "answered_ms": 52.9,
            }
        ],
        "forced": {"outputs": ["to_plc.state.online", "to_plc.state.bypass"], "driven": []},
        "queues": {"handoff": 0, "paper": 0},
        "software": "inspector 0.1.0",
        "latency_ms": {"p50": 40.0, "p99": 80.0, "max": 90.0},
    }


@contextmanager
def living_line(
    run_dir: Path, alive: threading.Event, content: dict[str, Any], *, name: str = "status"
) -> Iterator[None]:
    """Writes the status file as a line does, while ``alive`` is set; ``name``: "follow" for the follower's."""
    status, stop = StatusFile(run_dir, name), threading.Event()

    def write() -> None:
        while not stop.is_set():
            if alive.is_set():
                status.write(content)
            stop.wait(0.2)

    writer = threading.Thread(target=write, name="line")
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def sink(**more: object) -> dict[str, object]:
    """What a follower says of a sink that is well."""
    return {"device": "broker", "alive": True, "reason": "", "since_utc": "2026-11-24T08:00:00Z", "lag": 3, **more}


@contextmanager
def following(plant: Plant, told: dict[str, object]) -> Iterator[None]:
    """A follower that lives, as its status file says."""
    run_dir, alive = plant.folder / "run" / plant.station.name, threading.Event()
    alive.set()
    with living_line(run_dir, alive, {"state": "Running", "sinks": {"mqtt": told}}, name="follow"):
        yield


@contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[str]:
    """The app on a free port of 127.0.0.1."""
    server = server_of(app, host="127.0.0.1", port=port)
    thread = threading.Thread(target=server.run, name="web")
    thread.start()
    try:
        assert wait_until(lambda: server.started or not thread.is_alive(), 30)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def add_part(plant: Plant, number: int, verdict: Verdict, *, evidence: EvidenceRef | None = None) -> UUID:
    """One more part, as the line writes it."""
    now = datetime.now(UTC)
    one = inspection(number, verdict, created_utc=now, opened_utc=now, evidence=evidence, detections=())
    with journal_sql.open_recorder(plant.journal, station=STATION) as recorder:
        recorder.open(replace(opened(number), opened_utc=now))
        recorder.close(one)
        assert recorder.flush(20)
    return one.result_id
