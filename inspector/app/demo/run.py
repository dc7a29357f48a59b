"""Runs the demonstration: broker, subscriber, simulated line, line and follower, until the account is complete."""

import threading
import time
from collections.abc import Callable
from typing import Any

from inspector.adapters.broker_iotcore import open_broker
from inspector.app.demo import account
from inspector.app.demo.crew import Crew
from inspector.app.demo.plant import Plant
from inspector.domain.errors import DeviceError

_LOOK_S = 0.25
_DRAIN_S = 20.0
_START_S = 120.0

Look = Callable[[dict[str, Any], dict[str, Any], int], None]
"""Called with the twin's status, the line's status and the number of received results."""
View = Callable[[], dict[str, Any]]
"""Looks once, and gives the twin's status."""


def run(
    plant: Plant,
    *,
    parts: int,
    endless: bool,
    stop: threading.Event,
    look: Look,
    tell: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Run ``parts`` parts, ``tell`` the account, then end, or go on until ``stop`` if ``endless``.

    Raises:
        DeviceError: a process of the plant ended, or parts did not come.
    """
    with open_broker(plant.broker_port), Crew(plant) as crew:
        crew.start("listen", "--json")
        subscriber = account.Subscriber(plant)

        def view() -> dict[str, Any]:
            twin = account.read_json(plant.run_dir / "twin.json")
            look(twin, account.read_json(plant.run_dir / "status.json"), subscriber.received())
            return twin

        crew.start("twin")
        _rendered(crew, stop, view)
        crew.start("line")
        crew.start("follow")
        _settled(plant, crew, parts, stop, view, endless=endless)
        figures = _drained(plant, crew, subscriber, stop, parts=parts if endless else 0)
        tell(figures)
        while endless and not stop.is_set():
            crew.must_run("listen", "twin", "line", "follow")
            view()
            stop.wait(_LOOK_S)
        return figures


def _rendered(crew: Crew, stop: threading.Event, view: View) -> None:
    """Wait until the simulated line has painted its parts and waits for the line."""
    while not stop.is_set():
        crew.must_run("listen", "twin")
        if view().get("state") not in {None, "rendering"}:
            return
        stop.wait(_LOOK_S)


def _settled(plant: Plant, crew: Crew, parts: int, stop: threading.Event, view: View, *, endless: bool) -> None:
    """Wait until that many parts have passed the ejector's place."""
    before, moved_at = -1, time.monotonic()
    while not stop.is_set():
        twin = view()
        settled = int(twin.get("passed", 0)) + int(twin.get("ejected", 0))
        if settled >= parts:
            return
        crew.must_run("listen", "line", "follow", *(("twin",) if endless else ()))
        if settled != before:
            before, moved_at = settled, time.monotonic()
        if time.monotonic() - moved_at > _START_S:
            raise DeviceError("demo", f"no part came for {_START_S:.0f} s; the logs are in {plant.folder}", retry=False)
        stop.wait(_LOOK_S)


def _drained(
    plant: Plant, crew: Crew, subscriber: account.Subscriber, stop: threading.Event, *, parts: int
) -> dict[str, Any]:
    """Wait until everything that was counted (or, on a line that runs on, ``parts``) is received; the account."""
    until = time.monotonic() + _DRAIN_S
    while True:
        figures = account.gather(plant, received=subscriber.received())
        written, asked = figures["journal"]["inspections"], parts or figures["triggers"]
        closed = parts > 0 or figures["journal"]["open"] == 0
        wanted = asked if parts else max(asked, written)
        whole = closed and min(written, figures["mqtt"]["received"], figures["mqtt"]["published"]) >= wanted
        if whole or time.monotonic() > until or stop.is_set():
            return figures
        crew.must_run("listen", "line", "follow")
        stop.wait(_LOOK_S)


def balances(figures: dict[str, Any]) -> bool:
    """Whether the law held: every trigger one inspection, the gate right about every verdict, all received."""
    judged = figures["pass"] + figures["fail"] + figures["undecided"]
    return bool(
        figures["triggers"] == judged == figures["journal"]["inspections"]
        and figures["journal"]["open"] == 0
        and figures["wrong_ejections"] == 0
        and figures["missed_ejections"] == 0
        and figures["mqtt"]["received"] >= judged
    )
