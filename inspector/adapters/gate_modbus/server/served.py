"""The Modbus server in its own thread: asyncio lives here, and pymodbus ends here.

PLC ──FC6/16/22/23──▶ control block ──▶ desk.written      who writes is one connection at a time
PLC ◀──FC3/4/23────── status block  ◀── desk.status       made anew for every request, read as a whole
each 10 ms: desk.tick                   our heartbeat, the death of a link, how long this PC stood still
"""

import asyncio
import logging
import socket
import sys
import threading
import time
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

import structlog
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadWriteMultipleRegistersRequest
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from inspector.adapters.gate_modbus.server.desk import Desk
from inspector.adapters.gate_modbus.server.image import blank_control, decode_control, encode_status
from inspector.adapters.gate_modbus.server.table import CONTROL_WORDS, STATUS_WORDS
from inspector.domain.errors import DeviceError

log = structlog.get_logger(__name__)

_TICK_S = 0.01
_START_S = 10.0
_JOIN_S = 5.0
_FAREWELL_S = 0.1
_CONNECTIONS = 16
_BIT_FUNCTIONS = {1, 2, 5, 15}
_READ_INPUT = 4
_MASK_WRITE = 22
_BITS = 2
_KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))

_speaking: ContextVar[object] = ContextVar("speaking")
"""The connection whose request is being carried out: the library's data store does not tell."""


class _Connection(ServerRequestHandler):
    """One client."""

    def __init__(self, owner: "_Server") -> None:
        super().__init__(owner, None, None, None)  # type: ignore[no-untyped-call] # pymodbus leaves it bare
        self._desk = owner.desk

    def callback_connected(self) -> None:
        """Refuse who is not named, and one too many."""
        super().callback_connected()
        host = (self.transport.get_extra_info("peername") or ("",))[0]
        allowed = self._desk.settings.plc_hosts
        full = len(self.server.active_connections) > _CONNECTIONS
        if full or (allowed and host not in allowed):
            why = f"{_CONNECTIONS} connections are open" if full else f"plc_hosts names {', '.join(allowed)}"
            with self._desk.news:
                self._desk.refuse(f"a connection from {host} was refused: {why}")
            self.transport.abort()  # type: ignore[attr-defined] # a TCP transport has it
            return
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEP_ALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)

    def callback_disconnected(self, exc: Exception | None) -> None:
        """Its session ends with it."""
        super().callback_disconnected(exc)
        with self._desk.news:
            self._desk.hung_up(self, time.monotonic())

    async def handle_request(self) -> None:
        """Carry out one request in this connection's name; another unit's is refused and named."""
        request = self.last_pdu
        if request is None:
            return
        unit = self._desk.settings.unit_id
        if unit and request.dev_id != unit:
            with self._desk.news:
                self._desk.refuse(f"a request for unit {request.dev_id} was refused; right would be unit {unit}")
            refusal = ExceptionResponse(request.function_code, ExcCodes.GATEWAY_NO_RESPONSE)
            refusal.transaction_id, refusal.dev_id = request.transaction_id, request.dev_id
            self.server_send(refusal, self.last_addr)
            return
        _speaking.set(self)
        await super().handle_request()  # type: ignore[no-untyped-call] # pymodbus leaves it bare

    def server_send(self, pdu: Any, addr: Any) -> None:
        """Send an answer; one that refuses addresses is named."""
        request = self.last_pdu
        if isinstance(pdu, ExceptionResponse) and pdu.exception_code == ExcCodes.ILLEGAL_ADDRESS and request:
            with self._desk.news:
                self._desk.refuse(
                    f"{_named(request)} was refused; right would be the addresses of: inspector plc symbols"
                )
        super().server_send(pdu, addr)  # type: ignore[no-untyped-call] # pymodbus leaves it bare


def _named(request: ModbusPDU) -> str:
    """Which registers a request is about."""
    if isinstance(request, ReadWriteMultipleRegistersRequest):
        last = request.write_address + request.write_count - 1
        read = f"{request.read_address}-{request.read_address + request.read_count - 1}"
        return f"a request to write holding registers {request.write_address}-{last} and read {read}"
    table = "input" if request.function_code == _READ_INPUT else "holding"
    last = request.address + max(request.count, len(request.registers), 1) - 1
    return f"a request for {table} registers {request.address}-{last}"


class _Server(ModbusTcpServer):
    """The library's server with our connections."""

    def __init__(self, desk: Desk, device: SimDevice) -> None:
        self.desk = desk
        super().__init__(device, framer=FramerType.SOCKET, address=(desk.settings.listen, desk.settings.port))

    def callback_new_connection(self) -> _Connection:
        """A client comes."""
        return _Connection(self)


