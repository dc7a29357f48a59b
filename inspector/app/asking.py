"""Asks something of a running line, follows what it answers, and takes the request back when told to stop."""

import getpass
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from inspector.adapters import journal_sql
from inspector.app.parts import JOURNAL_FILE
from inspector.app.settings import Loaded
from inspector.domain.errors import DeviceError
from inspector.domain.request import WITHDRAW, Answer, RequestState
from inspector.pipeline.liveness import StatusWatch
from inspector.ports.liveness import Life
from inspector.ports.requests import RequestDesk

_LOOK_S = 0.1
_FIRST_SIGN_S = 5.0
_SILENCE_S = 15.0
"""A line that crashed is back within 10 s, and then says what became of the request."""
_GOODBYE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is asked: a request's kind and content. ``verb``: who asks; ``purpose``: why the line must run."""

    kind: str
    content: Mapping[str, Any]
    verb: str
    purpose: str


def ask(loaded: Loaded, errand: Errand, *, stop: threading.Event, tell: Callable[[Answer], None]) -> Answer:
    """Ask, and wait for the last answer; ``tell`` is given each one before it. ``stop`` withdraws the request.

    Raises:
        ConfigError: the station has no book that this program reads.
        DeviceError: no line of this station runs, or it fell silent; the request is withdrawn then.
        JournalError: the book cannot be read or written.
    """
    device = f"line {loaded.name}"
    status = StatusWatch(loaded.path("run_dir") / loaded.name / "status.json")
    wait_for_life(status, device, errand.purpose, stop)
    book = loaded.path("data_dir") / loaded.name / JOURNAL_FILE
    with journal_sql.open_requests(book, station=loaded.name) as desk:
        asked_by = f"{getpass.getuser()}, inspector {errand.verb}"
        number = desk.ask(errand.kind, errand.content, asked_by=asked_by)
        return _UnderWay(desk, number, status, device, asked_by, tell).wait(stop)


def wait_for_life(status: StatusWatch, device: str, purpose: str, stop: threading.Event) -> None:
    """Until the status file is seen to change.

    Raises:
        DeviceError: it is not, for 5 s.
    """
    until = time.monotonic() + _FIRST_SIGN_S
    while status.look().life is not Life.ALIVE:
        if time.monotonic() >= until or stop.is_set():
            reason = status.look().reason or "it gives no sign of life"
            raise DeviceError(device, f"{reason}; {purpose}: start it", retry=False)
        stop.wait(_LOOK_S)


class _UnderWay:
    """One request under way."""

    def __init__(
        self,
        desk: RequestDesk,
        number: int,
        status: StatusWatch,
        device: str,
        asked_by: str,
        tell: Callable[[Answer], None],
    ) -> None:
        self._desk = desk
        self._number = number
        self._status = status
        self._device = device
        self._asked_by = asked_by
        self._tell = tell
        self._seen = 0

    def wait(self, stop: threading.Event) -> Answer:
        """The last answer."""
        alive_at = time.monotonic()
        while not stop.is_set():
            last = self._news()
            if last is not None:
                return last
            now = time.monotonic()
            if self._status.look().life is Life.ALIVE:
                alive_at = now
            elif now - alive_at > _SILENCE_S:
                self._withdraw()
                raise DeviceError(
                    self._device,
                    f"it has given no sign of life for {_SILENCE_S:.0f} s; the request is withdrawn, what was done "
                    "stays: is the line running?",
                    retry=False,
                )
            stop.wait(_LOOK_S)
        return self._take_back()

    def _take_back(self) -> Answer:
        self._withdraw()
        until = time.monotonic() + _GOODBYE_S
        pause = threading.Event()
        while time.monotonic() < until:
            last = self._news()
            if last is not None:
                return last
            pause.wait(_LOOK_S)
        raise DeviceError(self._device, "it did not answer; the request is withdrawn all the same", retry=False)

    def _withdraw(self) -> None:
        self._desk.ask(WITHDRAW, {"request": self._number}, asked_by=self._asked_by)

    def _news(self) -> Answer | None:
        """Tell what is new; the last answer if it has come."""
        for number, answer in self._desk.answers(self._number, self._seen):
            self._seen = number
            if answer.state.final:
                return answer
            self._tell(answer)
        return None


ENDINGS = {
    RequestState.DONE: 0,
    RequestState.REFUSED: 78,
    RequestState.WITHDRAWN: 130,
    RequestState.FAILED: 74,
    RequestState.ENDED: 75,
}
"""Exit codes by how it ended; 130: as a shell says it of Ctrl-C."""
