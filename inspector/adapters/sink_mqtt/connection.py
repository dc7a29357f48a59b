"""One MQTT connection from CONNECT to its end, never used twice.

paho runs its own thread. Its callbacks hold paho's locks, so they do nothing but put an event into a queue; whoever
owns the connection takes the events out. A connection that is lost is thrown away with everything paho holds in
memory: what has no PUBACK is published again from the journal, and by nothing else.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from inspector.adapters.sink_mqtt.settings import MqttSettings
from inspector.domain.errors import DeliveryError

CONTENT_TYPE = "application/json"
NO_LIMIT = 65535
REFUSES_VERSION = 0x84
FAREWELL_S = 1.0
FAILURE = 0x80
"""MQTT 5 reason codes from here on say that something was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The broker took us in. ``window``: messages it allows under way. ``largest``: bytes of a packet, 0: any."""

    window: int
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acked:
    """A PUBACK came. ``code`` from 0x80 on: the broker refused the message."""

    mid: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message came (to a listener)."""

    mid: int
    topic: str
    payload: bytes
    retain: bool
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The connection ended, or was not granted. ``code``: the broker's reason code, 0 if it gave none."""

    code: int
    reason: str


Event = Connected | Acked | Received | Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Testament:
    """The Last Will: what the broker tells of us when we fall silent."""

    topic: str
    payload: bytes
    schema: str


class Connection:
    """A granted connection. One thread calls it."""

    def __init__(self, client: paho.Client, events: "SimpleQueue[Event]", granted: Connected, *, modern: bool) -> None:
        self._client = client
        self._events = events
        self._modern = modern
        self.window = granted.window
        self.largest = granted.largest

    def publish(self, topic: str, payload: bytes, *, schema: str, retain: bool) -> int:
        """Send with QoS 1; give the number that its ``Acked`` will carry.

        Raises:
            DeliveryError: the connection is gone.
        """
        properties = describe(schema, PacketTypes.PUBLISH) if self._modern else None
        sent = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if sent.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise DeliveryError(f"the connection is gone ({paho.error_string(sent.rc)})")
        return sent.mid

    def subscribe(self, topics: list[str]) -> None:
        """Ask for these topics with QoS 1."""
        self._client.subscribe([(topic, 1) for topic in topics])

    def ack(self, mid: int) -> None:
        """Tell the broker that a received message was taken in."""
        self._client.ack(mid, 1)

    def event(self, timeout_s: float) -> Event | None:
        """The next event, or None if none comes in time."""
        try:
            return self._events.get(timeout=timeout_s) if timeout_s > 0 else self._events.get_nowait()
        except Empty:
            return None

    def close(self, *, farewell: bool) -> None:
        """End it. ``farewell``: with a DISCONNECT, so that the broker keeps the Last Will to itself."""
        if farewell:
            self._client.disconnect()
            deadline = time.monotonic() + FAREWELL_S
            while (left := deadline - time.monotonic()) > 0 and not isinstance(self.event(left), Lost):
                pass  # what else comes now is of no use to anyone
        _end(self._client)


def connect(
    settings: MqttSettings,
    *,
    client_id: str,
    password: str | None,
    tls: ssl.SSLContext | None,
    modern: bool,
    will: Testament | None = None,
    session_s: int = 0,
) -> Connection:
    """Connect and wait for the broker's CONNACK.

    ``modern``: MQTT 5, else 3.1.1. ``session_s``: how long the broker keeps what we miss (a durable listener); 0: a
    clean start, nothing is kept.

    Raises:
        DeliveryError: the broker is away, hangs, or does not let us in. ``VersionRefusedError`` if only the version
            was refused.
    """
    events: SimpleQueue[Event] = SimpleQueue()
    client = _client(client_id, events, modern=modern, session_s=session_s)
    client.max_inflight_messages_set(settings.window)
    client.connect_timeout = settings.connect_timeout_s
    if tls is not None:
        client.tls_set_context(tls)
    if settings.username:
        client.username_pw_set(settings.username, password)
    if will is not None:
        properties = describe(will.schema, PacketTypes.WILLMESSAGE) if modern else None
        client.will_set(will.topic, will.payload, qos=1, retain=True, properties=properties)
    try:
        _dial(client, settings, modern=modern, session_s=session_s)
    except (OSError, ValueError) as error:
        _end(client)
        raise DeliveryError(f"broker {settings.address} is away: {_say(error)}") from error
    client.loop_start()
    granted = _await_grant(events, settings.connect_timeout_s)
    if isinstance(granted, Connected):
        return Connection(client, events, granted, modern=modern)
    _end(client)
    if granted.code == REFUSES_VERSION:
        raise VersionRefusedError(f"broker {settings.address} does not speak MQTT 5")
    raise DeliveryError(f"broker {settings.address}: {granted.reason}")