class Served:
    """``with Served(desk) as served: ...`` serves until it is left. ``port``: where it listens."""

    def __init__(self, desk: Desk) -> None:
        self.port = desk.settings.port
        self._desk = desk
        self._settings = desk.settings
        self._started = threading.Event()
        self._failure: DeviceError | None = None
        self._thread = threading.Thread(target=self._run, name="gate modbus server", daemon=True)
        # The library logs every refused request; the house logs each cause once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(_START_S):
            raise DeviceError(self._settings.device, f"the server did not start within {_START_S:.0f} s")
        if self._failure is not None:
            self._thread.join(_JOIN_S)
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._desk.news:
            self._desk.stopping = True
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            log.error("gate.thread_left", device=self._settings.device)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except DeviceError as error:
            self._failure = error
        finally:
            self._end()
            self._started.set()

    def _end(self) -> None:
        """Whatever ended the thread, everybody learns it; only a stop was asked for."""
        bug = sys.exception()
        desk = self._desk
        with desk.news:
            desk.ended = not desk.stopping
            why = f": {type(bug).__name__}: {bug}" if bug else ""
            desk.trouble = f"the server's thread has ended{why}"
            desk.drop_results()
            desk.news.notify_all()
        if desk.ended:
            log.critical("gate.thread_ended", device=self._settings.device, error=repr(bug))

    async def _serve(self) -> None:
        server = _Server(self._desk, self._device())
        if not await server.listen():
            s = self._settings
            raise DeviceError(
                s.device,
                f"{s.listen}:{s.port} is in use or not allowed; right would be a free gate.port and an address of "
                "this machine (below 1024: net.ipv4.ip_unprivileged_port_start)",
                retry=False,
            )
        try:
            if isinstance(server.transport, asyncio.Server):
                self.port = server.transport.sockets[0].getsockname()[1]
            self._started.set()
            while not self._desk.stopping:
                with self._desk.news:
                    self._desk.tick(time.monotonic())
                await asyncio.sleep(_TICK_S)
            await self._farewell()
        finally:
            await server.shutdown()  # type: ignore[no-untyped-call] # pymodbus leaves it bare

    async def _farewell(self) -> None:
        """Leave what stands to the PLC for its Ack, at most 100 ms."""
        until = time.monotonic() + _FAREWELL_S
        while time.monotonic() < until:
            with self._desk.news:
                if not self._desk.results.waiting or not self._desk.life.alive(time.monotonic()):
                    return
            await asyncio.sleep(_TICK_S / 2)

    def _device(self) -> SimDevice:
        s = self._settings
        bit = SimData(0, values=[False] * 16, datatype=DataType.BITS)
        blank = [0] * STATUS_WORDS
        return SimDevice(
            id=s.unit_id,
            simdata=(
                [bit],
                [bit],
                sorted(
                    [
                        SimData(s.control_address, values=blank_control(), datatype=DataType.REGISTERS),
                        SimData(s.mirror_address, values=blank, datatype=DataType.REGISTERS, readonly=True),
                    ],
                    key=lambda block: block.address,
                ),
                [SimData(s.status_address, values=blank, datatype=DataType.REGISTERS, readonly=True)],
            ),
            action=self._on_request,
        )

    async def _on_request(
        self,
        function: int,
        first: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Before the library reads or writes ``registers`` (the table from ``first`` on): refresh, or take."""
        if function in _BIT_FUNCTIONS:
            return ExcCodes.ILLEGAL_FUNCTION
        with self._desk.news:
            if written:
                return self._take(registers, first, address, [int(word) for word in written])
            if function == _MASK_WRITE and not self._desk.is_writer(_speaking.get(None)):
                self._forget_bits(registers, first)  # its value is made of what stands there
            base = self._settings.status_address if function == _READ_INPUT else self._settings.mirror_address
            self._refresh(registers, first, base, range(address, address + count))
        return None

    def _refresh(self, registers: list[int], first: int, base: int, asked: range) -> None:
        if base + STATUS_WORDS <= asked.start or asked.stop <= base:
            return
        now = time.monotonic()
        if base in asked:  # Results Valid stands there
            self._desk.read(_speaking.get(None), now)
        place = base - first
        registers[place : place + STATUS_WORDS] = encode_status(self._desk.status(now), self._settings.orders)

    def _forget_bits(self, registers: list[int], first: int) -> None:
        """The bits of an old connection are nobody's wish."""
        place = self._settings.control_address - first
        registers[place : place + _BITS] = [0] * _BITS

    def _take(self, registers: list[int], first: int, address: int, written: list[int]) -> ExcCodes | None:
        now, who = time.monotonic(), _speaking.get(None)
        if not self._desk.may_write(who, now):
            self._desk.refuse("a second connection wanted to write; right would be one PLC")
            return ExcCodes.DEVICE_BUSY
        base = self._settings.control_address
        place = base - first
        if not self._desk.is_writer(who):
            self._forget_bits(registers, first)
        words = registers[place : place + CONTROL_WORDS]
        words[address - base : address - base + len(written)] = written
        bits = address < base + _BITS
        self._desk.registers = words
        self._desk.written(who, decode_control(words, self._settings.orders), now, bits=bits)
        return None
