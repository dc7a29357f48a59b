"""What the camera shows now, for somebody who looks: asked for by a lease, never by the way of a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

LEASE_S = 3.0
"""Somebody who looks says so again within this time; a line that does not hear it shows nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to see beside the whole frame made small.

    ``crop``: the middle of a piece at full resolution, frame px. ``whole``: a number that asks for one frame without
    loss; 0: for none.
    """

    crop: tuple[int, int] | None = None
    whole: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFrame:
    """One frame as it is shown. ``small``, ``crop``: JPEG; ``whole``: PNG; ``figures``: JSON-ready."""

    small: bytes
    crop: bytes | None
    whole: bytes | None
    figures: Mapping[str, Any]


class LiveStage(Protocol):
    """The line's side. Called by one thread; what the disk refuses is logged once, and never raised."""

    def wished(self) -> Wish | None:
        """What is wanted now; None: nobody looks."""
        ...

    def show(self, frame: LiveFrame) -> None:
        """Put it where it is looked at, in place of the one before."""
        ...

    def clear(self) -> None:
        """Take away what was shown: nobody looks any more."""
        ...


class LivePicture(Protocol):
    """The side of those who look. Any thread."""

    def look(self, wish: Wish) -> Mapping[str, Any] | None:
        """Say that somebody looks, for the next 3 s; figures of the newest frame with its age ("age_s"), or None."""
        ...

    def small(self) -> bytes | None:
        """The newest frame, made small, JPEG."""
        ...

    def crop(self) -> bytes | None:
        """The piece that was asked for, JPEG."""
        ...

    def whole(self) -> bytes | None:
        """The frame that was asked for without loss, PNG."""
        ...
