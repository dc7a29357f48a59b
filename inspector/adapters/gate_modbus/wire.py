"""One Modbus connection: reads the PLC's words, writes ours, and turns the vendor's errors into DeviceError."""

import logging
import termios
import time
from typing import Any

import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException

from inspector.adapters.gate_modbus.connection import open_tcp
from inspector.adapters.gate_modbus.layout import FROM_WORDS
from inspector.adapters.gate_modbus.settings import ModbusGateSettings, Parity, Transport
from inspector.domain.errors import DeviceError

IO_S = 0.1
_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "accepted, takes longer",
    6: "device busy",
    10: "gateway path unavailable",
    11: "gateway target did not answer",
}
_ADVICE = {
    1: 'FC16 and FC3 (FC4 where from_table = "input") would be right',
    2: "the PLC has no registers there; to_address, from_address and from_table must say where its blocks stand",
    3: "the PLC's blocks must hold 8 words to it and 17 from it",
    10: "right would be a unit_id the gateway knows",
    11: "right would be the unit_id of a device that is on",
}
_PARITIES = {Parity.NONE: "N", Parity.EVEN: "E", Parity.ODD: "O"}
_MEND = {1, 2, 3}
_NOT_DONE = {1, 2, 3, 6, 10}
"""After these nothing was written; after any other (4 failed, 5 takes longer, 11 no answer) it may have been."""


class RefusedError(DeviceError):
    """The PLC answered with an exception: it did not do it. ``mend``: a human must mend the settings or the PLC."""

    def __init__(self, device: str, reason: str, *, mend: bool) -> None:
        super().__init__(device, reason)
        self.mend = mend


class _SerialClient(ModbusSerialClient):
    """The library's client, waiting by a clock that nobody sets."""

    def _wait_for_data(self) -> int:
        """Wait for bytes until they stop coming, or the time for an answer is over; how many."""
        until, size = time.monotonic() + self.comm_params.timeout_connect, 0
        while time.monotonic() < until:
            available = int(self._in_waiting())  # type: ignore[no-untyped-call] # pymodbus leaves it bare
            if available and available == size:
                break
            size = available
            time.sleep(self._recv_interval)
        return size


class Wire:
    """Owned by one thread. After any error it is closed; ``connect`` opens it anew."""

    def __init__(self, settings: ModbusGateSettings) -> None:
        self._settings = settings
        self._client: ModbusTcpClient | ModbusSerialClient | None = None
        # The library logs every failed request; the house logs the link once per change of its state.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

    def connect(self) -> None:
        """Open the connection.

        Raises:
            DeviceError: nobody there; says which host and port or which device, and why.
        """
        self._client = self._tcp() if self._settings.transport is Transport.TCP else self._rtu()

    def _tcp(self) -> ModbusTcpClient:
        s = self._settings
        right = "the PLC's host and port with its Modbus server enabled"
        return open_tcp(s.device, s.host, s.port, timeout_s=IO_S, right=right)

    def _rtu(self) -> ModbusSerialClient:
        """The serial line, empty of answers that came for nobody."""
        s = self._settings
        client = _SerialClient(
            s.serial_port,
            baudrate=s.baud_rate,
            parity=_PARITIES[s.parity],
            stopbits=s.stop_bits,
            timeout=IO_S,
            retries=0,
        )
        try:
            line = serial.Serial(
                s.serial_port,
                baudrate=s.baud_rate,
                parity=_PARITIES[s.parity],
                stopbits=s.stop_bits,
                timeout=IO_S,
                write_timeout=IO_S,
                exclusive=True,
            )
            line.reset_input_buffer()
        except (OSError, termios.error) as error:
            raise DeviceError(
                s.device,
                f"{s.serial_port} cannot be opened: {error}; right would be the serial line's device, free, with "
                "this user in group dialout, and a baud_rate and parity it knows",
            ) from error
        client.socket = line
        return client

    def close(self) -> None:
        """Close the connection; harmless if there is none."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call] # pymodbus leaves it unannotated
            self._client = None

    def read(self, timeout_s: float = IO_S) -> list[int]:
        """The 17 registers from the PLC.

        Raises:
            DeviceError: no, a wrong or a refusing answer.
        """
        s = self._settings
        client = self._opened()
        ask = client.read_holding_registers if s.from_table == "holding" else client.read_input_registers
        what = f"reading {s.from_table} registers {s.from_address}-{s.from_address + FROM_WORDS - 1}"
        answer = self._transact(what, timeout_s, ask, s.from_address, count=FROM_WORDS)
        if len(answer.registers) != FROM_WORDS:
            raise self._failed(what, f"{len(answer.registers)} words instead of {FROM_WORDS} came")
        return list(answer.registers)

    def write(self, registers: list[int], timeout_s: float = IO_S) -> None:
        """Write the block in one FC16 request and wait for its answer.

        Raises:
            DeviceError: not answered, or refused. Unanswered, it may still be carried out later.
        """
        s = self._settings
        what = f"writing holding registers {s.to_address}-{s.to_address + len(registers) - 1}"
        answer = self._transact(what, timeout_s, self._opened().write_registers, s.to_address, registers)
        if (answer.address, answer.count) != (s.to_address, len(registers)):
            raise self._failed(what, f"the answer speaks of {answer.count} words at {answer.address}")

    def _opened(self) -> ModbusTcpClient | ModbusSerialClient:
        if self._client is None or self._client.socket is None:
            raise DeviceError(self._settings.device, "not connected")
        return self._client

    def _transact(self, what: str, timeout_s: float, ask: Any, *values: Any, **named: Any) -> Any:
        self._opened().comm_params.timeout_connect = timeout_s  # the library's one timeout, also for answers
        try:
            answer = ask(*values, device_id=self._settings.unit_id, **named)
        except (ModbusException, OSError, termios.error) as error:
            raise self._failed(what, self._silence(timeout_s)) from error
        if answer.isError():
            raise self._refused(what, answer.exception_code)
        return answer

    def _silence(self, timeout_s: float) -> str:
        """Worded without measured times, so that one cause is logged once."""
        if self._client is None or self._client.socket is None:
            return "the PLC closed the connection"
        line = "" if self._settings.transport is Transport.TCP else " and are baud_rate and parity the PLC's"
        return (
            f"no answer within {timeout_s * 1000:.0f} ms; is unit_id = {self._settings.unit_id} right{line}, "
            f"and does the PLC run?"
        )

    def _refused(self, what: str, code: int) -> DeviceError:
        advice = _ADVICE.get(code, "see the PLC manual")
        reason = f"{what}: {_NAMES.get(code, 'refused')} (exception {code}): {advice}"
        if code in _NOT_DONE:
            return RefusedError(self._settings.device, reason, mend=code in _MEND)
        return DeviceError(self._settings.device, reason)

    def _failed(self, what: str, why: str) -> DeviceError:
        return DeviceError(self._settings.device, f"{what}: {why}")
