"""The line's links to the world outside: whether each lives, why not, and since when. Pure: times are given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

GATE, IO, CAMERA = "gate", "io", "camera"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link. ``device``: which one, in the station's words; ``since_utc``: alive, or not, since then."""

    device: str
    alive: bool
    reason: str
    since_utc: datetime


class LinkBoard:
    """Owned by the thread that looks. A link that is heard of for the first time has been so since then."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def note(self, name: str, *, device: str, alive: bool, reason: str, now: datetime) -> None:
        """What one look found."""
        before = self._links.get(name)
        since = before.since_utc if before is not None and before.alive == alive else now
        self._links[name] = Link(device=device, alive=alive, reason="" if alive else reason, since_utc=since)

    def told(self) -> Mapping[str, Mapping[str, Any]]:
        """All, JSON-ready, by name."""
        return {
            name: {
                "device": link.device,
                "alive": link.alive,
                "reason": link.reason,
                "since_utc": link.since_utc.isoformat().replace("+00:00", "Z"),
            }
            for name, link in self._links.items()
        }
