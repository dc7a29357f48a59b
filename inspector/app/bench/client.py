"""The asking side of a turn: starts a measured process, asks it, and ends it."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from inspector.domain.errors import DeviceError

_CHUNK = 65536
_TAIL = 5
_STOP_S = 10.0


class Measured:
    """One long-lived process. It works only while it is asked; what it prints goes to ``log``.

    Args:
        environment: added to ours.
        patience_s: how long one answer may take.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        patience_s: float = 600.0,
    ) -> None:
        self.name = name
        self.hello: Mapping[str, Any] = {}
        self._command = list(command)
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._patience_s = patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def __enter__(self) -> Self:
        """Start it and wait until it is ready; ``hello`` is what it said of itself.

        Raises:
            DeviceError: it ended, or did not become ready.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line, or that of an environment we made
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=self._environment
            )
        try:
            self.hello = self._answer()
        except DeviceError:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def load(self, frames: Sequence[Path]) -> None:
        """Let it take these frames into memory and warm up.

        Raises:
            DeviceError: it ended or failed.
        """
        self._ask({"do": "load", "frames": [str(path) for path in frames]})

    def look(self, frame: int, *, times: int = 1) -> list[dict[str, Any]]:
        """Let it look at one frame, ``times`` times on end: wall_ms, cpu_ms and what it says beside.

        Raises:
            DeviceError: it ended or failed.
        """
        looks: list[dict[str, Any]] = self._ask({"do": "look", "frame": frame, "times": times})["looks"]
        return looks

    def peak_mb(self) -> float:
        """The most memory it has held so far.

        Raises:
            DeviceError: it ended.
        """
        return float(self._ask({"do": "memory"})["peak_mb"])

    def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None  # noqa: S101 - it was opened with a pipe
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError as error:
            raise self._failed(f"ended with exit code {process.wait()}") from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        process, until = self._running(), time.monotonic() + self._patience_s
        assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
        while b"\n" not in self._rest:
            ready, _, _ = select.select([process.stdout], [], [], max(until - time.monotonic(), 0.0))
            if not ready:
                raise self._failed(f"gave no answer within {self._patience_s:g} s")
            chunk = os.read(process.stdout.fileno(), _CHUNK)
            if not chunk:
                raise self._failed(f"ended with exit code {process.wait()}")
            self._rest += chunk
        line, self._rest = self._rest.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started: use it in a with statement")
        return self._process

    def _failed(self, reason: str) -> DeviceError:
        told = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_TAIL:]
        return DeviceError(self.name, "\n  ".join([reason, *told]), retry=False)

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # it had ended before it read all
                    continue
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
