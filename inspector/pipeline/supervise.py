"""Runs the loops of a process: the one place where any exception at all is caught.

A loop that raises is a bug or a dead disk: the supervisor makes the outside safe first (``on_crash``), logs once with
the traceback, and the process exits non-zero so that it is started afresh. A loop that is stuck in native code cannot
be stopped; it is noticed by its pulse, and the process leaves without it.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)

CRASH_GRACE_S = 1.5
"""After a crash the other loops get this long to finish: the line must be back within 10 s."""
EX_OK = 0
EX_SOFTWARE = 70


@dataclass(slots=True, kw_only=True)
class Pulse:
    """A loop's sign of life. ``limit_s``: silent for longer than this it counts as stuck."""

    name: str
    limit_s: float
    beaten_at: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """Called by the loop each time around, and around each long step."""
        self.beaten_at = time.monotonic()

    def alive_within(self, limit_s: float) -> bool:
        """Whether the loop beat within the last ``limit_s``."""
        return time.monotonic() - self.beaten_at <= limit_s

    def alive(self, now: float) -> bool:
        """Whether the loop beat within its limit."""
        return now - self.beaten_at <= self.limit_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One thread's work: ``run`` returns when ``stop`` is set."""

    pulse: Pulse
    run: Callable[[], None]


class Supervisor:
    """Starts loops, waits for a stop or a crash, and gives the exit code."""

    def __init__(
        self, loops: Sequence[Loop], *, stop: threading.Event, on_crash: Callable[[str], None], grace_s: float = 5.0
    ) -> None:
        self._loops = loops
        self._stop = stop
        self._on_crash = on_crash
        self._grace_s = grace_s
        self._crashed: list[str] = []

    def alive(self) -> bool:
        """Whether every loop beats: the watchdog is fed only while this holds."""
        now = time.monotonic()
        return not self._crashed and all(loop.pulse.alive(now) for loop in self._loops)

    def stuck(self) -> Sequence[str]:
        """Names of the loops whose pulse is overdue."""
        now = time.monotonic()
        return [loop.pulse.name for loop in self._loops if not loop.pulse.alive(now)]

    def run(
        self, *, idle: Callable[[], None], leaving: Callable[[], None] = lambda: None, period_s: float = 0.25
    ) -> int:
        """Run until ``stop`` is set, a loop crashed, or one is stuck; give the exit code.

        ``idle`` is called each period; ``leaving`` once, when all is well and the loops are asked to end.
        """
        threads = [
            threading.Thread(target=self._guarded, args=(loop.pulse.name, loop.run), name=loop.pulse.name, daemon=True)
            for loop in self._loops
        ]
        for thread in threads:
            thread.start()
        while not self._stop.wait(period_s):
            self._guarded("idle", idle)
            stuck = self.stuck()
            if stuck:
                self._crash(f"stuck: {', '.join(stuck)}")
        if not self._crashed:
            self._guarded("leaving", leaving)
        until = time.monotonic() + (min(self._grace_s, CRASH_GRACE_S) if self._crashed else self._grace_s)
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0.0))
        hung = [thread.name for thread in threads if thread.is_alive()]
        if hung:
            self._crash(f"hung: {', '.join(hung)}")
            log.error("supervise.leaving", hung=hung)
            os._exit(EX_SOFTWARE)  # a thread in native code cannot be ended in any other way
        return EX_SOFTWARE if self._crashed else EX_OK

    def _guarded(self, name: str, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:  # the one broad catch of the house
            log.critical("supervise.crash", loop=name, exc_info=error)
            self._crash(f"{name}: {error}")

    def _crash(self, reason: str) -> None:
        self._crashed.append(reason)
        try:
            self._on_crash(reason)
        finally:
            self._stop.set()
