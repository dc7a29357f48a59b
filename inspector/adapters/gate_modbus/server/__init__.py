"""A PLC that polls us over Modbus TCP, server role (docs/plc-server.md): gate, annunciator and trigger in one."""

from collections.abc import Iterator
from contextlib import contextmanager

from inspector.adapters.gate_modbus.server.desk import Desk
from inspector.adapters.gate_modbus.server.gate import ModbusServerGate
from inspector.adapters.gate_modbus.server.served import Served
from inspector.adapters.gate_modbus.server.settings import ModbusServerSettings
from inspector.ports.plugin import Context, Plugin

__all__ = ["PLUGIN", "ModbusServerGate", "ModbusServerSettings"]


@contextmanager
def _open(settings: ModbusServerSettings, context: Context) -> Iterator[ModbusServerGate]:
    """Listen; it is safe from the first moment: until a result stands, the PLC rejects.

    Raises:
        DeviceError: the port is in use or not allowed.
    """
    desk = Desk(settings, checksum=context.checksum)
    with Served(desk) as served:
        yield ModbusServerGate(desk, port=served.port)


PLUGIN = Plugin(settings_model=ModbusServerSettings, open=_open)
