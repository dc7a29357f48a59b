"""What the library of an industrial camera gives, of which the line makes a camera that comes back after a loss.

    library ─▶ Feed (one adapter a library) ─▶ pipeline/steady.py: triggers, counters, loss, re-creation ─▶ Camera
No library resumes a stream that broke, so a feed never tries: it says that it is lost, is closed, another is opened.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from inspector.domain.frame import Pixels


class Manner(Enum):
    """What makes the camera expose, and what its frames are to the line."""

    LINE = "line"
    """A wire to the camera. Every frame is a part and has a number."""
    SOFTWARE = "software"
    """We, when a part is grabbed. One frame for each trigger, without a number."""
    FREE = "free"
    """The camera itself, at its own pace. Every frame is a part and has a number."""
    LIVE = "live"
    """The camera itself; wanted is the frame nearest to the moment of asking. No numbers."""

    @property
    def numbered(self) -> bool:
        """Whether every frame counts."""
        return self in {Manner.LINE, Manner.FREE}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedInfo:
    """What an opened feed will deliver.

    ``wire_format``: PFNC name of what comes over the wire ("Mono8", "BayerRG8", "RGB8", "Mono12" ...).
    ``window``: grey levels of a format of more than 8 bits that become 0 and 255; None: as they are.
    ``period_s``: between two frames of a camera with a pace of its own; 0: not known.
    ``exposure_us`` and ``gain``: read back from the camera; None: it cannot tell.
    ``silent_s``: a camera that owes an answer or a frame for longer is lost.
    ``reopen_max_s``: longest pause between two attempts to open it anew.
    """

    name: str
    serial: str
    width: int
    height: int
    wire_format: str
    manner: Manner
    window: tuple[int, int] | None = None
    period_s: float = 0.0
    exposure_us: float | None = None
    gain: float | None = None
    silent_s: float = 0.6
    reopen_max_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One frame as the library gives it.

    ``pixels``: nobody else writes to them; shape (height, width) or (height, width, 3); of a packed format its bytes,
    (height, bytes of a row), or what the library has made of them.
    ``frame_id``: the camera's own; 16 or 64 bits, see ``domain.frame.ids_ahead``; None: it has none.
    ``arrived_at``: monotonic seconds, when its first bytes reached this PC.
    ``fault``: why it is unusable; "" for a good one. ``exposure_us``: of this very frame, where the camera tells it.
    ``device_timestamp_ns``: of this very frame by the camera's own clock, whose zero is its own; None: it tells none.
    """

    pixels: Pixels
    frame_id: int | None
    arrived_at: float
    fault: str = ""
    exposure_us: float | None = None
    device_timestamp_ns: int | None = None


class Feed(Protocol):
    """One opened industrial camera, streaming. It never reopens by itself, and closing it raises nothing."""

    @property
    def info(self) -> FeedInfo:
        """What it was set to; does not change."""
        ...

    def fire(self) -> None:
        """Trigger by software. May block as long as the camera does not answer; another thread than ``next``'s.

        Raises:
            DeviceError: the camera did not take it.
        """
        ...

    def next(self, timeout_s: float) -> Delivery | None:
        """Wait for the next frame, in order; None if there is none in time. Never blocks longer than ``timeout_s``.

        Raises:
            DeviceError: the library says that the camera is lost.
        """
        ...

    def probe(self) -> None:
        """Read a register. May block as long as the camera does not answer; another thread than ``next``'s.

        Raises:
            DeviceError: the camera does not answer, or we do not have it for us alone.
        """
        ...
