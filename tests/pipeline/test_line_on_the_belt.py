"""The line, its gate over Modbus and the simulated belt in one process; what stands in for the model names pictures."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.adapters.camera_twin import PLUGIN as CAMERA
from inspector.adapters.camera_twin import CameraTwinSettings
from inspector.adapters.collection_files import open_collection
from inspector.adapters.gate_modbus import PLUGIN as MODBUS
from inspector.adapters.gate_modbus import ModbusGateSettings
from inspector.domain.detection import Detection
from inspector.domain.frame import Pixels
from inspector.domain.inspection import Inspection
from inspector.domain.verdict import Outcome
from inspector.pipeline.detect import Detector
from inspector.pipeline.field import Axis
from inspector.pipeline.line import Line, Tuning
from inspector.pipeline.status import StatusFile
from inspector.pipeline.ticket import Equipment
from inspector.pipeline.tracking import Rest
from inspector.ports.model import TileOutput
from inspector.ports.plugin import Context
from inspector.twin.report import TwinReport, compare
from inspector.twin.scenes import render
from inspector.twin.settings import TwinSettings
from tests import fakes
from tests.adapters.test_tracked_belt import gate_at, io_port
from tests.fakes import CRACK, wait_until
from tests.twin.test_run import port_of, running, settings_for

CONTEXT = Context(station="left", data_dir="", run_dir="")
PITCH_MM, SPEED = 200.0, 1000.0


def score(pixels: Pixels) -> float:
    """A number between 0.3 and 0.9 that tells pictures apart; from 0.5 on it is a crack that fails."""
    return 0.3 + 0.6 * (int(np.sum(pixels[::37, ::41], dtype=np.int64)) % 997) / 997


class Names:
    """Sees one crack in every picture, as sure as the picture's own number."""

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        return (replace(CRACK, score=score(pixels)),)


@contextmanager
def gate_of(mode: str, folder: Path) -> Iterator[Any]:
    if mode == "plc":
        settings = ModbusGateSettings(host="127.0.0.1", port=port_of(folder), encoder=True)
        with MODBUS.open(settings, CONTEXT) as gate:
            yield gate
    else:
        with gate_at(io_port(folder), axis=Axis(mode), rest=Rest.EJECT) as gate:
            yield gate


def run(
    folder: Path, mode: str, *faults: str, parts: int = 24
) -> tuple[TwinReport, dict[int, Inspection], TwinSettings]:
    settings = settings_for(
        folder,
        parts=parts,
        pool=12,
        speed_mm_s=SPEED,
        spacing_mm=PITCH_MM,
        spacing_jitter_mm=10.0,
        faults=faults,
        **({} if mode == "plc" else {"ejector": "io", "io_port": 0, "io_watchdog_ms": 400.0}),
    )
    recorder, stop = fakes.FakeRecorder(), threading.Event()
    with (
        running(settings, folder) as (ended, _),
        gate_of(mode, folder) as gate,
        CAMERA.open(CameraTwinSettings(ring=settings.ring), CONTEXT) as camera,
    ):
        line = Line(
            station=replace(fakes.station(deadline_s=0.35), grab_timeout_s=0.3, min_pitch_s=0.06),
            equipment=Equipment(
                trigger=gate,
                camera=camera,
                gate=gate,
                annunciator=gate,
                recorder=recorder,
                archive=fakes.FakeArchive(),
                evidence=fakes.FakeEvidence(),
                attempts=lambda _serial: 1,
                flush=lambda _: True,
                take_lost=list,
                requests=fakes.FakeRequests(),
                collect_into=open_collection,
                references=fakes.FakeReferences(),
            ),
            detectors={"fake": Detector(card=fakes.card(), runtime=Silent(), decoder=Names())},
            tuning=Tuning(sync_window_s=0.08, hang_limit_s=30.0),
            status=StatusFile(folder / "line"),
            journal_health=recorder.health,
            stop=stop,
        )
        thread = threading.Thread(target=line.run, kwargs={"notify": lambda _: None})
        thread.start()
        report = ended()
        assert wait_until(lambda: len(recorder.closed) >= report.triggers)
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
    return report, {one.part.part_seq: one for one in recorder.closed}, settings


class Silent(fakes.FakeRuntime):
    """Looks at nothing: the decoder sees the picture itself."""

    def run(self, tensor: Any) -> Any:
        return (np.zeros((1, 1, 1, 1), np.uint8),)


def judged(report: TwinReport, book: dict[int, Inspection], settings: TwinSettings) -> int:
    """Every verdict of the model is of the picture of its own part; how many there are."""
    looks = {
        seed: score(render(seed, settings.scenes).pixels) for seed in {row.seed for row in report.rows if row.seed >= 0}
    }
    assert len(set(looks.values())) == len(looks)
    count = 0
    for row in report.rows:
        for number in row.numbers:
            one = book[number]
            if one.detections:
                assert one.detections[0].score == pytest.approx(looks[row.seed]), f"part {number}"
                count += 1
    return count


FAULTS = ("trigger-lost@5", "trigger-doubled@9:25", "trigger-bounced@13:5", "gate-blind@17", "frame-lost@20")


@pytest.mark.parametrize("mode", ["plc", "encoder", "time"])
def test_lost_doubled_and_bounced_triggers_put_no_verdict_on_a_wrong_part(tmp_path: Path, mode: str) -> None:
    report, book, settings = run(tmp_path, mode, *FAULTS)
    assert report.triggers == 24 - 2 + 2
    assert sorted(book) == list(range(1, report.triggers + 1))
    assert judged(report, book, settings) >= 8
    passed = {number for number, one in book.items() if one.verdict.outcome is Outcome.PASS}
    found = compare(report.rows, passed)
    assert (found.wrong, found.missed) == ((), ())
    assert (report.wrong_ejections, report.missed_ejections) == (0, 0)
    rules = Counter(one.verdict.decision.rule for one in book.values())
    assert rules["law.double_trigger"] >= 1
    assert book[report.last_trigger].detections, "it found its way back"


@pytest.mark.parametrize("mode", ["plc", "encoder"])
def test_a_camera_and_a_controller_that_go_away_cost_parts_and_no_truth(tmp_path: Path, mode: str) -> None:
    report, book, settings = run(tmp_path, mode, "camera-gone@5:0.4", "plc-stall@13:0.5", parts=24)
    assert sorted(book) == list(range(1, report.triggers + 1))
    assert judged(report, book, settings) >= 6
    passed = {number for number, one in book.items() if one.verdict.outcome is Outcome.PASS}
    assert compare(report.rows, passed).missed == ()
    assert report.missed_ejections == 0
    undecided = [one for one in book.values() if one.verdict.outcome is Outcome.UNDECIDED]
    assert undecided


def test_the_status_file_tells_the_balance_where_the_line_fires(tmp_path: Path) -> None:
    begun = time.monotonic()
    report, _, _ = run(tmp_path, "encoder", parts=8)
    status = json.loads((tmp_path / "line" / "status.json").read_text())
    assert time.monotonic() > begun
    assert status["balance"]["entries"] == report.parts
    assert status["balance"]["good"] + status["balance"]["rejected"] >= report.parts - 1
    assert status["balance"]["unexpected"] == 0
