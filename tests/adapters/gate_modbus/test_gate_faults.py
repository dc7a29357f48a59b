"""The PLC gate when the PLC is hung, gone, stopped, wrongly set or hard to understand: no fault becomes a PASS."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from inspector.adapters.gate_modbus import PLUGIN, ModbusGate
from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Outcome
from inspector.ports.plugin import Context
from tests.adapters.gate_modbus.fault_proxy import Damage, FaultProxy, intact, noise, one_word_flipped
from tests.adapters.gate_modbus.parts import next_part, tell
from tests.peers.plc_peer import Plc

pytestmark = pytest.mark.peer("libmodbus")

Pair = Callable[..., tuple[ModbusGate, Plc]]
Start = Callable[..., Plc]
Open = Callable[..., ModbusGate]
Until = Callable[..., None]
CONTEXT = Context(station="test", data_dir="", run_dir="")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_a_hung_plc_is_noticed_within_a_second_and_blocks_nobody(gate_and_plc: Pair, until: Until) -> None:
    gate, plc = gate_and_plc("--window", "10000")
    plc.pause()
    until(lambda: not gate.link().alive, timeout_s=1.0, why="a dead link")
    assert "no answer within 100 ms" in gate.link().reason
    started = time.monotonic()
    with pytest.raises(DeviceError, match="was not told"):
        tell(gate, 1, Outcome.PASS)
    assert time.monotonic() - started < 1.0
    with pytest.raises(DeviceError, match=r"no answer|connection"):
        gate.wait(0.05)
    plc.resume()
    until(lambda: gate.link().alive, why="life after SIGCONT")


def test_a_write_carried_out_late_never_passes_a_part(gate_and_plc: Pair, until: Until) -> None:
    gate, plc = gate_and_plc("--window", "200")
    for part_seq in range(1, 5):
        plc.say("trigger")
        assert next_part(gate).part_seq == part_seq
        plc.pause()
        with pytest.raises(DeviceError, match="was not told"):
            tell(gate, part_seq, Outcome.PASS, within_s=0.15)
        gate.confirmations(0)
        until(lambda: not gate.link().alive, timeout_s=1.0)
        time.sleep(0.2)  # the fault itself: the PLC hangs until the window of this part is over
        plc.resume()
        assert plc.fate(part_seq) in {"reject default", "reject line-dead"}
        until(lambda: gate.link().alive)
    plc.say("trigger")
    tell(gate, next_part(gate).part_seq, Outcome.PASS, within_s=0.15)
    assert plc.fate(5) == "pass ok"
    summary = plc.stop()
    assert (summary["passed"], summary["rejected"], summary["duplicates"]) == (1, 4, 0)


def test_an_unanswered_write_is_unknown_until_its_echo_tells(gate_and_plc: Pair, until: Until) -> None:
    gate, plc = gate_and_plc("--window", "60000")
    plc.say("trigger")
    part_seq = next_part(gate).part_seq
    told: list[GateTold] = []
    # The write must meet a PLC that has just stopped; where a poll met it first, the link was already down.
    plc.pause()
    with pytest.raises(DeviceError, match="was not told"):
        tell(gate, part_seq, Outcome.PASS)
    told.extend(c.told for c in gate.confirmations(0.2))
    plc.resume()
    until(lambda: gate.link().alive)
    if told == [GateTold.UNKNOWN]:
        assert plc.fate(part_seq) == "pass ok"
        until(lambda: bool(told.extend(c.told for c in gate.confirmations(0.1)) or len(told) == 2))
        assert told == [GateTold.UNKNOWN, GateTold.ACKNOWLEDGED]
    else:
        assert told == []
        summary = plc.stop()
        assert (summary["passed"], summary["late"], summary["stale"]) == (0, 0, 0), "it was withdrawn, not sent later"


def test_no_result_survives_a_reconnect(start_plc: Start, open_gate: Open, until: Until) -> None:
    plc = start_plc("--window", "10000")
    gate = open_gate(plc.port)
    until(lambda: gate.link().alive)
    gate.position(5)
    plc.say("trigger")
    tell(gate, next_part(gate).part_seq, Outcome.PASS, within_s=0.2)
    port = plc.port
    plc.kill()
    until(lambda: not gate.link().alive, timeout_s=1.0)
    # The new PLC counts to the same number: a result that survived would pass a part nobody looked at.
    again = start_plc("--window", "400", port=port)
    until(lambda: gate.link().alive, why="life after the restart")
    again.say("trigger")
    assert next_part(gate).part_seq == 1
    assert again.fate(1) == "reject default"
    again.say("trigger")
    tell(gate, next_part(gate).part_seq, Outcome.PASS, within_s=0.3)
    assert again.fate(2) == "pass ok"
    summary = again.stop()
    assert (summary["passed"], summary["late"], summary["stale"], summary["bad_crc"]) == (1, 0, 0, 0)


def test_a_stopped_plc_program_is_dead_although_its_registers_answer(gate_and_plc: Pair, until: Until) -> None:
    gate, plc = gate_and_plc("--window", "10000")
    plc.say("heartbeat off")
    until(lambda: not gate.link().alive, timeout_s=2.0)
    assert "heartbeat was not echoed" in gate.link().reason
    plc.say("trigger")
    assert next_part(gate).part_seq == 1, "its triggers are still accounted for"
    with pytest.raises(DeviceError, match="heartbeat"):
        tell(gate, 1, Outcome.PASS)
    plc.say("heartbeat on")
    until(lambda: gate.link().alive)
    tell(gate, 1, Outcome.PASS)
    assert plc.fate(1) == "pass ok"


def test_a_plc_that_is_absent_at_the_start_is_retried_and_named(
    start_plc: Start, open_gate: Open, until: Until
) -> None:
    port = free_port()
    gate = open_gate(port)
    until(lambda: "refused" in gate.link().reason)
    assert "right would be the PLC's host and port" in gate.link().reason
    with pytest.raises(DeviceError, match="refused"):
        gate.position(0.05)
    start_plc(port=port)
    until(lambda: gate.link().alive)
    assert gate.position(5).part_seq == 0


def test_where_the_plc_must_be_there_its_absence_is_an_error_that_names_it() -> None:
    port = free_port()
    settings = PLUGIN.settings_model(
        host="127.0.0.1", port=port, on_startup_error="error", startup_timeout_s=0.5, unit_id=9
    )
    with pytest.raises(DeviceError, match=f"plc 127.0.0.1:{port} unit 9: no connection:.*refused"):
        PLUGIN.open(settings, CONTEXT).__enter__()


@pytest.mark.parametrize(
    ("options", "wrong", "error", "says"),
    [
        (["--unit", "1"], {"unit_id": 2}, DeviceError, "no answer within 100 ms; is unit_id = 2 right"),
        ([], {"from_address": 500}, ConfigError, "reading holding registers 500-516: illegal data address"),
        ([], {"to_address": 500}, ConfigError, "writing holding registers 500-507: illegal data address"),
        ([], {"from_table": "input"}, ConfigError, "reading input registers 100-116: illegal data address"),
        ([], {"byte_order": "little"}, DeviceError, "heartbeat is not echoed yet; .*byte_order"),
    ],
)
def test_a_wrong_setting_is_named_at_the_start(
    start_plc: Start, options: list[str], wrong: dict[str, Any], error: type[Exception], says: str
) -> None:
    plc = start_plc(*options)
    settings = {"host": "127.0.0.1", "port": plc.port, "on_startup_error": "error", "startup_timeout_s": 0.6, **wrong}
    with pytest.raises(error, match=says):
        PLUGIN.open(PLUGIN.settings_model(**settings), CONTEXT).__enter__()


@pytest.mark.parametrize(("side", "damage"), [("to_plc", one_word_flipped), ("to_plc", noise), ("from_plc", noise)])
def test_damaged_bytes_never_pass_a_part_that_was_not_judged_good(
    start_plc: Start, open_gate: Open, until: Until, side: str, damage: Damage
) -> None:
    plc = start_plc("--window", "150", "--period", "20")
    with FaultProxy(plc.port) as proxy:
        gate = open_gate(proxy.port)
        until(lambda: gate.link().alive)
        gate.position(5)
        setattr(proxy, side, damage)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            _answer_one(gate)
        setattr(proxy, side, intact)
        until(lambda: gate.link().alive, why="life after the damage")
        until(lambda: _answer_one(gate) % 2 == 0 and any(" pass " in line for line in list(plc.lines)[-20:]))
    plc.stop()
    passed = [int(line.split()[1]) for line in plc.lines if line.startswith("part ") and " pass " in line]
    assert passed
    assert all(part_seq % 2 == 0 for part_seq in passed)


def _answer_one(gate: ModbusGate) -> int:
    """Judge the next part: even numbers are good. Gives its number, 0 if none came."""
    try:
        event = gate.wait(0.05)
        if event is None:
            return 0
        outcome = Outcome.PASS if event.part_seq % 2 == 0 else Outcome.FAIL
        tell(gate, event.part_seq, outcome, within_s=event.at + 0.12 - time.monotonic())
    except DeviceError:
        return 0
    return event.part_seq
