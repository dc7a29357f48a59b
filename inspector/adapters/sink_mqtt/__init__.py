"""The broker as a sink: records in order until their PUBACK, retained states, birth and Last Will."""

from collections.abc import Iterator
from contextlib import contextmanager

from inspector.adapters.sink_mqtt.settings import MqttSettings, TlsSettings
from inspector.adapters.sink_mqtt.sink import MqttSink
from inspector.domain.errors import ConfigError
from inspector.ports.plugin import Context, Plugin

__all__ = ["PLUGIN", "MqttSettings", "MqttSink", "TlsSettings", "open_mqtt"]


@contextmanager
def open_mqtt(settings: MqttSettings, context: Context) -> Iterator[MqttSink]:
    """A sink that connects with its first delivery, and again whenever the broker was away.

    Raises:
        ConfigError: a secret or certificate cannot be used, or there is no topic root.
    """
    if not context.topic_root:
        raise ConfigError('sink mqtt: the topic root is empty; it would be e.g. "acme/berlin/press/1/inspector/left"')
    sink = MqttSink(
        settings,
        station=context.station,
        root=context.topic_root,
        password=settings.password(),
        tls=settings.tls_context(),
    )
    done = False
    try:
        yield sink
        done = True
    finally:
        if done:
            sink.farewell()
        else:
            sink.abandon()


PLUGIN = Plugin(settings_model=MqttSettings, open=open_mqtt)
