"""How long a line takes to its first ready: ``python -m tools.boot_to_ready --starts 5``.

The demonstration's plant is founded, its simulated line waits for the permit, and `inspector line` is started, killed
and started anew. What is told is ``ready_after`` of status.json: seconds from the start of the process to run_permit,
the camera's settings read back, the model warmed up, the journal reconciled. A machine's boot comes before it: on the
appliance itself ``ready_after.machine_s`` counts from there.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspector.app.bench import machine
from inspector.app.demo.plant import STATION, Plant, Size, found

SCHEMA = "inspector.boot_to_ready/1"
_PATIENCE_S = 600.0
_SIZES = {"12mp": (4096, 3000), "small": (1024, 768)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--frames", choices=sorted(_SIZES), default="12mp")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    width, height = _SIZES[given.frames]
    with tempfile.TemporaryDirectory(prefix="boot-to-ready-") as folder:
        size = Size(parts=0, seed=1, width=width, height=height, pool=4)
        starts = measured(found(Path(folder), size), given.starts)
    told = {
        "schema": SCHEMA,
        "machine": machine.describe(),
        "load": os.getloadavg(),
        "frames": given.frames,
        "starts": starts,
    }
    sys.stdout.write(json.dumps(told) + "\n" if given.json else _table(given.frames, starts))


def measured(plant: Plant, count: int) -> list[dict[str, float]]:
    """``count`` starts: the first with a new book, each other after a kill."""
    twin = _start(plant, "twin")
    try:
        _until(lambda: _said(plant, "twin.json").get("state") == "waiting for run_permit", twin)
        return [_one(plant) for _ in range(count)]
    finally:
        _end(twin)


def _one(plant: Plant) -> dict[str, float]:
    (plant.run_dir / "status.json").unlink(missing_ok=True)
    line = _start(plant, "line")
    try:
        _until(lambda: bool(_said(plant, "status.json").get("ready_after")), line)
        ready = _said(plant, "status.json")["ready_after"]
        return {"process_s": float(ready["process_s"]), "cpu_s": round(_cpu_s(line.pid), 2)}
    finally:
        _end(line)


def _start(plant: Plant, verb: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "inspector", verb, "--config", str(plant.config), "--station", STATION]
    with plant.log(verb).open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - our own verbs


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def _until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"it did not get there; it ended with {process.returncode}; see its log")
        time.sleep(0.02)


def _said(plant: Plant, name: str) -> Mapping[str, Any]:
    try:
        said: Mapping[str, Any] = json.loads((plant.run_dir / name).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return said


def _cpu_s(pid: int) -> float:
    """What the process has computed so far, with children that have ended: it does not grow with other load."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _table(frames: str, starts: Sequence[Mapping[str, float]]) -> str:
    rows = []
    for name, words in (("process_s", "seconds"), ("cpu_s", "of processor time")):
        values = [one[name] for one in starts]
        rows.append(f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f}) {words}")
    return f"{frames}: process to ready, median of {len(starts)} starts: {', '.join(rows)}\n"


if __name__ == "__main__":
    main()
