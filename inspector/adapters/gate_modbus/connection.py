"""Opens a Modbus TCP connection as every client here needs it: at once or not at all, never waiting to send."""

import socket

from pymodbus.client import ModbusTcpClient

from inspector.domain.errors import DeviceError

CONNECT_S = 0.5


def open_tcp(device: str, host: str, port: int, *, timeout_s: float, right: str) -> ModbusTcpClient:
    """A connected client without retries. ``right``: what should be there, for people.

    Raises:
        DeviceError: nobody there within 0.5 s.
    """
    try:
        connection = socket.create_connection((host, port), timeout=CONNECT_S)
    except (OSError, UnicodeError) as error:  # UnicodeError: a host that is no name
        raise DeviceError(device, f"no connection: {error}; right would be {right}") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = ModbusTcpClient(host, port=port, timeout=timeout_s, retries=0)
    client.socket = connection
    return client
