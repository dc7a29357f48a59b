"""A whole simulated line, with a ten-line stand-in for ours on the other side of the wire."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from inspector.domain.errors import DeviceError
from inspector.domain.recipe import ClassRule, Recipe
from inspector.twin.plc import crc16
from inspector.twin.report import TwinReport
from inspector.twin.run import run_twin
from inspector.twin.settings import TwinSettings

ANY_FAILS = Recipe(name="any", model="m", classes={}, other=ClassRule(any_fails=True))
PERMIT = 1 | 2 | 64


def settings_for(tmp_path: Path, **wanted: object) -> TwinSettings:
    asked: dict[str, object] = {
        "width": 512,
        "height": 384,
        "pool": 6,
        "parts": 20,
        "render_workers": 0,
        "cache_dir": tmp_path / "cache",
        "ring": f"twin-test-{os.getpid()}-{tmp_path.name}"[:64],
        "plc_port": 0,
        "speed_mm_s": 2000.0,
        "spacing_mm": 100.0,
        "spacing_jitter_mm": 10.0,
        "ejector_distance_mm": 400.0,
        "scan_ms": 2.0,
    }
    return TwinSettings(**{**asked, **wanted})


@contextmanager
def running(settings: TwinSettings, report_dir: Path) -> Iterator[tuple[Callable[[], TwinReport], threading.Event]]:
    ended: list[TwinReport | Exception] = []
    stop = threading.Event()

    def work() -> None:
        try:
            ended.append(run_twin(settings, ANY_FAILS, report_dir=report_dir, stop=stop))
        except DeviceError as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()

    def report() -> TwinReport:
        thread.join(30)
        assert not thread.is_alive()
        (end,) = ended
        if isinstance(end, Exception):
            raise end
        return end

    try:
        yield report, stop
    finally:
        stop.set()
        thread.join(30)


def port_of(report_dir: Path) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (report_dir / "twin.json").exists():
            port = json.loads((report_dir / "twin.json").read_text()).get("plc_port", 0)
            if port:
                return int(port)
        threading.Event().wait(0.01)
    raise AssertionError("the simulated line never said its port")


class StandIn:
    """Polls the trigger counter and answers each part with the code that ``answer`` gives, after the echo."""

    def __init__(self, port: int, answer: Callable[[int], int]) -> None:
        self.client = ModbusTcpClient("127.0.0.1", port=port, timeout=1, retries=0)
        self.answer = answer
        self.heartbeat = 0

    def write(self, part_seq: int, code: int, state: int = PERMIT) -> None:
        self.heartbeat = self.heartbeat % 65535 + 1
        words = [1, self.heartbeat, state, part_seq >> 16, part_seq & 0xFFFF, code, 0]
        assert not self.client.write_registers(0, [*words, crc16(words)]).isError()

    def read(self) -> tuple[int, int]:
        words = self.client.read_holding_registers(100, count=17).registers
        return words[1] << 16 | words[2], words[3] << 16 | words[4]

    def work(self, until: int) -> None:
        assert self.client.connect()
        done, last, code, beat = 0, 0, 0, 0.0
        deadline = time.monotonic() + 20
        while done < until and time.monotonic() < deadline:
            counted, echoed = self.read()
            if counted > done and last in (0, echoed):
                done += 1
                code = self.answer(done)
                last = done if code else 0
                self.write(done if code else 0, code)
                beat = time.monotonic()
            elif time.monotonic() - beat > 0.1:
                self.write(last, code if last else 0)
                beat = time.monotonic()
        self.client.close()
        assert done == until


def test_a_run_ends_with_every_part_accounted_for(tmp_path: Path) -> None:
    with running(settings_for(tmp_path), tmp_path) as (ended, _):
        StandIn(port_of(tmp_path), lambda part: {0: 1, 1: 2, 2: 3, 3: 0}[part % 4]).work(20)
        report = ended()
    assert report.finished
    assert (report.triggers, report.last_trigger, report.on_belt) == (20, 20, 0)
    assert (report.passed, report.ejected) == (5, 15)
    assert report.codes == {"ok": 5, "ng": 5, "undecided": 5, "none": 5}
    assert (report.wrong_ejections, report.missed_ejections) == (0, 0)
    assert report.undecided == 10
    rows = report.rows
    assert [row.part_seq for row in rows] == list(range(1, 21))
    assert report.escapes == sum(row.truth.name == "FAIL" and not row.ejected for row in rows)
    assert report.false_rejects == sum(row.truth.name != "FAIL" and row.code.name == "NG" for row in rows)
    assert sum(report.truth.values()) == 20
    assert report.refused == {}


def test_twin_json_and_the_report_file_tell_the_same_as_the_report(tmp_path: Path) -> None:
    with running(settings_for(tmp_path, parts=3), tmp_path) as (ended, _):
        StandIn(port_of(tmp_path), lambda _: 1).work(3)
        report = ended()
    status = json.loads((tmp_path / "twin.json").read_text())
    assert status["state"] == "finished"
    assert {key: status[key] for key in report.figures()} == json.loads(json.dumps(report.figures()))
    written = json.loads((tmp_path / "twin_report.json").read_text())
    assert len(written["rows"]) == 3
    assert written["rows"][0]["reason"] == "OK in time"
    assert not list(tmp_path.glob(".*.new"))


def test_when_nobody_answers_any_more_the_belt_goes_on_and_everything_is_ejected(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, parts=8, heartbeat_timeout_s=0.1)
    with running(settings, tmp_path) as (ended, _):
        StandIn(port_of(tmp_path), lambda _: 1).work(2)
        report = ended()
    assert (report.passed, report.ejected) == (2, 6)
    assert report.codes["none"] == 6
    assert (report.wrong_ejections, report.missed_ejections) == (0, 0)


def test_no_part_comes_before_the_permit(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, permit_timeout_s=0.3)
    with running(settings, tmp_path) as (ended, _):
        stand_in = StandIn(port_of(tmp_path), lambda _: 1)
        assert stand_in.client.connect()
        stand_in.write(0, 0, state=1 | 2)
        with pytest.raises(DeviceError, match=r"no run_permit from the line within 0\.3 s"):
            ended()
        stand_in.client.close()


def test_without_permit_the_belt_stands_if_so_set(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, parts=0, stop_without_permit=True, heartbeat_timeout_s=0.1)
    with running(settings, tmp_path) as (ended, stop):
        StandIn(port_of(tmp_path), lambda _: 1).work(2)
        deadline = time.monotonic() + 10
        while json.loads((tmp_path / "twin.json").read_text())["state"] != "standing":
            assert time.monotonic() < deadline
            stop.wait(0.02)
        stop.set()
        report = ended()
    assert not report.finished
    assert report.triggers == report.passed + report.ejected + report.on_belt
    assert json.loads((tmp_path / "twin.json").read_text())["state"] == "stopped"


def test_a_port_in_use_is_refused_by_name(tmp_path: Path) -> None:
    with running(settings_for(tmp_path, parts=1), tmp_path) as (_, stop):
        port = port_of(tmp_path)
        second = settings_for(tmp_path, plc_port=port, ring=f"twin-test-{os.getpid()}-second")
        with pytest.raises(DeviceError, match=rf"127\.0\.0\.1:{port}: the port is in use"):
            run_twin(second, ANY_FAILS, report_dir=tmp_path / "second", stop=threading.Event())
        stop.set()


def test_a_line_that_is_stopped_lets_the_parts_on_the_belt_through(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, parts=0, wait_for_permit=False)
    with running(settings, tmp_path) as (ended, stop):
        deadline = time.monotonic() + 20
        port_of(tmp_path)
        while json.loads((tmp_path / "twin.json").read_text()).get("triggers", 0) < 5:
            assert time.monotonic() < deadline
            stop.wait(0.02)
        stop.set()
        report = ended()
    assert report.on_belt == 0
    assert report.triggers == report.ejected >= 5
