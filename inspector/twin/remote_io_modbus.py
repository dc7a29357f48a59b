"""The simulated remote I/O module on the wire: a Modbus TCP server around its logic."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from inspector.twin.modbus_thread import ModbusThread, WireFaults
from inspector.twin.remote_io import COILS, DISCRETES, INPUT_WORDS, Discrete, RemoteIo
from inspector.twin.settings import TwinSettings

_CYCLE_S = 0.002
_COIL_FUNCTIONS = frozenset({1, 5, 15})
_READ_DISCRETES, _READ_INPUTS = 2, 4


class RemoteIoServer:
    """The module as the rest of the simulated line knows it."""

    def __init__(self, settings: TwinSettings, module: RemoteIo, encoder: Callable[[float], int]) -> None:
        self.module = module
        self.wire = WireFaults(settings.seed)
        self._encoder = encoder
        self._thread = ModbusThread(
            name="remote i/o",
            host=settings.plc_host,
            port=settings.io_port,
            key="twin.io_port",
            device=self._device,
            cycle_s=_CYCLE_S,
            on_cycle=lambda: module.watch(time.monotonic()),
            wire=self.wire,
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._thread.port

    def must_run(self) -> None:
        """Raise what ended the module's thread, if anything did."""
        self._thread.must_run()

    def start(self) -> None:
        """Listen; returns once requests are answered."""
        self._thread.start()

    def stop(self) -> None:
        """End the server."""
        self._thread.stop()

    def _device(self) -> SimDevice:
        return SimDevice(
            id=0,
            simdata=(
                [SimData(0, values=[False] * COILS, datatype=DataType.BITS)],
                [SimData(0, values=[False] * DISCRETES, datatype=DataType.BITS, readonly=True)],
                [SimData(0, values=[0], datatype=DataType.REGISTERS)],
                [SimData(0, values=[0] * INPUT_WORDS, datatype=DataType.REGISTERS, readonly=True)],
            ),
            action=self._on_request,
        )

    async def _on_request(
        self,
        function: int,
        _first: int,
        address: int,
        _count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Before the server reads or writes: bring its image up to date, or set the coils."""
        await self.wire.hold()
        now = time.monotonic()
        if written and not self.module.write(address, [bool(value) for value in written], now):
            return ExcCodes.DEVICE_FAILURE
        if function in _COIL_FUNCTIONS:
            registers[0] = _packed(self.module.coils)
        elif function == _READ_DISCRETES:
            self.module.inputs[Discrete.TRIPPED] = self.module.tripped
            registers[0] = _packed(self.module.inputs)
        elif function == _READ_INPUTS:
            registers[:INPUT_WORDS] = self.module.words(self._encoder(now))
        return None


def _packed(bits: list[bool]) -> int:
    return sum(1 << place for place, bit in enumerate(bits) if bit)


@contextmanager
def open_remote_io(
    settings: TwinSettings, module: RemoteIo, encoder: Callable[[float], int]
) -> Iterator[RemoteIoServer]:
    """Serve the module on loopback.

    Raises:
        DeviceError: the port is in use.
    """
    server = RemoteIoServer(settings, module, encoder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
