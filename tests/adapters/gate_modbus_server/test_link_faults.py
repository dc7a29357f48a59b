"""The PLC's link killed, half-open and hung, in both roles: noticed within a second, and no judge is held up."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from pymodbus.exceptions import ModbusException

from inspector.adapters.gate_modbus import PLUGIN, ModbusGate
from inspector.adapters.gate_modbus.server import ModbusServerGate
from inspector.adapters.gate_modbus.server.table import ControlBit, StatusBit
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.verdict import Outcome
from inspector.ports.plugin import Context
from tests.adapters.gate_modbus.fault_proxy import FaultProxy, intact
from tests.adapters.gate_modbus.parts import verdict
from tests.adapters.gate_modbus_server.conftest import Serve, go
from tests.adapters.gate_modbus_server.polling_plc import PollingPlc
from tests.peers.plc_peer import Plc, compile_plc

FAULTS = ("killed", "half-open", "hung")
NOTICED_S = 1.0
BLOCKED_MS = 100.0
GENEROUS = 3.0
"""A busy machine is no broken gate: what is asserted is the contract times this; what was measured is printed."""


@dataclass(slots=True)
class Inspecting:
    """A thread that tells a PASS every 10 ms, whatever happens, and measures how long it is held up."""

    gate: ModbusGate | ModbusServerGate
    longest_ms: float = 0.0
    told: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        part_seq = 1_000_000
        while not self._stop.wait(0.01):
            part_seq += 1
            deadline = time.monotonic() + 0.5
            part = PartId(part_seq=part_seq)
            begun = time.monotonic()
            with suppress(DeviceError):
                self.gate.expect(part, deadline=deadline)
                self.gate.signal(part, verdict(Outcome.FAIL), deadline=deadline)
                self.told += 1
            self.longest_ms = max(self.longest_ms, (time.monotonic() - begun) * 1e3)
            self.gate.confirmations(0)

    def noticed_s(self, fault: Callable[[], None]) -> float:
        """Let the fault happen while parts are told; how long it took until the link was known to be dead."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            fault()
            begun = time.monotonic()
            while self.gate.link().alive:
                assert time.monotonic() - begun < 10, "never noticed"
                time.sleep(0.001)
            noticed = time.monotonic() - begun
            time.sleep(0.3)  # parts go on being told while the link is dead
        finally:
            self._stop.set()
            thread.join(10)
        return noticed

    def hold(self, role: str, fault: str, noticed_s: float) -> None:
        print(
            f"\n{role} role, {fault}: noticed after {noticed_s:.2f} s, signal blocked at most {self.longest_ms:.1f} ms"
        )
        assert noticed_s <= NOTICED_S * GENEROUS
        assert self.longest_ms <= BLOCKED_MS * GENEROUS


def nothing(data: bytes, rng: object) -> bytes:
    """A black hole: the connection stands, and no byte arrives."""
    return b""


def until(condition: Callable[[], bool], why: str) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, why
        time.sleep(0.005)


@pytest.fixture(scope="module")
def plc_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_plc(tmp_path_factory.mktemp("plc"))


@pytest.mark.peer("libmodbus")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_dead_link_is_noticed_in_the_client_role(plc_program: Path, fault: str) -> None:
    with Plc(plc_program, "--window", "10000") as plc, FaultProxy(plc.port) as proxy:
        settings = PLUGIN.settings_model(host="127.0.0.1", port=proxy.port)
        with PLUGIN.open(settings, Context(station="test", data_dir="", run_dir="")) as gate:
            until(lambda: gate.link().alive, "no life")
            gate.position(5)
            inspecting = Inspecting(gate)

            def black_hole() -> None:
                proxy.to_plc = proxy.from_plc = nothing

            noticed = inspecting.noticed_s({"killed": plc.kill, "half-open": black_hole, "hung": plc.pause}[fault])
            inspecting.hold("client", fault, noticed)
            if fault == "killed":
                return
            proxy.to_plc = proxy.from_plc = intact
            plc.resume()
            until(lambda: gate.link().alive, "no life after the fault")
            plc.say("trigger")
            assert plc.fate(1, timeout_s=15).startswith("reject"), "an old result must not pass a new part"


class Scanning:
    """A PLC that polls us in a thread, as a real one does."""

    def __init__(self, port: int) -> None:
        self.plc = PollingPlc(port)
        self.hung = threading.Event()
        self.stale: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.plc.bits(ControlBit.TRIGGER_ENABLE | ControlBit.BUFFER_RESULTS_ENABLE)

    def __enter__(self) -> Self:
        self.plc.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self.plc.__exit__(None, None, None)

    def _run(self) -> None:
        with suppress(ModbusException, AssertionError, AttributeError, OSError):  # the link is gone
            while not self._stop.wait(0.01):
                if not self.hung.is_set():
                    self.plc.scan()


@pytest.fixture
def polled(serve: Serve) -> Iterator[tuple[ModbusServerGate, FaultProxy, Scanning]]:
    gate = serve()
    with FaultProxy(gate.port) as proxy, Scanning(proxy.port) as scanning:
        until(lambda: gate.link().alive, "no life")
        gate.position(5)
        gate.plc_word()
        yield gate, proxy, scanning


@pytest.mark.parametrize("fault", FAULTS)
def test_a_dead_link_is_noticed_in_the_server_role(
    polled: tuple[ModbusServerGate, FaultProxy, Scanning], connect: Callable[..., PollingPlc], fault: str
) -> None:
    gate, proxy, scanning = polled
    part = PartId(part_seq=1)
    gate.expect(part, deadline=time.monotonic() + 60)
    gate.signal(part, verdict(Outcome.PASS), deadline=time.monotonic() + 60)
    until(lambda: StatusBit.RESULTS_VALID in scanning.plc.status.bits, "no result")

    def black_hole() -> None:
        proxy.to_plc = proxy.from_plc = nothing

    faults = {"killed": proxy.cut, "half-open": black_hole, "hung": scanning.hung.set}
    inspecting = Inspecting(gate)
    noticed = inspecting.noticed_s(faults[fault])
    inspecting.hold("server", fault, noticed)
    again = scanning.plc if fault == "hung" else connect(gate)
    assert StatusBit.RESULTS_VALID not in again.look().bits, "no result survives, whoever reads first"
    scanning.hung.clear()
    if again is not scanning.plc:
        again.until(lambda _: gate.link().alive)
        go(gate, again)
        assert StatusBit.RESULTS_VALID not in again.scan().bits
