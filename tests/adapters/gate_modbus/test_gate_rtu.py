"""The PLC gate over a serial line: a pair of pseudo terminals, and the C PLC as an RTU server at its other end."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from inspector.adapters.gate_modbus import PLUGIN, ModbusGate
from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.verdict import Outcome
from inspector.ports.plugin import Context
from tests.adapters.gate_modbus.parts import next_part, tell
from tests.peers.plc_peer import Plc

pytestmark = [pytest.mark.peer("libmodbus"), pytest.mark.peer("socat")]

CONTEXT = Context(station="test", data_dir="", run_dir="")
Until = Callable[..., None]
Line = tuple[Path, Path]


@pytest.fixture
def serial_line(tmp_path: Path) -> Iterator[Line]:
    """Two ends of a serial line."""
    ends = (tmp_path / "ours", tmp_path / "theirs")
    command = ["socat", *(f"pty,raw,echo=0,link={end}" for end in ends)]
    socat = subprocess.Popen(command)
    until = time.monotonic() + 10
    while not all(end.exists() for end in ends):
        assert time.monotonic() < until, "socat made no terminals"
        time.sleep(0.01)
    yield ends
    socat.terminate()
    socat.wait(10)


@pytest.fixture
def rtu(serial_line: Line, start_plc: Callable[..., Plc], until: Until) -> Iterator[tuple[ModbusGate, Plc]]:
    """A gate and the C PLC at the two ends of a serial line."""
    ours, theirs = serial_line
    plc = start_plc("--rtu", str(theirs), "--window", "10000")
    settings = PLUGIN.settings_model(transport="rtu", serial_port=str(ours), parity="none")
    with PLUGIN.open(settings, CONTEXT) as gate:
        until(lambda: gate.link().alive, why="the first echoed heartbeat")
        gate.position(5)
        yield gate, plc


def test_parts_are_triggered_told_and_echoed_over_a_serial_line(rtu: tuple[ModbusGate, Plc]) -> None:
    gate, plc = rtu
    fates = {Outcome.PASS: "pass ok", Outcome.FAIL: "reject ng", Outcome.UNDECIDED: "reject undecided"}
    for part_seq, outcome in enumerate([*fates] * 10, 1):
        plc.say("trigger")
        assert next_part(gate).part_seq == part_seq
        tell(gate, part_seq, outcome)
        assert plc.fate(part_seq) == fates[outcome]
    summary = plc.stop()
    assert (summary["passed"], summary["rejected"]) == (10, 20)
    assert summary["late"] == summary["stale"] == summary["bad_crc"] == summary["duplicates"] == 0


def test_a_hung_plc_on_a_serial_line_is_noticed_and_comes_back(rtu: tuple[ModbusGate, Plc], until: Until) -> None:
    gate, plc = rtu
    plc.pause()
    until(lambda: not gate.link().alive, timeout_s=2.0, why="a dead link")
    assert "are baud_rate and parity the PLC's" in gate.link().reason
    with pytest.raises(DeviceError, match="was not told"):
        tell(gate, 1, Outcome.PASS)
    plc.resume()
    until(lambda: gate.link().alive, why="life after SIGCONT")
    plc.say("trigger")
    tell(gate, next_part(gate).part_seq, Outcome.PASS)
    assert plc.fate(1) == "pass ok"


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"unit_id": 2}, DeviceError, "no answer within 100 ms; is unit_id = 2 right and are baud_rate"),
        ({"from_address": 500}, ConfigError, "reading holding registers 500-516: illegal data address"),
        ({"serial_port": "/dev/ttyNONE"}, DeviceError, "/dev/ttyNONE cannot be opened: .*No such file"),
    ],
)
def test_a_wrong_setting_of_a_serial_line_is_named(
    serial_line: Line, start_plc: Callable[..., Plc], wrong: dict[str, object], error: type[Exception], says: str
) -> None:
    ours, theirs = serial_line
    start_plc("--rtu", str(theirs))
    settings = {"transport": "rtu", "serial_port": str(ours), "parity": "none", "on_startup_error": "error", **wrong}
    with pytest.raises(error, match=says):
        PLUGIN.open(PLUGIN.settings_model(**settings, startup_timeout_s=1.0), CONTEXT).__enter__()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, 'serial_port is missing: with transport = "rtu"'),
        ({"serial_port": "/dev/ttyUSB0", "unit_id": 0}, "1 to 247 is right"),
        ({"serial_port": "/dev/ttyUSB0", "host": "plc"}, "has no effect"),
    ],
)
def test_settings_that_do_not_fit_a_serial_line_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PLUGIN.settings_model(transport="rtu", **wrong)
