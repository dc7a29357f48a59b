import json
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from inspector.adapters.sink_mqtt import open_mqtt
from inspector.domain.errors import ConfigError, DeliveryError
from inspector.ports.plugin import Context
from inspector.ports.sink import Announcement

pytestmark = pytest.mark.peer("mosquitto")
ONLINE = Announcement(topic="state", payload={"station": "left", "state": "online", "opcState": "Ready", "reason": ""})


def refuse(seq: int) -> None:
    pytest.fail(f"{seq} was called done")


def test_a_refused_record_is_named_and_those_behind_it_are_done_once_it_is_passed(
    mosquitto: Any, context: Context, house: Any
) -> None:
    broker = mosquitto()
    (broker.folder / "acl").write_text(f"topic readwrite {house.root}/result\ntopic deny {house.root}/disposal\n")
    broker.lines.append(f"acl_file {broker.folder / 'acl'}")
    broker.start()
    batch = [house.record(1), house.record(2, "disposal"), house.record(3), house.record(4)]
    with open_mqtt(house.settings(broker), context) as sink:
        done = []
        for _ in range(3):
            with pytest.raises(DeliveryError, match="journal_seq 2: the broker refused it: Not authorized") as refusal:
                sink.deliver(batch[len(done) :], done.append)
            assert refusal.value.refused
            assert done == [1]
        sink.deliver(batch[2:], done.append)
        assert done == [1, 3, 4]


def test_a_record_larger_than_the_broker_takes_is_refused_and_the_connection_stays(
    mosquitto: Any, context: Context, house: Any
) -> None:
    broker = mosquitto("max_packet_size 2000").start()
    with open_mqtt(house.settings(broker), context) as sink:
        done = []
        with pytest.raises(DeliveryError, match="the broker takes 2000") as refusal:
            sink.deliver([house.record(1), house.record(2, text="x" * 3000), house.record(3)], done.append)
        assert refusal.value.refused
        assert done == [1]
        sink.deliver([house.record(3)], done.append)
        assert done == [1, 3]


def test_a_wrong_password_is_named_without_the_password(
    mosquitto: Any,
    context: Context,
    house: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    passwd = tmp_path / "passwd"
    passwd.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(passwd), "station", "right-one"], check=True, capture_output=True)
    broker = mosquitto(f"password_file {passwd}", anonymous=False).start()
    secret = tmp_path / "secret"
    secret.write_text("hunter2-wrong\n")
    secret.chmod(0o600)
    options = {"username": "station", "password_file": secret}
    with open_mqtt(house.settings(broker, **options), context) as sink, pytest.raises(DeliveryError) as refusal:
        sink.deliver([house.record(1)], refuse)
    assert "Not authorized" in str(refusal.value)
    assert not refusal.value.refused
    assert "hunter2" not in str(refusal.value) + repr(house.settings(broker, **options)) + caplog.text
    out = capsys.readouterr()
    assert "hunter2" not in out.out + out.err
    secret.write_text("right-one\n")
    with open_mqtt(house.settings(broker, **options), context) as sink:
        sink.deliver([house.record(1)], lambda _: None)


def test_a_password_file_that_others_may_read_is_a_config_error(
    context: Context, house: Any, mosquitto: Any, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o644)
    options = house.settings(mosquitto(), username="station", password_file=secret)
    with pytest.raises(ConfigError, match="mode 0644: others may read it; chmod 600 it"), open_mqtt(options, context):
        pass


def test_a_systemd_credential_gives_the_password(
    house: Any, mosquitto: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mqtt").write_text("from-systemd\n")
    options = house.settings(mosquitto(), username="station", password_credential="mqtt")  # noqa: S106 - a credential's name
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match="LoadCredential"):
        options.password()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert options.password() == "from-systemd"


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def authority(folder: Path, name: str) -> None:
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        f"{folder}/{name}.key",
        "-days",
        "2",
        "-out",
        f"{folder}/{name}.crt",
        "-subj",
        f"/CN={name}",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    )


def signed(folder: Path, name: str, ca: str, extension: str) -> None:
    (folder / "ext").write_text(extension)
    openssl(
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        f"{folder}/{name}.key",
        "-out",
        f"{folder}/{name}.csr",
        "-subj",
        f"/CN={name}",
    )
    openssl(
        "x509",
        "-req",
        "-in",
        f"{folder}/{name}.csr",
        "-CA",
        f"{folder}/{ca}.crt",
        "-CAkey",
        f"{folder}/{ca}.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-out",
        f"{folder}/{name}.crt",
        "-extfile",
        f"{folder}/ext",
    )