class VersionRefusedError(DeliveryError):
    """The broker said that it does not speak this version of MQTT."""


@lru_cache(maxsize=64)
def describe(schema: str, packet: int) -> Properties:
    """The MQTT 5 properties of a JSON message of this schema. No expiry: a record never gets too old."""
    properties = Properties(packet)  # type: ignore[no-untyped-call] # paho left this one constructor without types
    properties.PayloadFormatIndicator = 1
    properties.ContentType = CONTENT_TYPE
    properties.UserProperty = [("schema", schema)]
    return properties


def _client(client_id: str, events: "SimpleQueue[Event]", *, modern: bool, session_s: int) -> paho.Client:
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5 if modern else MQTTProtocolVersion.MQTTv311,
        clean_session=None if modern else session_s == 0,
        reconnect_on_failure=False,
        manual_ack=True,
    )

    def on_connect(_client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            events.put(Lost(code=reason.value, reason=f"the connection is refused: {reason}"))
            return
        window = getattr(properties, "ReceiveMaximum", NO_LIMIT)
        events.put(Connected(window=window, largest=getattr(properties, "MaximumPacketSize", 0)))

    def on_disconnect(_client: paho.Client, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        by_broker = flags.is_disconnect_packet_from_server
        events.put(Lost(code=reason.value if by_broker else 0, reason=f"the connection ended: {reason}"))

    def on_publish(_client: paho.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        events.put(Acked(mid=mid, code=reason.value, reason=str(reason)))

    def on_message(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        pairs = getattr(message.properties, "UserProperty", [])
        received = Received(
            mid=message.mid,
            topic=message.topic,
            payload=bytes(message.payload),
            retain=message.retain,
            properties=dict(pairs),
        )
        events.put(received)

    def on_subscribe(_client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                events.put(Lost(code=reason.value, reason=f"a subscription is refused: {reason}"))

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_disconnect = on_disconnect
    client.on_publish = on_publish
    client.on_message = on_message
    return client


def _dial(client: paho.Client, settings: MqttSettings, *, modern: bool, session_s: int) -> None:
    if not modern:
        client.connect(settings.host, settings.tcp_port, keepalive=settings.keepalive_s)
        return
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # as above
    properties.SessionExpiryInterval = session_s
    properties.ReceiveMaximum = settings.window
    client.connect(
        settings.host,
        settings.tcp_port,
        keepalive=settings.keepalive_s,
        clean_start=session_s == 0,
        properties=properties,
    )


def _await_grant(events: "SimpleQueue[Event]", timeout_s: float) -> Connected | Lost:
    deadline = time.monotonic() + timeout_s
    while (left := deadline - time.monotonic()) > 0:
        try:
            event = events.get(timeout=left)
        except Empty:
            break
        if isinstance(event, Connected | Lost):
            return event
    return Lost(code=0, reason=f"no CONNACK within {timeout_s:g} s; the broker hangs or is none")


def _end(client: paho.Client) -> None:
    """Stop paho's thread for good: it would go on for as long as a message of its own has no PUBACK."""
    client.drop_out_messages()
    open_socket = client.socket()
    if isinstance(open_socket, socket.socket):
        with suppress(OSError):  # it may have died a moment ago
            open_socket.shutdown(socket.SHUT_RDWR)
    client.loop_stop()


def _say(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
