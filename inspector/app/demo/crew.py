"""The demonstration's processes: the same commands a plant runs, each with a log of its own."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from inspector.app import service
from inspector.app.demo.plant import STATION, Plant
from inspector.domain.errors import DeviceError

_STOP_S = 15.0


class Crew:
    """Processes by name; all are stopped on leaving, the last started first. They end with us, however we end."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)
        for log in self._logs:
            log.close()

    def start(self, verb: str, *extra: str) -> None:
        """Start `inspector VERB` for the demonstration's station."""
        log = self._plant.log(verb).open("ab")
        self._logs.append(log)
        command = [sys.executable, "-m", "inspector", verb, "--config", str(self._plant.config)]
        command += ["--station", STATION, *extra]
        self._running[verb] = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C comes to us; we stop them in order
            env={**os.environ, service.PARENT: str(os.getpid())},
        )

    def started(self, verb: str) -> bool:
        """Whether it was started, running or not."""
        return verb in self._running

    def pid(self, verb: str) -> int:
        """The number of its process."""
        return self._running[verb].pid

    def ended(self, verb: str) -> int | None:
        """The exit code of a process that ended; None while it runs."""
        return self._running[verb].poll()

    def must_run(self, *verbs: str) -> None:
        """Raise if one of these has ended.

        Raises:
            DeviceError: with the end of its log.
        """
        for verb in verbs:
            code = self.ended(verb)
            if code is not None:
                tail = self._plant.log(verb).read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
                told = "\n  ".join(tail) or "it said nothing"
                raise DeviceError(f"demo: inspector {verb}", f"ended with exit code {code}:\n  {told}", retry=False)

    def stop(self, verb: str) -> int:
        """Ask it to end, wait, and only then insist; its exit code."""
        process = self._running[verb]
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
        return process.wait()

    def kill(self) -> None:
        """End them all at once, with what they started. A signal handler may call this: it waits for nothing."""
        for process in self._running.values():
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        self._plant.ring.unlink(missing_ok=True)  # what was killed cannot tidy up
