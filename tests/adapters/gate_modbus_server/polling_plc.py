"""A PLC in a few lines of Python that polls the station: for tests that look at one bit at a time."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pymodbus.client import ModbusTcpClient

from inspector.adapters.gate_modbus.layout import Orders
from inspector.adapters.gate_modbus.server.image import Status, decode_status
from inspector.adapters.gate_modbus.server.table import CONTROL_FIELDS, CONTROL_WORDS, STATUS_WORDS, ControlBit

PATIENCE_S = 10.0
_PLACES = {one.name: one for one in CONTROL_FIELDS}


class PollingPlc:
    """``with PollingPlc(port) as plc: plc.until(lambda: plc.sees(StatusBit.TRIGGER_READY))``."""

    def __init__(self, port: int) -> None:
        self.words = [0] * CONTROL_WORDS
        self.status = decode_status([0] * STATUS_WORDS, Orders())
        self.echoing = True
        self._client = ModbusTcpClient("127.0.0.1", port=port, timeout=5, retries=0)

    def __enter__(self) -> Self:
        assert self._client.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def put(self, **values: int) -> None:
        """Set words of the control block by name, for the next scan."""
        for name, value in values.items():
            field = _PLACES[name]
            if field.number32:
                self.words[field.offset], self.words[field.offset + 1] = value >> 16, value & 0xFFFF
            else:
                self.words[field.offset] = value

    def text(self, name: str, text: str) -> None:
        """Set a text of the control block."""
        raw = text.encode().ljust(8, b"\0")
        at = _PLACES[name].offset
        self.words[at : at + 4] = [raw[i] << 8 | raw[i + 1] for i in range(0, 8, 2)]

    def bits(self, bits: ControlBit) -> None:
        """Set all bits, for the next scan."""
        self.words[0], self.words[1] = bits & 0xFFFF, bits >> 16

    def look(self) -> Status:
        """Read the status words."""
        answer = self._client.read_input_registers(0, count=STATUS_WORDS, device_id=1)
        self.status = decode_status(answer.registers, Orders())
        return self.status

    def scan(self) -> Status:
        """Read the status, echo the heartbeat, write the control block."""
        self.look()
        if self.echoing:
            self.put(heartbeat_echo=self.status.words["heartbeat"])
        answer = self._client.write_registers(0, self.words, device_id=1)
        assert not answer.isError(), answer
        return self.status

    def until(self, condition: Callable[[Status], bool], timeout_s: float = PATIENCE_S) -> Status:
        """Scan until the status is so."""
        end = time.monotonic() + timeout_s
        while not condition(self.scan()):
            assert time.monotonic() < end, f"not within {timeout_s} s: {self.status}"
            time.sleep(0.005)
        return self.status
