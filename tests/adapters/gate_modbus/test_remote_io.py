"""A remote I/O module on the wire: what is wired is read and set, and what goes wrong names itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import ValidationError
from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from inspector.adapters.gate_modbus.remote_io import RemoteIoSettings
from inspector.adapters.gate_modbus.remote_io.module import Module
from inspector.domain.errors import DeviceError
from inspector.ports.field_io import Output
from inspector.twin.modbus_thread import ModbusThread, WireFaults
from inspector.twin.remote_io import Coil, Discrete, RemoteIo
from inspector.twin.remote_io_modbus import RemoteIoServer, open_remote_io
from inspector.twin.settings import TwinSettings
from tests.system.tracked import wiring

BELT = 0xFFFF_FF00


@contextmanager
def module(watchdog_ms: float = 0.0) -> Iterator[RemoteIoServer]:
    settings = TwinSettings(ejector="io", io_port=0, io_watchdog_ms=watchdog_ms)
    logic = RemoteIo(watchdog_s=watchdog_ms / 1e3, active_low=True)
    with open_remote_io(settings, logic, lambda _: BELT) as server:
        yield server


@contextmanager
def opened(port: int, **changed: Any) -> Iterator[Module]:
    table = {key: value for key, value in wiring(port, tracking="encoder", rest="eject").items() if key not in TABLE}
    client = Module(RemoteIoSettings(**{**table, **changed}))
    try:
        yield client
    finally:
        client.close()


TABLE = {"kind", "tracking"}


def test_counters_and_inputs_are_read_as_they_are_wired() -> None:
    with module() as server, opened(server.port, inverted=["air_low"]) as client:
        server.module.light_gate(0x1_0005)
        server.module.good, server.module.rejected = 3, 4
        server.module.inputs[Discrete.BELT_AT_SPEED] = True
        server.module.inputs[Discrete.BIN_FULL] = True
        seen = client.read()
    assert (seen.encoder, seen.trigger_seq, seen.trigger_encoder) == (BELT, 1, 0x1_0005)
    assert (seen.good_count, seen.reject_count) == (3, 4)
    assert (seen.belt_at_speed, seen.bin_full, seen.air_low, seen.tripped) == (True, True, True, False)


def test_what_is_not_wired_is_none_or_off() -> None:
    bare = {"encoder": "", "trigger_encoder": "", "good_count": "", "reject_count": "", "belt_at_speed": ""}
    with module() as server, opened(server.port, **bare) as client:
        seen = client.read()
    assert (seen.encoder, seen.trigger_encoder, seen.good_count, seen.belt_at_speed) == (None, None, None, None)


def test_an_output_that_is_active_low_acts_while_its_coil_is_0_and_others_are_left_alone() -> None:
    with module() as server, opened(server.port, marker="", strobe="") as client:
        server.module.coils[Coil.MARKER] = True
        client.write({Output.EJECTOR: True, Output.GREEN: True})
        assert (server.module.coils[Coil.EJECTOR], server.module.coils[Coil.GREEN]) == (False, True)
        client.write({Output.EJECTOR: False})
        assert (server.module.coils[Coil.EJECTOR], server.module.coils[Coil.GREEN]) == (True, False)
        assert server.module.coils[Coil.MARKER]


def test_outputs_that_do_not_change_are_written_often_enough_for_the_watchdog() -> None:
    with module(watchdog_ms=1000.0) as server, opened(server.port, watchdog_ms=1000.0) as client:
        until = time.monotonic() + 1.6
        while time.monotonic() < until:
            client.write({Output.EJECTOR: False})
            time.sleep(0.005)
        assert server.module.trips == 0


def test_a_tripped_module_refuses_until_it_is_re_armed() -> None:
    with module(watchdog_ms=500.0) as server, opened(server.port) as client:
        client.write({Output.EJECTOR: False})
        until = time.monotonic() + 5
        while not client.read().tripped:
            assert time.monotonic() < until
        with pytest.raises(DeviceError, match=r"writing coils 0-9: device failure: has its watchdog tripped"):
            client.write({Output.EJECTOR: False})
        client.write({Output.EJECTOR: False}, re_arm=True)
        assert not client.read().tripped
        assert server.module.coils[Coil.EJECTOR]


def test_a_coil_that_is_read_back_differently_is_an_error() -> None:
    async def stubborn(
        _function: int,
        _first: int,
        _address: int,
        _count: int,
        _registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if written:
            written[0] = False
        return None

    device = SimDevice(
        id=0,
        simdata=(
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[0], datatype=DataType.REGISTERS)],
            [SimData(0, values=[0] * 10, datatype=DataType.REGISTERS)],
        ),
        action=stubborn,
    )
    server = ModbusThread(
        name="stubborn",
        host="127.0.0.1",
        port=0,
        key="port",
        device=lambda: device,
        cycle_s=0.01,
        on_cycle=lambda: None,
        wire=WireFaults(),
    )
    server.start()
    try:
        with opened(server.port) as client, pytest.raises(DeviceError, match=r"coils 0-9 were written and read back"):
            client.write({Output.EJECTOR: False})
    finally:
        server.stop()


def test_a_module_that_is_not_there_or_hangs_is_told_in_words_and_comes_back() -> None:
    with opened(1) as client, pytest.raises(DeviceError, match=r"remote i/o 127\.0\.0\.1:1 unit 1: no connection"):
        client.read()
    with module() as server, opened(server.port) as client:
        client.read()
        server.wire.stall(time.monotonic() + 0.3)
        begun = time.monotonic()
        with pytest.raises(DeviceError, match=r"reading input registers 0-9: no answer within 50 ms; is unit_id = 1"):
            client.read()
        assert time.monotonic() - begun < 2.0
        until = time.monotonic() + 5
        while True:
            try:
                client.read()
                break
            except DeviceError:
                assert time.monotonic() < until


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ejector": "12"}, "ejector"),
        ({"active_low": ["ejecter"]}, "active_low names 'ejecter', which is not wired; wired are: ejector, "),
        ({"green": "coil:0"}, "two outputs have the same coil"),
        ({"re_arm": ""}, "tripped and re_arm belong together"),
        ({"encoder": "input:500"}, "lie too far apart"),
        ({"cycle_ms": 50.0}, "is too slow for watchdog_ms"),
    ],
)
def test_a_wrong_wiring_says_what_would_be_right(changed: dict[str, Any], told: str) -> None:
    table = {key: value for key, value in wiring(1, tracking="encoder", rest="eject").items() if key not in TABLE}
    with pytest.raises(ValidationError) as said:
        RemoteIoSettings(**{**table, **changed})
    assert told in str(said.value)
