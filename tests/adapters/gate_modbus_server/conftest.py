"""Gates in the server role, and PLCs that poll them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient

from inspector.adapters.gate_modbus.server import PLUGIN, ModbusServerGate
from inspector.ports.gate import LineState
from inspector.ports.plugin import Context
from tests.adapters.gate_modbus_server.polling_plc import PollingPlc

CONTEXT = Context(station="test", data_dir="", run_dir="", checksum=0xBEEF)
RUNNING = LineState.ONLINE | LineState.READY | LineState.RUN_PERMIT
Serve = Callable[..., ModbusServerGate]
Connect = Callable[[ModbusServerGate], PollingPlc]
Pair = Callable[..., tuple[ModbusServerGate, PollingPlc]]


@pytest.fixture
def serve() -> Iterator[Callable[..., ModbusServerGate]]:
    """Open gates on a free port."""
    with ExitStack() as stack:

        def opened(**settings: Any) -> ModbusServerGate:
            model = PLUGIN.settings_model(**{"listen": "127.0.0.1", "port": 0, **settings})
            return stack.enter_context(PLUGIN.open(model, CONTEXT))

        yield opened


@pytest.fixture
def connect() -> Iterator[Callable[[ModbusServerGate], PollingPlc]]:
    """Connect PLCs."""
    with ExitStack() as stack:
        yield lambda gate: stack.enter_context(PollingPlc(gate.port))


@pytest.fixture
def pair(serve: Callable[..., ModbusServerGate], connect: Callable[..., PollingPlc]) -> Pair:
    """A running gate that a PLC keeps alive, standing at a known trigger."""

    def made(**settings: Any) -> tuple[ModbusServerGate, PollingPlc]:
        gate = serve(**settings)
        plc = connect(gate)
        plc.until(lambda _: gate.link().alive)
        go(gate, plc)
        return gate, plc

    return made


def go(gate: ModbusServerGate, plc: PollingPlc) -> None:
    """The line takes the counter as it stands, and says that it is ready with the job asked for."""
    with gate._desk.news:
        control = gate._desk.control
        gate._desk.triggers.baseline(control)
    gate.plc_word()
    gate.announce(RUNNING)
    plc.scan()


@pytest.fixture
def until_named() -> Callable[..., None]:
    """Write to a wrong place: the PLC is answered with an exception, and the station names what would be right."""

    def wrong(gate: ModbusServerGate, where: dict[str, int], exception: int, says: str) -> None:
        client = ModbusTcpClient("127.0.0.1", port=gate.port, timeout=5, retries=0)
        try:
            assert client.connect()
            answer = client.write_registers(where.get("address", 0), [0] * 18, device_id=where["unit"])
            assert answer.exception_code == exception
        finally:
            client.close()
        assert says in gate._desk._told_trouble
        assert not gate.link().alive

    return wrong
