"""An embedded MQTT 5 broker for demonstrations: it keeps nothing, and nobody but this machine can reach it."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspector.domain.errors import ConfigError, DeviceError

LOOPBACK = "127.0.0.1"
CONFIG = """\
id = 0

[router]
id = 0
max_connections = 64
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 5

[v5.1]
name = "inspector demo"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""
"""rumqttd's own form. Without a v5 section the broker answers MQTT 5 with silence; without a host it listens to all."""


@contextmanager
def open_broker(port: int = 1883) -> Iterator[str]:
    """Run the broker in a child process while the ``with`` lasts; gives its address "127.0.0.1:port".

    The child ends with us, even if we are killed. MQTT 5 only.

    Raises:
        ConfigError: the extra ``demo`` is not installed, or the port is in use.
        DeviceError: the broker did not start.
    """
    try:
        from iotcore import Broker  # noqa: PLC0415 - the optional extra `demo`; nothing else may need it
    except ImportError as error:
        raise ConfigError(
            "the embedded demo broker is not installed; in the checkout: pip install '.[demo]', "
            "or use a broker of your own"
        ) from error
    _require_free(port)
    with tempfile.TemporaryDirectory(prefix="inspector-broker-") as folder:
        config = Path(folder) / "broker.toml"
        config.write_text(CONFIG.format(host=LOOPBACK, port=port), encoding="utf-8")
        broker = Broker(port=port, listen=LOOPBACK, config_path=str(config))
        try:
            broker.start()
        except (OSError, RuntimeError) as error:
            raise DeviceError(f"demo broker {LOOPBACK}:{port}", f"it did not start: {error}") from error
        try:
            yield f"{LOOPBACK}:{port}"
        finally:
            broker.stop()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"demo broker: port {port} on {LOOPBACK} cannot be had ({error}); choose a free port above 1023"
            ) from error
