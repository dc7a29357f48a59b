"""A PLC over Modbus TCP, client role, layout 1 (docs/plc.md): gate, annunciator and trigger on one connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from inspector.adapters.gate_modbus.client import Client
from inspector.adapters.gate_modbus.desk import Desk
from inspector.adapters.gate_modbus.gate import ModbusGate
from inspector.adapters.gate_modbus.settings import ModbusGateSettings, OnStartupError
from inspector.ports.plugin import Context, Plugin

__all__ = ["PLUGIN", "ModbusGate", "ModbusGateSettings"]


@contextmanager
def _open(settings: ModbusGateSettings, context: Context) -> Iterator[ModbusGate]:  # noqa: ARG001 - a port's signature
    """Open the link; it is safe from the first moment: until a result is told, the PLC rejects.

    Raises:
        ConfigError, DeviceError: only with on_startup_error = "error".
    """
    desk = Desk(settings)
    gate = ModbusGate(desk)
    with Client(desk):
        if settings.on_startup_error is OnStartupError.ERROR:
            gate.wait_alive(settings.startup_timeout_s)
        yield gate


PLUGIN = Plugin(settings_model=ModbusGateSettings, open=_open)