@pytest.mark.peer("openssl")
def test_tls_wants_the_right_authority_the_right_name_and_shows_our_certificate(
    mosquitto: Any, context: Context, house: Any, tmp_path: Path
) -> None:
    authority(tmp_path, "plant-ca")
    authority(tmp_path, "other-ca")
    signed(tmp_path, "server", "plant-ca", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    signed(tmp_path, "station", "plant-ca", "extendedKeyUsage=clientAuth\n")
    broker = mosquitto(
        f"cafile {tmp_path}/plant-ca.crt",
        f"certfile {tmp_path}/server.crt",
        f"keyfile {tmp_path}/server.key",
        "require_certificate true",
    ).start()
    ours = {"cert_file": tmp_path / "station.crt", "key_file": tmp_path / "station.key"}

    def attempt(**options: Any) -> list[int]:
        with open_mqtt(house.settings(broker, **options), context) as sink:
            done = []
            sink.deliver([house.record(1)], done.append)
            return done

    assert attempt(tls={"ca_file": tmp_path / "plant-ca.crt", **ours}) == [1]
    with pytest.raises(DeliveryError, match="certificate is not trusted"):
        attempt(tls={"ca_file": tmp_path / "other-ca.crt", **ours})
    with pytest.raises(DeliveryError):
        attempt(tls={"ca_file": tmp_path / "plant-ca.crt"})
    with pytest.raises(DeliveryError):
        attempt()
    with pytest.raises(DeliveryError, match=r"not trusted.*localhost"):
        attempt(tls={"ca_file": tmp_path / "plant-ca.crt", **ours}, host="localhost")
    with pytest.raises(ConfigError, match=r"ca_file = .* is not a readable PEM"):
        attempt(tls={"ca_file": tmp_path / "missing.crt"})


def test_the_birth_comes_back_at_every_connect_and_a_stop_says_stopped(
    mosquitto: Any, context: Context, house: Any, spy: Any
) -> None:
    broker = mosquitto().start()
    with open_mqtt(house.settings(broker), context) as sink:
        sink.announce(ONLINE)
        sink.announce(Announcement(topic="alarm/E7", payload={"code": "E7"}))
        sink.deliver([], refuse)
        broker.kill()
        broker.start()  # without persistence: it forgot everything
        watcher = spy(broker, f"{house.root}/#", "%t %p")

        def reconnected() -> bool:
            try:
                sink.deliver([], refuse)
            except DeliveryError:
                return False
            return len(watcher.lines()) >= 2

        house.wait_for(reconnected, what="birth and alarm again")
        sink.announce(Announcement(topic="alarm/E7", payload=None))
        sink.deliver([], refuse)
    house.wait_for(lambda: len(watcher.lines()) >= 4, what="cleared and stopped")
    births, (cleared, stopped) = watcher.lines()[:2], watcher.lines()[2:4]
    assert births[0].startswith(f"{house.root}/state ")
    assert births[1].startswith(f"{house.root}/alarm/E7 ")
    assert cleared == f"{house.root}/alarm/E7 "
    assert json.loads(stopped.split(" ", 1)[1])["state"] == "stopped"
    late = spy(broker, f"{house.root}/#", "%r %t")
    house.wait_for(lambda: f"1 {house.root}/state" in late.lines(), what="the state is retained")
    assert not any("alarm" in line for line in late.lines())


def test_a_publisher_that_fails_lets_its_last_will_speak(
    mosquitto: Any, context: Context, house: Any, spy: Any
) -> None:
    broker = mosquitto().start()
    watcher = spy(broker, f"{house.root}/state", "%p")

    def fail() -> None:
        with open_mqtt(house.settings(broker), context) as sink:
            sink.announce(ONLINE)
            sink.deliver([house.record(1)], lambda _: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        fail()
    house.wait_for(lambda: len(watcher.lines()) == 2, what="birth and will")
    assert [json.loads(line)["state"] for line in watcher.lines()] == ["online", "offline"]


def test_a_replaying_sink_neither_pushes_the_follower_out_nor_speaks_for_the_station(
    mosquitto: Any, context: Context, house: Any, spy: Any
) -> None:
    broker = mosquitto().start()
    watcher = spy(broker, f"{house.root}/state", "%p")
    with open_mqtt(house.settings(broker), context) as following:
        following.announce(ONLINE)
        following.deliver([house.record(1)], lambda _: None)
        with open_mqtt(house.settings(broker), context) as replaying:
            replaying.deliver([house.record(1)], lambda _: None)
        following.deliver([house.record(2)], lambda _: None)
        house.wait_for(watcher.lines, what="the birth")
        assert len(watcher.lines()) == 1


class OldBroker:
    """Stands before mosquitto and refuses MQTT 5 by name, as a 3.1.1 broker does; the rest is passed on."""

    def __init__(self, behind: int) -> None:
        self.behind = behind
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            hello = client.recv(4096)
            if hello[hello.index(b"MQTT") + 4] == 5:
                client.sendall(b"\x20\x02\x00\x01")
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.behind))
            server.sendall(hello)
            for source, goal in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(source, goal), daemon=True).start()

    @staticmethod
    def pump(source: socket.socket, goal: socket.socket) -> None:
        try:
            while data := source.recv(4096):
                goal.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, goal):
                end.close()


def test_a_broker_that_refuses_mqtt_5_by_name_is_served_in_3_1_1_unless_5_is_demanded(
    mosquitto: Any, context: Context, house: Any
) -> None:
    old = OldBroker(mosquitto().start().port)
    with open_mqtt(house.settings(old), context) as sink:
        done = []
        sink.announce(ONLINE)
        sink.deliver([house.record(n) for n in range(1, 51)], done.append)
        assert done == list(range(1, 51))
    with (
        open_mqtt(house.settings(old, protocol="5"), context) as sink,
        pytest.raises(DeliveryError, match="does not speak MQTT 5"),
    ):
        sink.deliver([house.record(1)], refuse)
    old.door.close()


def test_an_empty_topic_root_is_a_config_error(house: Any, mosquitto: Any, tmp_path: Path) -> None:
    nowhere = Context(station="left", data_dir=str(tmp_path), run_dir=str(tmp_path))
    with pytest.raises(ConfigError, match="topic root is empty"), open_mqtt(house.settings(mosquitto()), nowhere):
        pass
