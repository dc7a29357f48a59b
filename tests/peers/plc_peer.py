"""The PLC of layout 1 as a real process: compile it, start it, drive it, read what became of each part.

Independent of pytest, so that other rooms' tests and tools can use it.
"""

import json
import signal
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.compiled import compile_peer

PATIENCE_S = 20.0


def compile_plc(tmp_dir: Path) -> Path:
    """Compile plc_v1.c against libmodbus into ``tmp_dir``; give the program's path."""
    return compile_peer("plc_v1", Path(tmp_dir))


class Plc:
    """One running PLC. ``with Plc(program, "--window", "300") as plc: plc.say("trigger")``."""

    def __init__(self, program: Path, *options: str, port: int = 0) -> None:
        command = [str(program), str(port), *options]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines: deque[str] = deque()
        self._came = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="plc stdout", daemon=True)
        self._reader.start()
        self.port = int(self.expect("ready").split()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._came:
                self.lines.append(line.strip())
                self._came.notify_all()

    def say(self, command: str) -> None:
        """Give the PLC a command (see the head of plc_v1.c)."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def expect(self, start: str, timeout_s: float = PATIENCE_S) -> str:
        """Wait for a printed line that starts like this; give its last occurrence."""
        until = time.monotonic() + timeout_s
        with self._came:
            while True:
                found = [line for line in self.lines if line.startswith(start)]
                if found:
                    return found[-1]
                left = until - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"the PLC did not say {start!r} in {timeout_s} s; it said {list(self.lines)}")
                self._came.wait(left)

    def fate(self, part_seq: int, timeout_s: float = PATIENCE_S) -> str:
        """Wait until this part is decided: "pass ok", "reject default", ..."""
        return self.expect(f"part {part_seq} ", timeout_s).split(" ", 2)[2]

    def pause(self) -> None:
        """SIGSTOP: a hung PLC whose kernel still accepts connections."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> dict[str, int]:
        """End it politely; give its summary."""
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        summary: dict[str, int] = json.loads(self.expect("{"))
        return summary

    def kill(self) -> None:
        """SIGKILL; harmless if it has ended."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
