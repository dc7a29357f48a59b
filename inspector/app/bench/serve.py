"""The measured process's side of a turn: answers one JSON line for each line it reads. Standard library only.

A peer's own environment runs this file too, where nothing of this project is installed: it must import nothing else.

    ->  {"do": "load", "frames": ["a.npy", ...]}     <-  {"ok": true}
    ->  {"do": "look", "frame": 0, "times": 5}       <-  {"looks": [{"wall_ms": 12.3, "cpu_ms": 24.1, ...}, ...]}
    ->  {"do": "memory"}                             <-  {"peak_mb": 512.0}
    ->  {"do": "stop"}                               <-  (the process ends)
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

Load = Callable[[Sequence[str]], None]
"""Takes the frames into memory, by their files, and warms up."""
Look = Callable[[int], Mapping[str, Any]]
"""Looks at one loaded frame; what it gives goes into the answer."""


def take_stdout() -> TextIO:
    """The channel to who asks. What anybody prints from now on goes to standard error instead."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return channel


def serve(channel: TextIO, hello: Mapping[str, Any], *, load: Load, look: Look, asked: TextIO = sys.stdin) -> None:
    """Say ``hello``, then answer until told to stop or nobody asks any more."""
    _say(channel, {"ready": True, **hello})
    for line in asked:
        order = json.loads(line)
        match order["do"]:
            case "load":
                load(order["frames"])
                _say(channel, {"ok": True})
            case "look":
                _say(channel, {"looks": [_timed(look, order["frame"]) for _ in range(order["times"])]})
            case "memory":
                _say(channel, {"peak_mb": peak_mb()})
            case "stop":
                return
            case other:
                raise ValueError(f"do = {other!r} is unknown; load, look, memory and stop are right")


def _timed(look: Look, frame: int) -> dict[str, Any]:
    cpu, wall = time.process_time(), time.perf_counter()
    found = look(frame)
    wall_ms = (time.perf_counter() - wall) * 1e3
    return {"wall_ms": wall_ms, "cpu_ms": (time.process_time() - cpu) * 1e3, **found}


def peak_mb(status: Path = Path("/proc/self/status")) -> float:
    """The most memory this process has held, MB; 0 where the system does not tell."""
    if not status.exists():
        return 0.0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"), re.MULTILINE)
    return round(int(found[1]) / 1024, 1) if found else 0.0


def _say(channel: TextIO, answer: Mapping[str, Any]) -> None:
    channel.write(json.dumps(answer) + "\n")
    channel.flush()
