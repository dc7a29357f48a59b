"""A whole plant of real processes for the system tests: twin, line, follower, broker, all killable."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomlkit

from inspector.app.demo.plant import STATION, Plant, Size, found

PATIENCE_S = 60.0


def wait_for(what: str, condition: Callable[[], Any], *, patience_s: float = PATIENCE_S) -> Any:
    """Wait until ``condition`` gives something true; fail with words otherwise."""
    until = time.monotonic() + patience_s
    while True:
        given = condition()
        if given:
            return given
        if time.monotonic() > until:
            raise AssertionError(f"waited {patience_s:.0f} s in vain for: {what}")
        time.sleep(0.02)


def read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bench:
    """Processes by name. ``with Bench(found(...)) as bench: bench.start("line")``."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self.running):
            self.kill(name)
        if error is not None:
            for log in sorted((self.plant.folder / "logs").glob("*.log")):
                sys.stdout.write(
                    f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:]) + "\n"
                )

    def start(self, verb: str, *extra: str, name: str = "") -> subprocess.Popen[bytes]:
        """Start ``inspector VERB`` for the plant's station."""
        command = [sys.executable, "-m", "inspector", *verb.split(), "--config", str(self.plant.config)]
        return self.spawn(name or verb, [*command, "--station", STATION, *extra])

    def spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with self.plant.log(name).open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.running[name] = process
        return process

    def kill(self, name: str) -> None:
        """kill -9, as a power cut to this process."""
        process = self.running.pop(name)
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(10)

    def stop(self, name: str) -> int:
        """SIGTERM, and wait."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(30)

    def end(self, name: str, *, patience_s: float = PATIENCE_S) -> int:
        """Wait until it ends by itself."""
        code = self.running[name].wait(patience_s)
        del self.running[name]
        return code

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        options = ["--config", str(self.plant.config), "--station", STATION]
        return subprocess.run(
            [sys.executable, "-m", "inspector", *words, *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def twin(self) -> dict[str, Any]:
        return read_json(self.plant.run_dir / "twin.json")

    def status(self) -> dict[str, Any]:
        return read_json(self.plant.run_dir / "status.json")

    def line_ready(self) -> None:
        """Wait until the line that runs now says that it judges parts."""
        pid = self.running["line"].pid

        def ready() -> bool:
            if self.running["line"].poll() is not None:
                raise AssertionError(f"the line ended with {self.running['line'].returncode}")
            status = self.status()
            return status.get("pid") == pid and status.get("state") == "ContinuousExecution"

        wait_for("the line to be ready", ready)


def small_plant(folder: Path, *, parts: int, seed: int = 1, pitch_ms: float = 250.0, **changes: object) -> Plant:
    """A plant with small frames, so that the PLC's and the journal's law is tested and not the model's speed."""
    size = Size(parts=parts, seed=seed, width=1024, height=768, pool=16, spacing_mm=pitch_ms, speed_mm_s=1000.0)
    plant = found(folder, size)
    station = plant.config / "stations" / f"{STATION}.toml"
    text = station.read_text().replace("[twin]", f'[twin]\ncache_dir = "{scene_cache()}"')
    for old, new in changes.items():
        if str(old) not in text:
            raise AssertionError(f"{old!r} is not in {station}")
        text = text.replace(str(old), str(new))
    station.write_text(text)
    return plant


def polled(plant: Plant) -> None:
    """Let the PLC poll the station, which is the server then."""
    path = plant.config / "stations" / f"{STATION}.toml"
    content = tomlkit.parse(path.read_text()).unwrap()
    content["gate"] = {"kind": "modbus_server", "listen": "127.0.0.1", "port": plant.plc_port, "encoder": True}
    content["twin"]["plc_role"] = "client"
    path.write_text(tomlkit.dumps(content))


def scene_cache() -> Path:
    """Small scenes are rendered once a machine."""
    return Path(os.environ.get("TMPDIR", "/tmp")) / "inspector-test-scenes"  # noqa: S108 - a cache, not a secret


def mosquitto(port: int, folder: Path, *, durable: bool) -> list[str]:
    """Command of a broker. ``durable``: the settings that do not lose acknowledged messages."""
    folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0"]
    if os.geteuid() == 0:
        lines.append("user root")
    if durable:
        lines += [
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_interval 1",
            "autosave_on_changes true",
        ]
    conf = folder / "mosquitto.conf"
    conf.write_text("\n".join(lines) + "\n")
    return [program, "-c", str(conf)]
