"""The simulated PLC on the wire: a Modbus TCP server around the PLC's program, in a thread of its own.

    line ──FC16 words 0-7──▶ telegram ──┐
                                        ├──▶ program.scan,  every scan_ms ──▶ decisions ──▶ ejector
    light gate ──latched edges──────────┘                └──▶ words 0-16 ──FC3/FC4──▶ line
Requests and scans run in one event loop, one after the other: a block is written and read as a whole.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from inspector.twin.modbus_thread import ModbusThread, WireFaults
from inspector.twin.plc import WORDS_IN, WORDS_OUT, PlcProgram, ScanInputs, Telegram
from inspector.twin.settings import TwinSettings
from inspector.twin.shift_register import Decision

OnTelegram = Callable[[tuple[int, ...], int], None]
"""Told of every block the line writes: its words, and the encoder count when it arrived."""

_RESTART_S = 5.0
_T = TypeVar("_T")


class PlcServer:
    """The PLC as the rest of the simulated line knows it: an input for the light gate, an output for the ejector."""

    def __init__(
        self, settings: TwinSettings, logic: PlcProgram, encoder: Callable[[float], int], on_telegram: OnTelegram
    ) -> None:
        self.wire = WireFaults(settings.seed)
        self.panel = logic.panel
        self.link_alive = False
        self.permit = False
        self._settings = settings
        self._logic = logic
        self._encoder = encoder
        self._on_telegram = on_telegram
        self._edges: deque[int] = deque()
        self._decisions: deque[Decision] = deque()
        self._telegram = Telegram(words=(0,) * WORDS_IN, encoder=0)
        self._image: list[int] = [0] * WORDS_OUT
        self._restarting = False
        self._restarted = threading.Event()
        self._thread = ModbusThread(
            name="plc",
            host=settings.plc_host,
            port=settings.plc_port,
            key="twin.plc_port",
            device=self._device,
            cycle_s=settings.scan_ms / 1000,
            on_cycle=self._scan,
            wire=self.wire,
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._thread.port

    def light_gate(self, edge: int) -> None:
        """Latch one part at the light gate, with the encoder count at its edge."""
        self._edges.append(edge)

    def decisions(self) -> list[Decision]:
        """What was decided since the last call, in order."""
        return drain(self._decisions)

    def refused(self) -> dict[str, int]:
        """Telegrams the PLC did not follow, by reason."""
        return dict(self._logic.tally)

    def must_run(self) -> None:
        """Raise what ended the PLC's thread, if anything did."""
        self._thread.must_run()

    def restart(self) -> None:
        """Power fails and comes back: it counts anew. Returns once it does; what it forgot is decided: reject."""
        self._restarted.clear()
        self._restarting = True
        if not self._restarted.wait(_RESTART_S):
            self._thread.must_run()

    def start(self) -> None:
        """Listen; returns once requests are answered."""
        self._thread.start()

    def stop(self) -> None:
        """End the server; connections are closed."""
        self._thread.stop()

    def _scan(self) -> None:
        now = time.monotonic()
        outputs = self._logic.scan(
            ScanInputs(now=now, encoder=self._encoder(now), gate_edges=drain(self._edges), telegram=self._telegram)
        )
        self._image = list(outputs.words)
        self._decisions.extend(outputs.decisions)
        if self._restarting:
            self._restarting = False
            self._decisions.extend(self._logic.restart())
            self._telegram = Telegram(words=(0,) * WORDS_IN, encoder=0)
            self._restarted.set()
        self.link_alive = outputs.link_alive
        self.permit = outputs.permit

    def _device(self) -> SimDevice:
        return SimDevice(
            id=self._settings.plc_unit,
            simdata=[
                SimData(self._settings.plc_to_base, values=[0] * WORDS_IN, datatype=DataType.REGISTERS),
                SimData(
                    self._settings.plc_from_base, values=[0] * WORDS_OUT, datatype=DataType.REGISTERS, readonly=True
                ),
            ],
            action=self._on_request,
        )

    async def _on_request(
        self,
        _function: int,
        first: int,
        address: int,
        _count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Before the server reads or writes registers: bring the image up to date, or take the telegram."""
        await self.wire.hold()
        if written:
            words = list(self._telegram.words)
            place = address - self._settings.plc_to_base
            words[place : place + len(written)] = [int(word) for word in written]
            arrived = self._encoder(time.monotonic())
            self._telegram = Telegram(words=tuple(words), encoder=arrived, number=self._telegram.number + 1)
            self._on_telegram(self._telegram.words, arrived)
        else:
            start = self._settings.plc_from_base - first
            registers[start : start + WORDS_OUT] = self._image
        return None


@contextmanager
def open_plc(
    settings: TwinSettings, logic: PlcProgram, encoder: Callable[[float], int], on_telegram: OnTelegram
) -> Iterator[PlcServer]:
    """Serve the PLC on loopback.

    Raises:
        DeviceError: the port is in use.
    """
    server = PlcServer(settings, logic, encoder, on_telegram)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def drain(queue: deque[_T]) -> list[_T]:
    """Take all that is in it, while another thread may add."""
    taken: list[_T] = []
    with suppress(IndexError):
        while True:
            taken.append(queue.popleft())
    return taken
