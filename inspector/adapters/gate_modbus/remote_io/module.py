"""One remote I/O module on the wire: reads what is wired, sets coils, tells the vendor's errors as DeviceError."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from inspector.adapters.gate_modbus.connection import open_tcp
from inspector.adapters.gate_modbus.remote_io.doubt import Doubt
from inspector.adapters.gate_modbus.remote_io.settings import Place, RemoteIoSettings
from inspector.domain.errors import DeviceError
from inspector.ports.field_io import FieldInputs, Output

IO_S = 0.05
STALE_S = 0.15
_MOST_READINGS = 4
_KEEP_ALIVE = 4
"""Outputs are written anew so many times within the module's watchdog."""
_NAMES = {
    1: "illegal function: right would be a module with FC1-FC4 and FC15",
    2: "illegal data address: right would be addresses that the module has",
    4: "device failure: has its watchdog tripped? wire tripped and re_arm",
}


class Module:
    """Owned by one thread. After any error the connection is closed; the next call opens it anew."""

    def __init__(self, settings: RemoteIoSettings) -> None:
        self._settings = settings
        self._client: ModbusTcpClient | None = None
        self._coils: dict[int, bool] = {}
        self._written_at = 0.0
        self._doubt = Doubt()
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

    @property
    def device(self) -> str:
        """The module in the station's words."""
        return self._settings.device

    def close(self) -> None:
        """Close the connection; harmless if there is none."""
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call] # pymodbus leaves it unannotated
            self._client = None
        self._coils = {}

    def read(self) -> FieldInputs:
        """Every wired input; see the port."""
        begun = time.monotonic()
        counters, at, asked_at = self._believed()
        bits = self._bits()
        if time.monotonic() - begun > STALE_S:
            raise DeviceError(self.device, "this PC stood still while the inputs were read: they are of the past")
        return FieldInputs(
            at=at,
            trigger_seq=counters.get("trigger", 0),
            trigger_encoder=counters.get("trigger_encoder"),
            encoder=counters.get("encoder"),
            good_count=counters.get("good_count"),
            reject_count=counters.get("reject_count"),
            belt_at_speed=bits.get("belt_at_speed"),
            bin_full=bits.get("bin_full", False),
            air_low=bits.get("air_low", False),
            acknowledge=bits.get("acknowledge", False),
            tripped=bits.get("tripped", False),
            asked_at=asked_at,
        )

    def write(self, outputs: Mapping[Output, bool], *, re_arm: bool = False) -> None:
        """Set every wired output; see the port."""
        if re_arm and (place := self._re_arm) is not None:
            self._ask(f"re-arming by coil {place.address}", self._opened().write_coils, place.address, [True])
            self._coils = {}
        wanted = {
            place.address: outputs.get(Output(name), False) != (name in self._settings.active_low)
            for name, place in self._settings.coils.items()
        }
        now = time.monotonic()
        due = now - self._written_at >= self._settings.watchdog_ms / 1e3 / _KEEP_ALIVE
        if wanted == self._coils and not due:
            return
        changed = wanted != self._coils
        self._coils = {}
        for first, values in _runs(wanted):
            last = first + len(values) - 1
            self._ask(f"writing coils {first}-{last}", self._opened().write_coils, first, values)
            if changed and self._settings.read_back:
                answer = self._ask(f"reading coils {first}-{last}", self._opened().read_coils, first, count=len(values))
                if list(answer.bits[: len(values)]) != values:
                    raise self._failed(f"coils {first}-{last} were written and read back differently")
        self._coils, self._written_at = wanted, now

    @property
    def _re_arm(self) -> Place | None:
        text = self._settings.re_arm
        return Place(table="coil", address=int(text.removeprefix("coil:"))) if text else None

    def _believed(self) -> tuple[dict[str, int], float, float]:
        """The counters, read until two readings agree where the first one says anything new; when, and when asked."""
        asked_at = time.monotonic()
        counters, at = self._registers(), time.monotonic()
        if self._doubt.surprising(counters, at):
            for _ in range(_MOST_READINGS):
                asked_at = time.monotonic()
                first, counters, at = counters, self._registers(), time.monotonic()
                if self._doubt.agree(first, counters, at):
                    break
            else:
                raise self._failed("its counters say something else at each reading: is the module ill?")
        self._doubt.believe(counters, at)
        return counters, at, asked_at

    def _registers(self) -> dict[str, int]:
        found: dict[str, int] = {}
        counters = self._settings.counters
        for table in ("input", "holding"):
            mine = {name: place.address for name, place in counters.items() if place.table == table}
            if not mine:
                continue
            first, count = min(mine.values()), max(mine.values()) + 2 - min(mine.values())
            client = self._opened()
            ask = client.read_input_registers if table == "input" else client.read_holding_registers
            what = f"reading {table} registers {first}-{first + count - 1}"
            words = self._whole(what, self._ask(what, ask, first, count=count).registers, count)
            for name, address in mine.items():
                high, low = words[address - first : address - first + 2]
                found[name] = low << 16 | high if self._settings.low_word_first else high << 16 | low
        return found

    def _bits(self) -> dict[str, bool]:
        wired = self._settings.bits
        if not wired:
            return {}
        addresses = [place.address for place in wired.values()]
        first, count = min(addresses), max(addresses) + 1 - min(addresses)
        what = f"reading discrete inputs {first}-{first + count - 1}"
        bits = self._whole(what, self._ask(what, self._opened().read_discrete_inputs, first, count=count).bits, count)
        inverted = self._settings.inverted
        return {name: bool(bits[place.address - first]) != (name in inverted) for name, place in wired.items()}

    def _opened(self) -> ModbusTcpClient:
        if self._client is None or self._client.socket is None:
            s = self._settings
            right = "the module's host and port with Modbus TCP enabled"
            self._client = open_tcp(s.device, s.host, s.port, timeout_s=IO_S, right=right)
        return self._client

    def _ask(self, what: str, ask: Callable[..., Any], *values: Any, **named: Any) -> Any:
        try:
            answer = ask(*values, device_id=self._settings.unit_id, **named)
        except (ModbusException, OSError) as error:
            raise self._failed(
                f"{what}: no answer within {IO_S * 1e3:.0f} ms; is unit_id = {self._settings.unit_id} right, "
                "and is the module on?"
            ) from error
        if answer.isError():
            code = answer.exception_code
            raise self._failed(f"{what}: {_NAMES.get(code, 'refused')} (exception {code})")
        return answer

    def _whole(self, what: str, came: list[Any], count: int) -> list[Any]:
        """What was asked for; bits come in whole bytes."""
        if len(came) < count:
            raise self._failed(f"{what}: {len(came)} came instead of {count}")
        return came

    def _failed(self, why: str) -> DeviceError:
        self.close()
        return DeviceError(self.device, why)


def _runs(coils: Mapping[int, bool]) -> list[tuple[int, list[bool]]]:
    """Coils that follow each other, so that none between them is touched that is not ours."""
    runs: list[tuple[int, list[bool]]] = []
    for address in sorted(coils):
        if runs and runs[-1][0] + len(runs[-1][1]) == address:
            runs[-1][1].append(coils[address])
        else:
            runs.append((address, [coils[address]]))
    return runs
