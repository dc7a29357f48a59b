"""The demonstration's own configuration: one station on the simulated line, everything on 127.0.0.1."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from inspector.app.first_admin import FIRST_PASSWORD_FILE
from inspector.app.share import share_dir
from inspector.twin.ring import SHM

STATION = "twin"
LOOPBACK = "127.0.0.1"
_WEB_PORT = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What the simulated line shows. ``parts`` 0: endless."""

    parts: int
    seed: int
    width: int = 4096
    height: int = 3000
    pool: int = 64
    spacing_mm: float = 250.0
    speed_mm_s: float = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """Where the demonstration's files stand and which ports it uses."""

    folder: Path
    plc_port: int
    broker_port: int
    web_port: int
    ring_name: str

    @property
    def ring(self) -> Path:
        """The simulated camera's frames, in shared memory."""
        return SHM / self.ring_name

    @property
    def config(self) -> Path:
        """Its configuration folder."""
        return self.folder / "config"

    @property
    def run_dir(self) -> Path:
        """Status files of line and simulated line."""
        return self.folder / "run" / STATION

    @property
    def journal(self) -> Path:
        """The station's book."""
        return self.folder / "data" / STATION / "journal.sqlite3"

    @property
    def evidence(self) -> Path:
        """Pictures of rejects."""
        return self.folder / "data" / STATION / "evidence"

    @property
    def web(self) -> str:
        """Where a browser finds its station."""
        return f"http://{LOOPBACK}:{self.web_port}"

    @property
    def first_password(self) -> Path:
        """Where the station puts the password of the first admin."""
        return self.folder / "data" / FIRST_PASSWORD_FILE

    def log(self, process: str) -> Path:
        """Where a process's log goes."""
        return self.folder / "logs" / f"{process}.log"


def found(folder: Path, size: Size) -> Plant:
    """Write the configuration of a plant into ``folder``; ports are free ones.

    Raises:
        OSError: the folder cannot be made or written.
    """
    plant = Plant(
        folder=folder,
        plc_port=_free_port(),
        broker_port=_free_port(),
        web_port=_free_port(_WEB_PORT),
        ring_name=f"inspector-demo-{os.getpid()}",
    )
    for path in (plant.config / "stations", folder / "logs", plant.run_dir):
        path.mkdir(parents=True, exist_ok=True)
    share = share_dir()
    _write(
        plant.config / "inspector.toml",
        {
            "site": {"enterprise": "demo", "site": "bench", "area": "twin", "line": "line1", "cell": "cell1"},
            "paths": {
                "data_dir": str(folder / "data"),
                "run_dir": str(folder / "run"),
                "models_dir": str(share / "models"),
                "recipes_dir": str(share / "config" / "recipes"),
            },
        },
    )
    _write(plant.config / "stations" / f"{STATION}.toml", _station(plant, size))
    return plant


def _station(plant: Plant, size: Size) -> dict[str, object]:
    pitch_ms = size.spacing_mm / size.speed_mm_s * 1e3
    deadline_ms = min(pitch_ms * 1.6, 800.0)
    return {
        "station": {
            "deadline_ms": deadline_ms,
            "grab_timeout_ms": min(350.0, deadline_ms),
            "sync_window_ms": pitch_ms * 0.4,
            "simulated": True,
        },
        "runtime": {"kind": "onnx"},  # its folder is new each time, so a measurement would be made each time
        "scale": {"id": "twin", "px_per_mm": 20.0},
        "camera": {"kind": "twin", "ring": plant.ring_name},
        "trigger": {"kind": "gate"},
        "gate": {"kind": "modbus", "host": LOOPBACK, "port": plant.plc_port, "encoder": True},
        "sink": [
            {"kind": "mqtt", "host": LOOPBACK, "port": plant.broker_port},
            {"kind": "jsonl", "path": str(plant.folder / "results.jsonl")},
        ],
        "web": {"host": LOOPBACK, "port": plant.web_port},
        "twin": {
            "seed": size.seed,
            "parts": size.parts,
            "width": size.width,
            "height": size.height,
            "pool": size.pool,
            "spacing_mm": size.spacing_mm,
            "spacing_jitter_mm": size.spacing_mm * 0.08,
            "speed_mm_s": size.speed_mm_s,
            "ring": plant.ring_name,
            "plc_port": plant.plc_port,
        },
    }


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(tomlkit.dumps(content), encoding="utf-8")


def _free_port(wish: int = 0) -> int:
    """A free port: the one wished for, where it is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wish))
        except OSError:
            probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
