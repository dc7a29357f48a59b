"""The remote I/O of a running line without a PLC: its bits are watched, its outputs forced, by the commands."""

import json
import signal
import sys
from pathlib import Path

import pytest

from inspector.app.demo.plant import STATION
from tests.system.bench import Bench, wait_for
from tests.system.test_tracking import begin
from tests.system.tracked import SLOW_MM_S, tracked_plant

HORN, PERMIT = 7, 2
"""Coils of the simulated module."""


@pytest.mark.timeout(280)
def test_inputs_and_outputs_are_watched_and_a_lamp_is_forced_while_the_line_runs(tmp_path: Path) -> None:
    plant = tracked_plant(tmp_path, tracking="encoder", parts=0, speed_mm_s=SLOW_MM_S)
    with Bench(plant) as bench:
        begin(bench)

        def coils() -> list[int]:
            given: list[int] = bench.twin().get("coils", [0] * 16)
            return given

        def io() -> dict[str, int]:
            given: dict[str, int] = bench.status().get("io", {})
            return given

        def alarms() -> dict[str, str]:
            given: dict[str, str] = bench.status().get("health", {}).get("alarms", {})
            return given

        wait_for("the belt", lambda: coils()[PERMIT] and io().get("trigger", 0) >= 2)
        told = bench.command("plc", "monitor", "--once", "--json")
        assert told.returncode == 0, told.stderr
        seen = json.loads(told.stdout)
        assert seen["links"]["remote i/o"] == seen["link"] == {"alive": True, "reason": ""}
        assert (seen["io"]["run_permit"], seen["io"]["belt_at_speed"], seen["words"]) == (1, 1, {})
        assert seen["io"]["trigger"] >= 2
        shown = bench.command("plc", "monitor", "--once", "--only", "bin_full").stdout
        assert "remote i/o link alive" in shown
        assert "bin_full" in shown
        assert "Reject bin full." in shown

        refused = bench.command("plc", "force", "ejector", "--on", "--yes")
        assert refused.returncode == 78
        assert "cannot be forced; there are: run_permit, stop_request" in refused.stderr

        words = ["plc", "force", "horn", "--on", "--seconds", "600", "--yes"]
        where = ["--config", str(plant.config), "--station", STATION]
        forcing = bench.spawn("force", [sys.executable, "-m", "inspector", *words, *where])
        wait_for("the coil", lambda: coils()[HORN] == 1 and coils()[PERMIT] == 0)
        wait_for("the alarm", lambda: "plc.forced" in alarms())
        forced = bench.command("plc", "monitor", "--once", "--only", "horn").stdout
        assert "FORCED" in forced
        assert "horn = 1 by" in forced
        forcing.send_signal(signal.SIGINT)
        forcing.wait(120)
        wait_for("release", lambda: coils()[PERMIT] == 1 and "plc.forced" not in alarms())
        assert bench.stop("line") == 0
