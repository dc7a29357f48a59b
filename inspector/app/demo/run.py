"""Runs the demonstration: broker, subscriber, simulated line, line and follower, until the account is complete."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inspector.adapters import journal_sql
from inspector.adapters.broker_iotcore import open_broker
from inspector.app.demo import account
from inspector.app.demo.crew import Crew
from inspector.app.demo.plant import STATION, Plant
from inspector.domain.errors import DeviceError

_LOOK_S = 0.25
_DRAIN_S = 20.0
_LAST_RECORDS_S = 10.0
_START_S = 120.0
_NEXT_PART_S = 2.0
_VERDICT_S = 0.15
"""Parts come at least 0.4 s apart: this long after one was counted, the next is not yet at the light gate."""
_GLANCE_S = 0.02

Look = Callable[[dict[str, Any], dict[str, Any], int], None]
"""Called with the twin's status, the line's status and the number of received results."""
View = Callable[[], dict[str, Any]]
"""Looks once, and gives the twin's status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who watches.

    ``so_far``: told the account of a line that runs on; ``ending``: that it was asked to end; ``station``: told the
    operators' station's address and the first admin's password, once.
    """

    look: Look
    so_far: Callable[[dict[str, Any]], None]
    ending: Callable[[], None]
    station: Callable[[str, str], None] = lambda _address, _password: None


def run(
    plant: Plant, crew: Crew, *, parts: int, endless: bool, stop: threading.Event, audience: Audience
) -> dict[str, Any] | None:
    """Run ``parts`` parts, or if ``endless`` until ``stop``; the final account, None if no part came before ``stop``.

    Raises:
        DeviceError: a process of the plant ended, or parts did not come.
    """
    with open_broker(plant.broker_port), crew:
        crew.start("listen", "--json")
        subscriber = account.Subscriber(plant)

        def view() -> dict[str, Any]:
            twin = account.read_json(plant.run_dir / "twin.json")
            _show_the_station(plant, audience)
            audience.look(twin, account.read_json(plant.run_dir / "status.json"), subscriber.received())
            return twin

        crew.start("twin")
        _rendered(crew, stop, view)
        if not stop.is_set():
            crew.start("line")
            crew.start("follow")
            crew.start("web")
            _settled(plant, crew, parts, stop, view, endless=endless)
        if endless and not stop.is_set():
            figures = _drained(plant, crew, subscriber, view, parts=parts, stop=stop)
            if not stop.is_set():
                audience.so_far(figures)
        while endless and not stop.is_set():
            crew.must_run("listen", "twin", "line", "follow", "web")
            view()
            stop.wait(_LOOK_S)
        if stop.is_set():
            audience.ending()
            _stop_the_belt(plant, crew)
        if not account.read_json(plant.run_dir / "twin.json").get("triggers"):
            return None
        return _drained(plant, crew, subscriber, view, parts=0, within_s=_LAST_RECORDS_S if stop.is_set() else _DRAIN_S)


def _stop_the_belt(plant: Plant, crew: Crew) -> None:
    """End the simulated line between two parts: the last one is read by the line, the next not yet at the gate."""
    if crew.started("line") and plant.journal.exists() and crew.ended("twin") is None:
        with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as journal:
            before, _ = account.parts_opened(journal)
            _wait(lambda: account.parts_opened(journal)[0] > before, _NEXT_PART_S)
            _wait(lambda: account.parts_opened(journal)[1] == 0, _VERDICT_S)
    crew.stop("twin")


def _show_the_station(plant: Plant, audience: Audience) -> None:
    """Once it is there: where it is, and the password that stands in a file until it was shown."""
    try:
        password = plant.first_password.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    if password:
        plant.first_password.unlink()
        audience.station(plant.web, password)


def _wait(condition: Callable[[], bool], limit_s: float) -> None:
    until = time.monotonic() + limit_s
    while not condition() and time.monotonic() < until:
        time.sleep(_GLANCE_S)


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
    plant: Plant,
    crew: Crew,
    subscriber: account.Subscriber,
    view: View,
    *,
    parts: int,
    within_s: float = _DRAIN_S,
    stop: threading.Event | None = None,
) -> dict[str, Any]:
    """Wait until everything that was counted (or, on a line that runs on, ``parts``) is received; the account."""
    until, stop = time.monotonic() + within_s, stop or threading.Event()
    while True:
        figures = account.gather(plant, received=subscriber.received())
        written, asked = figures["journal"]["inspections"], parts or figures["triggers"]
        closed = parts > 0 or figures["journal"]["open"] == 0
        wanted = asked if parts else max(asked, written)
        whole = closed and min(written, figures["mqtt"]["received"], figures["mqtt"]["published"]) >= wanted
        if whole or time.monotonic() > until or stop.is_set():
            return figures
        crew.must_run("listen", "line", "follow")
        view()
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
