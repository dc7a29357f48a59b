"""A Modbus TCP server of the simulated line in a thread of its own, with faults of the wire."""

import asyncio
import random
import socket
import struct
import threading
import time
from collections.abc import Callable

from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import SimDevice

from inspector.domain.errors import DeviceError

_START_S = 10.0
_STALL_STEP_S = 0.005
_RESET = struct.pack("ii", 1, 0)


class WireFaults:
    """What the wire does wrong. Set from any thread, obeyed by the server's."""

    def __init__(self, seed: int = 0) -> None:
        self._stalled_until = 0.0
        self._garbage = 0
        self._noise = 0
        self._reset = False
        self._chance = random.Random(seed)  # noqa: S311 - it damages bytes, it keeps no secret

    def stall(self, until: float) -> None:
        """Until this moment (monotonic seconds) requests wait: they are carried out, and answered, only then."""
        self._stalled_until = until

    def garble(self, answers: int) -> None:
        """Damage so many answers."""
        self._garbage += answers

    def damage(self, requests: int) -> None:
        """Damage so many requests."""
        self._noise += requests

    def reset(self) -> None:
        """Reset every connection."""
        self._reset = True

    async def hold(self) -> None:
        """For the server: wait while it is stalled."""
        while time.monotonic() < self._stalled_until:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(_STALL_STEP_S)  # the end may be put off meanwhile

    def packet(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 - the library calls it by position
        """For the server: the bytes as they go out or came in."""
        if not data or (self._garbage if sending else self._noise) <= 0:
            return data
        if sending:
            self._garbage -= 1
        else:
            self._noise -= 1
        damaged = bytearray(data)
        damaged[self._chance.randrange(len(damaged))] ^= 1 << self._chance.randrange(8)
        return bytes(damaged)

    def must_reset(self) -> bool:
        """For the server: whether connections are to be reset now; once for each time it was asked for."""
        asked, self._reset = self._reset, False
        return asked


class ModbusThread:
    """Serves one device, and calls ``on_cycle`` each ``cycle_s`` between the requests.

    ``key``: the setting to change if the port is taken.
    """

    def __init__(
        self,
        *,
        name: str,
        host: str,
        port: int,
        key: str,
        device: Callable[[], SimDevice],
        cycle_s: float,
        on_cycle: Callable[[], None],
        wire: WireFaults,
    ) -> None:
        self.port = port
        self._name = name
        self._host = host
        self._key = key
        self._device = device
        self._cycle_s = cycle_s
        self._on_cycle = on_cycle
        self._wire = wire
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def must_run(self) -> None:
        """Raise what ended the thread, if anything did."""
        if self._failure is not None:
            raise self._failure

    def start(self) -> None:
        """Listen; returns once requests are answered.

        Raises:
            DeviceError: the port is in use.
        """
        self._thread.start()
        if not self._started.wait(_START_S):
            raise self._error("did not start to listen")
        self.must_run()

    def stop(self) -> None:
        """End the server; connections are closed."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (DeviceError, OSError, RuntimeError) as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        server = ModbusTcpServer(
            self._device(),
            framer=FramerType.SOCKET,
            address=(self._host, self.port),
            trace_packet=self._wire.packet,
        )
        if not await server.listen():
            raise self._error(f"the port is in use or not allowed; end the other server or set another {self._key}")
        try:
            if isinstance(server.transport, asyncio.Server):
                self.port = server.transport.sockets[0].getsockname()[1]
            self._on_cycle()
            self._started.set()
            while not self._stopping.is_set():
                await asyncio.sleep(self._cycle_s)
                self._on_cycle()
                if self._wire.must_reset():
                    _reset_connections(server)
        finally:
            await server.shutdown()  # type: ignore[no-untyped-call] # pymodbus leaves it bare

    def _error(self, reason: str) -> DeviceError:
        return DeviceError(f"simulated {self._name} {self._host}:{self.port}", reason, retry=False)


def _reset_connections(server: ModbusTcpServer) -> None:
    for connection in list(server.active_connections.values()):
        transport = connection.transport
        if isinstance(transport, asyncio.Transport):
            plug = transport.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
