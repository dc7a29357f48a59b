"""A plant without a PLC: the twin's remote I/O module counts, and the line fires the ejector."""

from pathlib import Path
from typing import Any

import tomlkit

from inspector.app.demo.plant import STATION, Plant
from tests.system.bench import Bench, free_port, small_plant

SPEED_MM_S = 1000.0
SLOW_MM_S = 500.0
"""Half the usual speed: 75 mm, which fit between two parts, leave the module's watchdog 150 ms. A PC that runs tests
beside each other stands still for more than 75, the module drops its outputs, and a part that had passed is ejected."""
WATCHDOG_MS = 75.0


def wiring(port: int, *, tracking: str, rest: str, watchdog_ms: float = WATCHDOG_MS) -> dict[str, Any]:
    return {
        "kind": "remote_io",
        "tracking": tracking,
        "host": "127.0.0.1",
        "port": port,
        "watchdog_ms": watchdog_ms,
        "trigger": "input:2",
        "trigger_encoder": "input:4",
        "encoder": "input:0",
        "good_count": "input:6",
        "reject_count": "input:8",
        "belt_at_speed": "discrete:0",
        "bin_full": "discrete:1",
        "air_low": "discrete:2",
        "tripped": "discrete:3",
        "acknowledge": "discrete:4",
        "ejector": "coil:0",
        "undecided_bin": "coil:1",
        "run_permit": "coil:2",
        "stop_request": "coil:3",
        "green": "coil:4",
        "amber": "coil:5",
        "red": "coil:6",
        "horn": "coil:7",
        "marker": "coil:8",
        "strobe": "coil:9",
        "re_arm": "coil:15",
        "active_low": ["ejector"] if rest == "eject" else [],
    }


def tracked_plant(
    folder: Path,
    *,
    tracking: str,
    parts: int,
    pitch_ms: float = 300.0,
    rest: str = "eject",
    speed_mm_s: float = SPEED_MM_S,
    station: dict[str, Any] | None = None,
    ejector: dict[str, Any] | None = None,
    twin: dict[str, Any] | None = None,
) -> Plant:
    """``pitch_ms`` is that of the usual speed; at another one the spacing and the watchdog's way, in mm, stay.

    ``station``, ``ejector``, ``twin``: what is set besides.
    """
    plant = small_plant(folder, parts=parts, pitch_ms=pitch_ms)
    path = plant.config / "stations" / f"{STATION}.toml"
    content: dict[str, Any] = tomlkit.parse(path.read_text()).unwrap()
    port, pitch_mm = free_port(), pitch_ms / 1e3 * SPEED_MM_S
    watchdog_ms = WATCHDOG_MS * SPEED_MM_S / speed_mm_s
    content["gate"] = wiring(port, tracking=tracking, rest=rest, watchdog_ms=watchdog_ms)
    content["ejector"] = {
        "distance_mm": 600.0,
        "min_pitch_mm": pitch_mm * 0.7,
        "before_mm": pitch_mm * 0.3,
        "after_mm": pitch_mm * 0.2,
        "confirm_mm": 150.0,
        "rest": rest,
        "counts_per_mm": 10.0,
        "speed_mm_s": speed_mm_s,
        **(ejector or {}),
    }
    content["station"] |= station or {}
    content["twin"] |= {
        "defect_rate": 0.6,
        "ejector": "io",
        "io_port": port,
        "io_watchdog_ms": watchdog_ms,
        "speed_mm_s": speed_mm_s,
        "io_active_low": rest == "eject",
        "ejector_distance_mm": 600.0,
        "stop_without_permit": True,
        **(twin or {}),
    }
    path.write_text(tomlkit.dumps(content))
    return plant


def commission(bench: Bench) -> None:
    done = bench.command("commission", "record", "--killed", "diverted", "--cable", "diverted", "--by", "A. Test")
    assert done.returncode == 0, done.stderr
