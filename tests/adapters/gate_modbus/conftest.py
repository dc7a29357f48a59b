"""A compiled PLC for the tests of the PLC gate, and gates opened towards it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from inspector.adapters.gate_modbus import PLUGIN, ModbusGate
from inspector.ports.plugin import Context
from tests.peers.plc_peer import Plc, compile_plc

CONTEXT = Context(station="test", data_dir="", run_dir="")
PATIENCE_S = 10.0


@pytest.fixture(scope="session")
def plc_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_plc(tmp_path_factory.mktemp("plc"))


@pytest.fixture
def start_plc(plc_program: Path) -> Iterator[Callable[..., Plc]]:
    """Start PLCs; all are killed at the end."""
    with ExitStack() as stack:

        def start(*options: str, port: int = 0) -> Plc:
            return stack.enter_context(Plc(plc_program, *options, port=port))

        yield start


@pytest.fixture
def open_gate() -> Iterator[Callable[..., ModbusGate]]:
    """Open gates towards a port; all are closed at the end, before the PLCs are killed."""
    with ExitStack() as stack:

        def opened(port: int, **settings: Any) -> ModbusGate:
            model = PLUGIN.settings_model(host="127.0.0.1", port=port, **settings)
            return stack.enter_context(PLUGIN.open(model, CONTEXT))

        yield opened


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for a condition with a deadline."""

    def wait(condition: Callable[[], bool], timeout_s: float = PATIENCE_S, why: str = "") -> None:
        end = time.monotonic() + timeout_s
        pause = 0.005
        while not condition():
            assert time.monotonic() < end, f"not within {timeout_s} s: {why or condition}"
            time.sleep(pause)

    return wait


@pytest.fixture
def gate_and_plc(
    start_plc: Callable[..., Plc], open_gate: Callable[..., ModbusGate], until: Callable[..., None]
) -> Callable[..., tuple[ModbusGate, Plc]]:
    """A PLC and a gate whose heartbeat it echoes, standing at a known trigger."""

    def pair(*options: str, **settings: Any) -> tuple[ModbusGate, Plc]:
        plc = start_plc(*options)
        gate = open_gate(plc.port, **settings)
        until(lambda: gate.link().alive, why="the first echoed heartbeat")
        gate.position(PATIENCE_S)
        return gate, plc

    return pair
