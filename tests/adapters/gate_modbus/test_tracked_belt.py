"""Module, tracker and a simulated belt, over Modbus: who is told PASS passes, nobody else, whatever the belt does."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from inspector.adapters.gate_modbus.remote_io import RemoteIoSettings
from inspector.adapters.gate_modbus.remote_io.module import Module
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.pipeline.field import Axis, Way
from inspector.pipeline.tracked import TrackedGate
from inspector.pipeline.tracking import Rest
from inspector.ports.gate import LineState
from inspector.twin.report import TwinReport, compare
from tests.fakes import wait_until
from tests.system.tracked import wiring
from tests.twin.test_run import running, settings_for

READY = LineState.ONLINE | LineState.READY | LineState.RUN_PERMIT
SPEED = 1000.0


def verdict(number: int) -> Verdict:
    outcome = (Outcome.FAIL, Outcome.PASS, Outcome.PASS, Outcome.UNDECIDED)[number % 4]
    return Verdict(outcome=outcome, reason="", decision=Decision(rule="r", measured=0, limit=0, unit=""))


@contextmanager
def gate_at(port: int, *, axis: Axis, rest: Rest) -> Iterator[TrackedGate]:
    table = wiring(port, tracking=axis.value, rest=rest.value)
    module = Module(RemoteIoSettings(**{key: value for key, value in table.items() if key not in {"kind", "tracking"}}))
    way = Way(
        axis=axis,
        distance_mm=400.0,
        before_mm=60.0,
        after_mm=60.0,
        confirm_mm=150.0,
        counts_per_mm=10.0,
        speed_mm_s=SPEED,
        rest=rest,
    )
    try:
        with TrackedGate(module, way, station="left", period_s=0.004) as gate:
            yield gate
    finally:
        module.close()


def io_port(folder: Path) -> int:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if (folder / "twin.json").exists():
            port = json.loads((folder / "twin.json").read_text()).get("io_port", 0)
            if port:
                return int(port)
        threading.Event().wait(0.01)
    raise AssertionError("the simulated module never said its port")


def run(
    folder: Path, *faults: str, axis: Axis, rest: Rest, parts: int = 14
) -> tuple[TwinReport, set[int], TrackedGate]:
    """Answer every part at once; gives the twin's account and the numbers whose PASS was taken."""
    settings = settings_for(
        folder,
        ejector="io",
        io_port=0,
        io_watchdog_ms=400.0,
        io_active_low=rest is Rest.EJECT,
        parts=parts,
        speed_mm_s=SPEED,
        spacing_mm=180.0,
        spacing_jitter_mm=20.0,
        faults=faults,
    )
    passed: set[int] = set()
    with running(settings, folder) as (ended, _), gate_at(io_port(folder), axis=axis, rest=rest) as gate:
        gate.position(5.0)
        gate.announce(READY)
        until = time.monotonic() + 30
        while len(passed) < parts and time.monotonic() < until:
            try:
                event = gate.wait(0.2)
            except DeviceError:
                continue
            if event is None:
                if json.loads((folder / "twin.json").read_text())["state"] == "finished":
                    break
                continue
            part = PartId(part_seq=event.part_seq)
            gate.expect(part, deadline=event.at + 5)
            said = verdict(event.part_seq)
            try:
                gate.signal(part, said, deadline=event.at + 5)
            except DeviceError:  # condemned meanwhile, or the link is dead: its reject stands
                continue
            if said.outcome is Outcome.PASS:
                passed.add(event.part_seq)
        return ended(), passed, gate


@pytest.mark.parametrize("rest", list(Rest))
@pytest.mark.parametrize("axis", list(Axis))
def test_a_part_goes_where_it_was_told(tmp_path: Path, axis: Axis, rest: Rest) -> None:
    report, passed, gate = run(tmp_path, axis=axis, rest=rest)
    found = compare(report.rows, passed)
    assert (found.wrong, found.missed) == ((), ())
    assert len(passed) >= 5
    assert gate.balance()["unexpected"] == 0


@pytest.mark.parametrize("rest", list(Rest))
def test_stops_other_speeds_and_running_back_change_nothing_under_encoder(tmp_path: Path, rest: Rest) -> None:
    faults = ("belt-stop@4:0.4", "belt-speed@6:600", "belt-reverse@8:90", "belt-speed@10:1100")
    report, passed, _ = run(tmp_path, *faults, axis=Axis.ENCODER, rest=rest)
    found = compare(report.rows, passed)
    assert (found.wrong, found.missed) == ((), ())
    assert len(passed) >= 5


@pytest.mark.parametrize("rest", list(Rest))
def test_a_stop_under_time_ejects_everything_in_flight(tmp_path: Path, rest: Rest) -> None:
    report, passed, gate = run(tmp_path, "belt-stop@6:0.4", axis=Axis.TIME, rest=rest)
    found = compare(report.rows, passed)
    assert found.missed == ()
    assert set(found.wrong) <= {5, 6}
    assert all(row.ejected for row in report.rows if row.part_seq in {5, 6})
    assert "belt.lost_places" in {code for code, _ in gate.occurrences()}


def test_a_module_that_hangs_drops_its_outputs_and_nothing_passes_by_it(tmp_path: Path) -> None:
    report, passed, _ = run(tmp_path, "plc-stall@5:0.4", axis=Axis.ENCODER, rest=Rest.EJECT)
    assert compare(report.rows, passed).missed == ()
    assert sum(not row.ejected for row in report.rows) >= 1


def settings_of(**changed: Any) -> RemoteIoSettings:
    return RemoteIoSettings(**{"host": "h", **changed})


def test_everything_but_the_host_may_be_left_out() -> None:
    assert settings_of().coils == {}


def test_a_technician_sees_inputs_counters_and_outputs_by_the_names_of_the_settings(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path, ejector="io", io_port=0, io_watchdog_ms=400.0, io_active_low=True, parts=50, speed_mm_s=SPEED
    )
    with (
        running(settings, tmp_path),
        gate_at(io_port(tmp_path), axis=Axis.ENCODER, rest=Rest.EJECT) as gate,
    ):
        gate.position(5.0)
        assert gate.module_words()["run_permit"] == 0
        gate.announce(READY)
        assert wait_until(lambda: gate.module_words()["trigger"] >= 2, 20)
        words = gate.module_words()
        assert (words["run_permit"], words["green"], words["red"], words["bin_full"]) == (1, 1, 0, 0)
        assert words["encoder"] > 0
        assert gate.module_link().alive
        assert gate.module().startswith("remote i/o 127.0.0.1:")
