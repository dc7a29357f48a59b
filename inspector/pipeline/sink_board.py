"""Shows how each sink is: the follower's status file, as the line's is the line's."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from inspector.domain.errors import JournalError
from inspector.pipeline.follow import Follower
from inspector.pipeline.links import LinkBoard
from inspector.pipeline.status import StatusFile

LAG_EVERY_S = 1.0


class SinkBoard:
    """Called by the supervisor's thread, four times a second. ``devices``: each sink in the station's words."""

    def __init__(self, followers: Sequence[Follower], status: StatusFile, devices: Mapping[str, str]) -> None:
        self._followers = followers
        self._status = status
        self._devices = devices
        self._links = LinkBoard()
        self._lags: dict[str, int | None] = {}
        self._asked_at = float("-inf")

    def look(self) -> None:
        """Write how all are. How far one is behind is asked of the book once a second."""
        now = time.monotonic()
        if now - self._asked_at >= LAG_EVERY_S:
            self._asked_at = now
            self._lags = {follower.name: _lag(follower) for follower in self._followers}
        self._write(alive=True)

    def leave(self) -> None:
        """The follower ends, and says so."""
        self._write(alive=False)

    def _write(self, *, alive: bool) -> None:
        at = datetime.now(UTC)
        for follower in self._followers:
            trouble, name = follower.trouble, follower.name
            self._links.note(name, device=self._devices.get(name, ""), alive=not trouble, reason=trouble, now=at)
        links = {name: {**link, "lag": self._lags.get(name)} for name, link in self._links.told().items()}
        self._status.write({"alive": alive, "state": "Running" if alive else "Halted", "sinks": links})


def _lag(follower: Follower) -> int | None:
    """Records that it has not yet got; None: the book cannot be asked."""
    try:
        return follower.lag
    except JournalError:
        return None
