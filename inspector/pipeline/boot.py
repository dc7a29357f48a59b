"""How long this process took from its start, and the machine from its boot, by a clock that nobody sets."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

_STARTED = 19
"""Place of starttime in /proc/self/stat after the command's name, in clock ticks since the boot (proc(5))."""


def since_start() -> Mapping[str, float]:
    """Seconds of this moment: ``process_s`` since this process was started, ``machine_s`` since the machine was."""
    machine_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    told = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    started_s = int(told[_STARTED]) / os.sysconf("SC_CLK_TCK")
    return {"process_s": round(machine_s - started_s, 2), "machine_s": round(machine_s, 2)}
