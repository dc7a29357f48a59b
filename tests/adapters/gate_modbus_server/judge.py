"""A line in a thread for the tests of the server role: it judges every part by its number."""

import threading
import time
from contextlib import suppress
from typing import Self

from inspector.adapters.gate_modbus.server import ModbusServerGate
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.verdict import Outcome
from tests.adapters.gate_modbus.parts import verdict
from tests.adapters.gate_modbus_server.conftest import RUNNING

OUTCOMES = {1: Outcome.PASS, 2: Outcome.FAIL, 0: Outcome.UNDECIDED}


class Judge:
    """A line in a thread: judges every part by its number, watches the PLC's wishes, and remembers what it saw."""

    def __init__(self, gate: ModbusServerGate) -> None:
        self._gate = gate
        self._stop = threading.Event()
        self.seen: list[int] = []
        self.longest_ms = 0.0
        self._threads = [threading.Thread(target=one) for one in (self._judge, self._watch)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def _judge(self) -> None:
        positioned = False
        while not self._stop.is_set():
            with suppress(DeviceError):
                if not positioned:
                    self._gate.position(0.1)
                    positioned = True
                event = self._gate.wait(0.05)
                if event is None:
                    continue
                self.seen.append(event.part_seq)
                deadline = event.at + 0.8
                part = PartId(part_seq=event.part_seq)
                self._gate.expect(part, deadline=deadline)
                begun = time.monotonic()
                try:
                    self._gate.signal(part, verdict(OUTCOMES[event.part_seq % 3], 0.5), deadline=deadline)
                finally:
                    self.longest_ms = max(self.longest_ms, (time.monotonic() - begun) * 1e3)
                    self._gate.confirmations(0)

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self._gate.plc_word()
            self._gate.announce(RUNNING)
