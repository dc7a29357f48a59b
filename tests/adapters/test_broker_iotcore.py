import json
import os
import signal
import socket
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import Any

import paho.mqtt.client as paho
import psutil
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from inspector.adapters.broker_iotcore import open_broker
from inspector.domain.errors import ConfigError

pytestmark = pytest.mark.skipif(
    find_spec("iotcore") is None, reason="the extra demo is missing: pip install -e '.[demo]'"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Guest:
    """An MQTT 5 client that waits for what it is told."""

    def __init__(self, port: int, name: str, will: str = "") -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        self.heard: list[tuple[str, bytes, bool, Any]] = []
        self.codes: list[int] = []
        self.news = threading.Condition()
        self.client.on_message = lambda _c, _d, m: self.note(
            self.heard, (m.topic, m.payload, m.retain, getattr(m.properties, "UserProperty", None))
        )
        self.client.on_publish = lambda _c, _d, _mid, reason, _p: self.note(self.codes, reason.value)
        self.client.on_connect = lambda _c, _d, _f, reason, _p: self.note(self.codes, reason.value)
        self.client.on_subscribe = lambda _c, _d, _m, reasons, _p: self.note(self.codes, reasons[0].value)
        if will:
            self.client.will_set(will, b"gone", qos=1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.until(lambda: self.codes == [0])

    def note(self, where: list[Any], what: Any) -> None:
        with self.news:
            where.append(what)
            self.news.notify_all()

    def until(self, condition: Any) -> None:
        with self.news:
            assert self.news.wait_for(condition, timeout=10), (self.codes, self.heard)

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_the_broker_speaks_mqtt_5_with_qos_1_retained_messages_and_user_properties() -> None:
    port = free_port()
    with open_broker(port) as address:
        assert address == f"127.0.0.1:{port}"
        sender = Guest(port, "sender")
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = [("schema", "inspector.state/1")]
        sender.client.publish("a/state", b"online", qos=1, retain=True, properties=properties)
        sender.until(lambda: len(sender.codes) == 2)
        assert sender.codes[1] < 0x80
        late = Guest(port, "late")
        late.client.subscribe("a/#", qos=1)
        late.until(lambda: late.heard)
        assert late.heard[0][:2] == ("a/state", b"online")
        assert ("schema", "inspector.state/1") in late.heard[0][3]
        sender.leave()
        late.leave()


def test_a_last_will_is_heard_when_a_client_is_killed() -> None:
    port = free_port()
    with open_broker(port):
        watcher = Guest(port, "watcher")
        watcher.client.subscribe("a/#", qos=1)
        watcher.until(lambda: len(watcher.codes) == 2)
        program = (
            "import paho.mqtt.client as m, time; c = m.Client(m.CallbackAPIVersion.VERSION2, protocol=m.MQTTv5);"
            f"c.will_set('a/state', b'gone', qos=1); c.connect('127.0.0.1', {port}); c.loop_start();"
            "c.publish('a/here', b'1', qos=1); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", program]) as victim:
            watcher.until(lambda: any(topic == "a/here" for topic, *_ in watcher.heard))
            victim.send_signal(signal.SIGKILL)
            watcher.until(lambda: any(message[:2] == ("a/state", b"gone") for message in watcher.heard))
        watcher.leave()


def test_only_this_machine_can_reach_it_and_it_ends_with_the_with() -> None:
    port = free_port()
    before = set(psutil.Process(os.getpid()).children(recursive=True))  # a browser of other tests, for one
    with open_broker(port):
        children = [child for child in psutil.Process(os.getpid()).children(recursive=True) if child not in before]
        listening = [c.laddr for child in children for c in child.net_connections("tcp") if c.status == "LISTEN"]
        assert [(place.ip, place.port) for place in listening] == [("127.0.0.1", port)]
        assert not [c for child in children for c in child.net_connections("udp")]
    assert not any(child.is_running() and child.status() != "zombie" for child in children)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_in_use_is_a_config_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 cannot be had"), open_broker(port):
            pass


def test_a_missing_extra_is_a_config_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "iotcore", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[demo\]'"), open_broker(free_port()):
        pass


def test_the_broker_dies_with_a_killed_parent() -> None:
    port = free_port()
    program = (
        "import json, os, psutil, time; from inspector.adapters.broker_iotcore import open_broker\n"
        f"with open_broker({port}):\n"
        "    print(json.dumps([c.pid for c in psutil.Process().children(recursive=True)]), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(pid) for pid in json.loads(parent.stdout.readline())]
        parent.kill()
    _gone, alive = psutil.wait_procs(children, timeout=10)
    assert not [child for child in alive if child.status() != "zombie"]
