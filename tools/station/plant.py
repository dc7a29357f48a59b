"""Starts a simulated plant whose station is looked at: twin, line and `inspector web`, each a process of its own."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import tomlkit

from inspector.app.demo.account import read_json
from inspector.app.demo.crew import Crew
from inspector.app.demo.plant import LOOPBACK, STATION, Plant, Size, found
from inspector.domain.account import Role

PATIENCE_S = 120.0
WEB_NICE = 5
"""As systemd/inspector-web@.service has it: the station gives way to the line."""
PEOPLE = {Role.OPERATOR: "mara", Role.ENGINEER: "enzo", Role.QUALITY: "quirin", Role.ADMIN: "ada"}
USUAL = Size(parts=0, seed=1)
_LOOK_S = 0.02
_PAST_THE_GATE = 3


class StationError(Exception):
    """The plant that is measured did not come up, or went down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who looks."""

    name: str
    secret: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A plant that runs. ``people``: who may sign in, by role."""

    plant: Plant
    crew: Crew
    people: dict[Role, Person]

    @property
    def url(self) -> str:
        """Where the station is."""
        return self.plant.web

    def status(self) -> dict[str, Any]:
        """What the line last said of itself."""
        return read_json(self.plant.run_dir / "status.json")

    def start_web(self) -> None:
        """Start the station, as far beneath the line as its unit puts it; wait until it answers."""
        self.crew.start("web")
        beneath = os.getpriority(os.PRIO_PROCESS, 0) + WEB_NICE
        os.setpriority(os.PRIO_PROCESS, self.crew.pid("web"), min(beneath, 19))
        self.wait("the station to answer", self.answers, "web")

    def start_line(self) -> None:
        """Start the line; wait until it judges."""
        self.crew.start("line")
        pid = self.crew.pid("line")

        def judges() -> bool:
            status = self.status()
            return status.get("pid") == pid and status.get("state") == "ContinuousExecution"

        self.wait("the line to judge", judges, "line")

    def answers(self) -> bool:
        """Whether the station serves pages."""
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/login", timeout=5).status_code == httpx.codes.OK
        return False

    def judged(self) -> int:
        """Parts judged since the line started."""
        return int(sum(self.status().get("counters", {}).values()))

    def wait(self, what: str, condition: Callable[[], bool], *verbs: str) -> None:
        """Wait until it is so.

        Raises:
            StationError: it was not within two minutes.
            DeviceError: one of these processes ended.
        """
        until = time.monotonic() + PATIENCE_S
        while not condition():
            self.crew.must_run(*verbs)
            if time.monotonic() > until:
                raise StationError(f"waited {PATIENCE_S:g} s in vain for {what}; logs are in {self.plant.folder}/logs")
            time.sleep(_LOOK_S)

    @contextmanager
    def client(self, role: Role) -> Iterator[httpx.Client]:
        """A client that is signed in."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            person = self.people[role]
            answer = client.post("/api/session", json={"name": person.name, "secret": person.secret})
            answer.raise_for_status()
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield client


@contextmanager
def running(folder: Path, *, size: Size = USUAL, book: Path | None = None) -> Iterator[Running]:
    """A plant without an end; the usual one judges 12-megapixel parts, two a second.

    Args:
        folder: a new one.
        size: its frames, parts and spacing.
        book: a journal that is there already; it is moved into the plant.
    """
    plant = _beside_others(found(folder, size))
    if book is not None:
        plant.journal.parent.mkdir(parents=True)
        shutil.move(book, plant.journal)
    people = {
        role: Person(name=name, role=role, secret="".join(secrets.choice("123456789") for _ in range(12)))
        for role, name in PEOPLE.items()
    }
    for person in people.values():
        _let_in(plant, person)
    with Crew(plant) as crew:
        it = Running(plant=plant, crew=crew, people=people)
        crew.start("twin")
        rendered = plant.run_dir / "twin.json"
        it.wait("the twin's parts", lambda: read_json(rendered).get("state") not in {None, "rendering"}, "twin")
        it.start_line()
        it.start_web()
        it.wait("the first parts", lambda: it.judged() >= _PAST_THE_GATE, "twin", "line", "web")
        yield it


def _let_in(plant: Plant, person: Person) -> None:
    """Give a person an account, by the command that a plant uses."""
    words = ["web", "user", "add", person.name, "--role", person.role.value, "--secret-from-stdin"]
    command = [sys.executable, "-m", "inspector", *words, "--config", str(plant.config), "--station", STATION]
    done = subprocess.run(  # noqa: S603 - our own command line
        command, input=f"{person.secret}\n", capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    if done.returncode:
        raise StationError(f"{' '.join(words)}: {done.stderr.strip()}")


def _beside_others(plant: Plant) -> Plant:
    """The same with a port for its station that no demonstration on this PC wishes for."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = int(probe.getsockname()[1])
    path = plant.config / "stations" / f"{STATION}.toml"
    content = tomlkit.parse(path.read_text(encoding="utf-8"))
    content["web"] = {"host": LOOPBACK, "port": port}
    path.write_text(tomlkit.dumps(content), encoding="utf-8")
    return replace(plant, web_port=port)
