"""A real mosquitto on a free port of 127.0.0.1, to be stopped, killed and started again by the tests."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from inspector.adapters.sink_mqtt import MqttSettings
from inspector.ports.plugin import Context
from inspector.ports.sink import Publication

ROOT = "acme/berlin/press/1/cell/inspector/left"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], *, what: str, within_s: float = 15.0) -> Any:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {within_s} s")


@dataclass
class Mosquitto:
    folder: Path
    port: int = field(default_factory=free_port)
    lines: list[str] = field(default_factory=list)
    anonymous: bool = True
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Mosquitto":
        conf = self.folder / "mosquitto.conf"
        text = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'true' if self.anonymous else 'false'}",
            *(["user root"] if os.geteuid() == 0 else []),
            *self.lines,
        ]
        conf.write_text("\n".join(text) + "\n")
        program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen([program, "-v", "-c", str(conf)], stdout=log, stderr=log)
        wait_for(self.answers, what="mosquitto listens")
        return self

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(5)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def durable(self) -> "Mosquitto":
        """What config/samples/mosquitto.conf recommends, with this test's folder."""
        sample = (Path(__file__).parents[3] / "config/samples/mosquitto.conf").read_text()
        for line in sample.splitlines():
            key = line.split(" ")[0]
            if key == "persistence_location":
                self.lines.append(f"persistence_location {self.folder}/")
            elif key and key != "#" and key not in {"listener", "allow_anonymous", "password_file", "acl_file"}:
                self.lines.append(line)
        return self


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Gives brokers that are not started yet, and kills them at the end."""
    made: list[Mosquitto] = []

    def make(*lines: str, **options: Any) -> Mosquitto:
        folder = tmp_path / f"broker{len(made)}"
        folder.mkdir()
        made.append(Mosquitto(folder=folder, lines=list(lines), **options))
        return made[-1]

    yield make
    for broker in made:
        if broker.process is not None and broker.process.poll() is None:
            broker.kill()


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(station="left", data_dir=str(tmp_path), run_dir=str(tmp_path), topic_root=ROOT)


def settings(broker: Mosquitto, **options: Any) -> MqttSettings:
    quick = {"host": "127.0.0.1", "keepalive_s": 1, "retry_min_s": 0.1, "retry_max_s": 0.2, "connect_timeout_s": 2.0}
    return MqttSettings(port=broker.port, **(quick | options))


def record(journal_seq: int, kind: str = "result", **more: Any) -> Publication:
    payload = {"journalSeq": journal_seq, "resultId": f"id-{journal_seq}", **more}
    return Publication(journal_seq=journal_seq, kind=kind, schema="inspector.result/1", payload=payload)


@dataclass
class Spy:
    """mosquitto_sub, an independent program, writing what it hears to a file."""

    process: subprocess.Popen[bytes]
    out: Path

    def lines(self) -> list[str]:
        return [line for line in self.out.read_text().split("\n") if line and "spy-ready" not in line]


@pytest.fixture
def spy(tmp_path: Path) -> Iterator[Callable[..., Spy]]:
    made: list[Spy] = []

    def make(broker: Mosquitto, topic: str, form: str, *more: str) -> Spy:
        out = tmp_path / f"spy{len(made)}.txt"
        marker = f"spy-ready/{len(made)}"
        command = ["mosquitto_sub", "-V", "mqttv5", "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1"]
        with out.open("wb") as file:
            process = subprocess.Popen([*command, "-t", topic, "-t", marker, "-F", form, *more], stdout=file)
        made.append(Spy(process=process, out=out))

        def subscribed() -> bool:
            tell = [
                "mosquitto_pub",
                "-V",
                "mqttv5",
                "-p",
                str(broker.port),
                "-h",
                "127.0.0.1",
                "-t",
                marker,
                "-m",
                marker,
            ]
            subprocess.run(tell, check=True, capture_output=True)
            return out.stat().st_size > 0

        wait_for(subscribed, what="mosquitto_sub subscribes")
        return made[-1]

    yield make
    for one in made:
        one.process.kill()
        one.process.wait(5)


@pytest.fixture
def house() -> Any:
    """The names that the tests of this folder share."""

    class House:
        root = ROOT
        settings = staticmethod(settings)
        record = staticmethod(record)
        wait_for = staticmethod(wait_for)
        free_port = staticmethod(free_port)

    return House
