"""The PLC gate when the PLC's counter starts anew, and when its own thread dies of a bug."""

import socket
import time
from collections.abc import Callable

import pytest

from inspector.adapters.gate_modbus import ModbusGate, ModbusGateSettings
from inspector.adapters.gate_modbus.client import Client
from inspector.adapters.gate_modbus.desk import Desk
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.verdict import Outcome
from tests.adapters.gate_modbus.parts import next_part, tell, verdict
from tests.peers.plc_peer import Plc

Start = Callable[..., Plc]
Open = Callable[..., ModbusGate]
Until = Callable[..., None]


def a_plc_that_took(parts: int, start_plc: Start, open_gate: Open, until: Until) -> tuple[ModbusGate, Plc]:
    """A gate and a PLC that counted ``parts`` parts and took their results."""
    plc = start_plc("--window", "10000")
    gate = open_gate(plc.port)
    until(lambda: gate.link().alive)
    assert gate.position(5).part_seq == 0
    for part_seq in range(1, parts + 1):
        plc.say("trigger")
        assert not next_part(gate).restarted
        tell(gate, part_seq, Outcome.PASS)
        assert plc.fate(part_seq) == "pass ok"
    until(lambda: gate.position(5).echo_seq == parts)
    return gate, plc


@pytest.mark.peer("libmodbus")
def test_a_plc_that_starts_from_zero_says_so_with_its_first_part(
    start_plc: Start, open_gate: Open, until: Until
) -> None:
    gate, plc = a_plc_that_took(1, start_plc, open_gate, until)
    plc.kill()
    until(lambda: not gate.link().alive)
    again = start_plc("--window", "10000", "--start", "0", port=plc.port)
    until(lambda: gate.link().alive)
    again.say("trigger")
    event = next_part(gate)
    assert (event.part_seq, event.restarted) == (1, True), "the same number is another part"
    tell(gate, 1, Outcome.PASS)
    assert again.fate(1) == "pass ok"
    again.say("trigger")
    event = next_part(gate)
    assert (event.part_seq, event.restarted) == (2, False)


@pytest.mark.peer("libmodbus")
@pytest.mark.parametrize("counted", [2, 3, 9])
def test_a_plc_that_counts_on_during_the_outage_is_known_by_its_echo(
    start_plc: Start, open_gate: Open, until: Until, counted: int
) -> None:
    gate, plc = a_plc_that_took(3, start_plc, open_gate, until)
    plc.kill()
    until(lambda: not gate.link().alive)
    again = start_plc("--window", "10000", "--start", str(counted), port=plc.port)
    event = next_part(gate)
    assert (event.part_seq, event.restarted) == (counted, True)
    until(lambda: gate.link().alive)
    again.say("trigger")
    event = next_part(gate)
    assert (event.part_seq, event.restarted) == (counted + 1, False)


@pytest.mark.peer("libmodbus")
def test_a_verdict_of_an_old_part_never_reaches_the_new_part_of_the_same_number(
    start_plc: Start, open_gate: Open, until: Until
) -> None:
    gate, plc = a_plc_that_took(1, start_plc, open_gate, until)
    part, good = PartId(part_seq=2, series=1), verdict(Outcome.PASS)
    plc.say("trigger")
    assert next_part(gate).part_seq == 2
    deadline = time.monotonic() + 60
    gate.expect(part, deadline=deadline)  # it is being looked at ...
    plc.kill()
    until(lambda: not gate.link().alive)
    again = start_plc("--window", "1000", "--start", "1", port=plc.port)
    until(lambda: gate.link().alive)
    again.say("trigger")
    again.expect("trigger 2")
    with pytest.raises(DeviceError, match="may now mean another part"):
        gate.signal(part, good, deadline=deadline)  # ... and found good when its number is another part's
    assert next_part(gate).restarted
    gate.expect(PartId(part_seq=2, series=2), deadline=deadline)
    with pytest.raises(DeviceError, match="not announced"):
        gate.signal(part, good, deadline=deadline)
    assert again.fate(2) == "reject default"
    assert again.stop()["passed"] == 0


class _Buggy(Desk):
    def connected(self) -> None:
        raise ZeroDivisionError("a bug")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_connection_thread_that_dies_of_a_bug_says_so(until: Until) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        desk = _Buggy(ModbusGateSettings(host="127.0.0.1", port=server.getsockname()[1]))
        gate = ModbusGate(desk)
        assert gate.link().thread_alive, "not begun is not dead"
        with Client(desk):
            until(lambda: not gate.link().thread_alive)
            link = gate.link()
            assert not link.alive
            assert link.reason == "the connection thread has ended: ZeroDivisionError: a bug"
            with pytest.raises(DeviceError, match="a bug"):
                gate.wait(0.0)


@pytest.mark.peer("libmodbus")
def test_neither_a_lost_link_nor_a_closed_gate_is_a_dead_thread(start_plc: Start, until: Until) -> None:
    plc = start_plc()
    desk = Desk(ModbusGateSettings(host="127.0.0.1", port=plc.port))
    gate = ModbusGate(desk)
    with Client(desk):
        until(lambda: gate.link().alive)
        plc.kill()
        until(lambda: not gate.link().alive)
        assert gate.link().thread_alive
    assert not gate.link().alive
    assert gate.link().thread_alive
