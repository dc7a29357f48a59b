"""The simulated PLC as a Modbus TCP client that polls the station, in a thread of its own.

    every scan_ms: light gate ──edges──▶ program.scan ──▶ decisions ──▶ ejector
    as fast:       station ──FC4 status──▶ scan ──FC16 control──▶ station
The exchange never holds up the scan: while the station is silent, parts are decided (rejected) all the same.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from inspector.twin.modbus_thread import WireFaults
from inspector.twin.plc_modbus import drain
from inspector.twin.plc_polling import STATUS_WORDS, Poll, PollingProgram, Said
from inspector.twin.settings import TwinSettings
from inspector.twin.shift_register import Code, Decision

OnResult = Callable[[int, Code, int], None]
"""Told of every result that is read: part number, what it says, encoder count when it arrived."""

_ANSWER_S = 0.25
_AGAIN_S = 0.05
_RESTART_S = 5.0


class PollingPlc:
    """The PLC as the rest of the simulated line knows it: an input for the light gate, an output for the ejector."""

    def __init__(
        self, settings: TwinSettings, logic: PollingProgram, encoder: Callable[[float], int], on_result: OnResult
    ) -> None:
        self.wire = WireFaults(settings.seed)
        self.panel = logic.panel
        self.link_alive = False
        self.permit = False
        self.port = settings.plc_port
        self._settings = settings
        self._logic = logic
        self._encoder = encoder
        self._on_result = on_result
        self._edges: deque[int] = deque()
        self._decisions: deque[Decision] = deque()
        self._words: tuple[int, ...] = ()
        self._restarting = False
        self._restarted = threading.Event()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="plc", daemon=True)

    def light_gate(self, edge: int) -> None:
        """Latch one part at the light gate, with the encoder count at its edge."""
        self._edges.append(edge)

    def decisions(self) -> list[Decision]:
        """What was decided since the last call, in order."""
        return drain(self._decisions)

    def refused(self) -> dict[str, int]:
        """What the PLC did not follow, by reason."""
        return dict(+self._logic.tally)

    def must_run(self) -> None:
        """Raise what ended the PLC's thread, if anything did."""
        if self._failure is not None:
            raise self._failure

    def restart(self) -> None:
        """Power fails and comes back: it counts anew. Returns once it does; what it forgot is decided: reject."""
        self._restarted.clear()
        self._restarting = True
        if not self._restarted.wait(_RESTART_S):
            self.must_run()

    def start(self) -> None:
        """Poll from now on; the station need not be there yet."""
        self._thread.start()

    def stop(self) -> None:
        """Close the connection and end."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, RuntimeError) as error:
            self._failure = error

    async def _serve(self) -> None:
        exchange = asyncio.create_task(self._exchange_all())
        try:
            while not self._stopping.is_set():
                await asyncio.sleep(self._settings.scan_ms / 1000)
                self._scan(None)
                if exchange.done():
                    exchange.result()
        finally:
            exchange.cancel()

    async def _exchange_all(self) -> None:
        client = AsyncModbusTcpClient(
            self._settings.plc_host,
            port=self._settings.plc_port,
            timeout=_ANSWER_S,
            retries=0,
            reconnect_delay=0,
            trace_packet=self.wire.packet,
        )
        anew = True
        try:
            while True:
                await self.wire.hold()
                if self.wire.must_reset() and client.connected:
                    client.close()
                if not client.connected:
                    anew = True
                    if not await client.connect():
                        await asyncio.sleep(_AGAIN_S)
                        continue
                if await self._exchange(client, anew=anew):
                    anew = False
                    await asyncio.sleep(self._settings.scan_ms / 1000)
                else:
                    client.close()
                    await asyncio.sleep(_AGAIN_S)
        finally:
            client.close()

    async def _exchange(self, client: AsyncModbusTcpClient, *, anew: bool) -> bool:
        """Read the status, scan, write the control block; False if the station did not answer as it should."""
        unit = self._settings.plc_unit
        try:
            read = await client.read_input_registers(self._settings.station_status, count=STATUS_WORDS, device_id=unit)
            if read.isError() or len(read.registers) != STATUS_WORDS:
                self._logic.tally["refused_read"] += 1
                return False
            await self.wire.hold()  # stopped between reading and writing: what it read is old by then
            self._scan(tuple(read.registers), anew=anew)
            wrote = await client.write_registers(self._settings.station_control, list(self._words), device_id=unit)
        except ModbusException:
            return False
        self._logic.tally["refused_write"] += wrote.isError()
        return not wrote.isError()

    def _scan(self, status: tuple[int, ...] | None, *, anew: bool = False) -> None:
        now = time.monotonic()
        encoder = self._encoder(now)
        if status is not None and (said := Said.read(status)).valid:
            self._on_result(said.part_seq, said.code, encoder)
        poll = Poll(now=now, encoder=encoder, gate_edges=drain(self._edges), status=status, anew=anew)
        polled = self._logic.scan(poll)
        self._words = polled.words
        self._decisions.extend(polled.decisions)
        if self._restarting:
            self._restarting = False
            self._decisions.extend(self._logic.restart())
            self._restarted.set()
        self.link_alive = polled.link_alive
        self.permit = polled.permit


@contextmanager
def open_polling_plc(
    settings: TwinSettings, logic: PollingProgram, encoder: Callable[[float], int], on_result: OnResult
) -> Iterator[PollingPlc]:
    """Poll the station at ``plc_host:plc_port``, whether it is there yet or not."""
    plc = PollingPlc(settings, logic, encoder, on_result)
    plc.start()
    try:
        yield plc
    finally:
        plc.stop()
