"""The simulated camera: puts pictures into the frame ring in the order in which it took them, with its own faults."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.twin.ring import RingWriter, open_ring
from inspector.twin.settings import TwinSettings

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A picture on its way. ``arrives_at``: monotonic seconds; one that is late holds up those behind it."""

    pixels: Picture
    taken_at: float
    part_seq: int
    arrives_at: float


class TwinCamera:
    """Owned by the line's thread."""

    def __init__(self, settings: TwinSettings) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._ring: RingWriter | None = None
        self._waiting: deque[_Taken] = deque()
        self._before: Picture | None = None
        self._silent_until = 0.0
        self._gone_until = 0.0

    @property
    def frame_no(self) -> int:
        """Number of the newest picture; 0 while unplugged or before the first."""
        return self._ring.frame_no if self._ring is not None else 0

    @property
    def next_arrival(self) -> float | None:
        """When the next picture that waits will be given, or the camera plugged in again; None: nothing to wait for."""
        waiting = [self._waiting[0].arrives_at] if self._waiting else []
        return min([*waiting, *([self._gone_until] if self._ring is None else [])], default=None)

    def plug_in(self) -> None:
        """Make the ring; it counts from 1."""
        writer = open_ring(
            self._settings.ring,
            slots=self._settings.ring_slots,
            width=self._settings.width,
            height=self._settings.height,
        )
        self._ring = self._stack.enter_context(writer)

    def unplug(self) -> None:
        """The ring is gone, with what was on the way."""
        self._ring = None
        self._waiting.clear()
        self._stack.close()

    def go_away(self, until: float) -> None:
        """Unplugged until this moment."""
        self.unplug()
        self._gone_until = until

    def fall_silent(self, until: float) -> None:
        """Plugged in, and giving nothing until this moment."""
        self._silent_until = until

    def expose(self, pixels: Picture, faults: Mapping[str, float], *, now: float, part_seq: int) -> int:
        """Take one picture, if the camera is well; ``faults`` say what becomes of it. Gives its number, 0: none."""
        if self._ring is None or now < self._silent_until or "frame-lost" in faults:
            return 0
        number = self._ring.frame_no + len(self._waiting) + 1
        shown = self._seen(pixels, faults)
        late_s = faults.get("frame-late", 0.0) / 1e3
        self._waiting.append(_Taken(pixels=shown, taken_at=now, part_seq=part_seq, arrives_at=now + late_s))
        self._before = pixels
        self.deliver(now)
        return number

    def deliver(self, now: float) -> None:
        """Give what has arrived, in order; plug the camera in again when its time has come."""
        if self._ring is None and 0.0 < self._gone_until <= now:
            self._gone_until = 0.0
            self.plug_in()
        while self._ring is not None and self._waiting and self._waiting[0].arrives_at <= now:
            taken = self._waiting.popleft()
            self._ring.write(taken.pixels, taken_at=taken.taken_at, part_seq=taken.part_seq)

    def _seen(self, pixels: Picture, faults: Mapping[str, float]) -> Picture:
        before = self._before if self._before is not None else pixels
        if "frame-dark" in faults or "frame-bright" in faults:
            return np.full_like(pixels, 0 if "frame-dark" in faults else 255)
        if "frame-frozen" in faults:
            return before
        if "frame-torn" in faults:
            torn = pixels.copy()
            torn[len(torn) // 2 :] = before[len(torn) // 2 :]
            return torn
        return pixels


@contextmanager
def open_camera(settings: TwinSettings) -> Iterator[TwinCamera]:
    """A camera that is plugged in; its ring is gone at the end.

    Raises:
        DeviceError: another living process writes this ring, or shared memory is full.
    """
    camera = TwinCamera(settings)
    camera.plug_in()
    try:
        yield camera
    finally:
        camera.unplug()
