"""A remote I/O module over Modbus TCP: counters, inputs and coils, for lines on which we fire the ejector ourselves.

Not stale-safe: a coil carries no part number, and a write that was not answered may be carried out later. The module's
own watchdog must stand behind it; ``inspector commission`` records that it was tried.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from inspector.adapters.gate_modbus.remote_io.module import Module
from inspector.adapters.gate_modbus.remote_io.settings import RemoteIoSettings
from inspector.ports.plugin import Context, Plugin

__all__ = ["PLUGIN", "RemoteIoSettings"]


@contextmanager
def _open(settings: RemoteIoSettings, context: Context) -> Iterator[Module]:  # noqa: ARG001 - a port's signature
    module = Module(settings)
    try:
        yield module
    finally:
        module.close()


PLUGIN = Plugin(settings_model=RemoteIoSettings, open=_open, tracks=True)
