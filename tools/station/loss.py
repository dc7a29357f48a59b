"""Measures how old the last sign of life is when the lamp is hatched, and how a screen comes back."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from inspector.app.bench import machine
from inspector.app.bench.spread import spread
from inspector.domain.account import Role
from tools.station.browser import Screen, Sight, live_screen
from tools.station.plant import PATIENCE_S, Running, StationError

TARGET_S = 4.0
_ASK_MS = 50.0
_IS_LIT = (
    "() => !document.body.classList.contains('stale') && "
    "['pass', 'fail', 'undecided'].includes(document.getElementById('lamp').dataset.outcome)"
)
_SAYS = "() => `${document.body.className}: ${document.getElementById('lamp').outerHTML} at ${location.href}`"


def measure(it: Running, times: int) -> dict[str, Any]:
    """Stop and kill line and station so often each; JSON-ready, seconds."""
    load = machine.load()
    ways: dict[str, list[tuple[float, float]]] = {}
    with live_screen(it.url, it.people[Role.OPERATOR]) as screen:
        for name, harm in (
            ("station stopped", _station_stopped),
            ("station killed", _station_killed),
            ("line stopped", _line_stopped),
            ("line killed", _line_killed),
        ):
            ways[name] = [harm(it, screen) for _ in range(times)]
    return {
        "times": times,
        "target_s": TARGET_S,
        "ways": {
            name: {
                "hatched_after_s": spread([hatched for hatched, _ in found]).as_dict(),
                "back_after_s": spread([back for _, back in found]).as_dict(),
            }
            for name, found in ways.items()
        },
        "load": load,
    }


def _station_stopped(it: Running, screen: Screen) -> tuple[float, float]:
    """SIGSTOP: the connection stands, and nothing comes."""
    pid = it.crew.pid("web")
    _lit(it, screen)
    os.kill(pid, signal.SIGSTOP)
    beat = screen.last_beat()
    hatched = _sight(screen, "a stale page", lambda one: one.stale).at
    os.kill(pid, signal.SIGCONT)
    again = time.time()
    return hatched - beat, _sight(screen, "a live page", lambda one: not one.stale).at - again


def _station_killed(it: Running, screen: Screen) -> tuple[float, float]:
    """Kill -9, and a new process on the same port."""
    _lit(it, screen)
    os.kill(it.crew.pid("web"), signal.SIGKILL)
    beat = screen.last_beat()
    hatched = _sight(screen, "a stale page", lambda one: one.stale).at
    it.start_web()
    again = time.time()
    return hatched - beat, max(_sight(screen, "a live page", lambda one: not one.stale).at - again, 0.0)


def _line_stopped(it: Running, screen: Screen) -> tuple[float, float]:
    """SIGSTOP: the line hangs."""
    pid = it.crew.pid("line")
    _lit(it, screen)
    os.kill(pid, signal.SIGSTOP)
    beat = _status_at(it)
    hatched = _sight(screen, "a hatched lamp", lambda one: one.outcome == "fault").at
    os.kill(pid, signal.SIGCONT)
    again = time.time()
    if it.crew.ended("line") is not None:
        it.start_line()
    return hatched - beat, _sight(screen, "a lamp that is lit", lambda one: one.outcome != "fault").at - again


def _line_killed(it: Running, screen: Screen) -> tuple[float, float]:
    """Kill -9; the line is started anew once the lamp is hatched."""
    _lit(it, screen)
    os.kill(it.crew.pid("line"), signal.SIGKILL)
    beat = _status_at(it)
    hatched = _sight(screen, "a hatched lamp", lambda one: one.outcome == "fault").at
    it.start_line()
    again = time.time()
    return hatched - beat, max(_sight(screen, "a lit lamp", lambda one: one.outcome != "fault").at - again, 0.0)


def _status_at(it: Running) -> float:
    """When the line wrote its last status."""
    return (it.plant.run_dir / "status.json").stat().st_mtime


def _lit(it: Running, screen: Screen) -> None:
    """Wait until a part is on the lamp; forget what was."""
    until = time.monotonic() + PATIENCE_S
    while not screen.page.evaluate(_IS_LIT):
        it.crew.must_run("twin", "line", "web")
        if time.monotonic() > until:
            raise StationError(f"the lamp was not lit within {PATIENCE_S:g} s: {screen.page.evaluate(_SAYS)}")
        screen.page.wait_for_timeout(_ASK_MS)
    screen.page.wait_for_timeout(_ASK_MS)
    screen.seen()


def _sight(screen: Screen, what: str, wanted: Callable[[Sight], bool]) -> Sight:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for one in screen.seen():
            if wanted(one):
                return one
        screen.page.wait_for_timeout(_ASK_MS)
    raise StationError(f"waited {PATIENCE_S:g} s in vain for {what}")
