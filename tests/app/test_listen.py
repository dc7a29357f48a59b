"""`inspector listen` proves only what it heard."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspector.adapters.broker_iotcore import open_broker
from inspector.app.demo.plant import STATION, Plant, Size, found


@contextmanager
def listening(plant: Plant) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "inspector", "listen", "--config", str(plant.config), "--station", STATION]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ended_after(process: subprocess.Popen[str], event: str) -> tuple[dict[str, object], str]:
    """Its tally and its last word, once it is stopped after this event of its log."""
    assert process.stderr is not None
    while event not in (line := process.stderr.readline()):
        assert line, f"it ended before {event}"
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate(timeout=30)
    return json.loads(said.splitlines()[-1]), complained


def test_a_broker_that_was_never_reached_proves_nothing(tmp_path: Path) -> None:
    plant = found(tmp_path, Size(parts=1, seed=1))
    with listening(plant) as process:
        tally, complained = ended_after(process, "listen.away")
    assert process.returncode == 69
    assert (tally["complete"], tally["proves"]) == (None, None)
    assert f"broker 127.0.0.1:{plant.broker_port} was never reached; nothing is proved" in complained


def test_a_silent_broker_proves_nothing(tmp_path: Path) -> None:
    plant = found(tmp_path, Size(parts=1, seed=1))
    with open_broker(plant.broker_port), listening(plant) as process:
        tally, complained = ended_after(process, "listen.connected")
    assert process.returncode == 1
    assert (tally["complete"], tally["reached"]) == (None, True)
    assert "no record came; nothing is proved" in complained
