"""What gives us pictures."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from inspector.domain.frame import Capture, PixelFormat, Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraInfo:
    """What an opened camera will deliver. ``counts_frames``: its captures carry ``frame_no``.

    ``paced``: frames come when the outside world makes them (True: a triggered exposure, a live stream, files that
    arrive), or whenever asked (False: a folder of files, a video file).
    ``exposes_when_asked``: it is triggered by ``grab`` itself: what it shows is what stands there at that moment.
    """

    name: str
    serial: str
    width: int
    height: int
    pixel_format: PixelFormat
    counts_frames: bool
    paced: bool
    exposes_when_asked: bool = False


class Camera(Protocol):
    """One camera, opened and streaming."""

    def describe(self) -> CameraInfo:
        """Size and format of the frames to come."""
        ...

    def grab(self, into: Pixels, timeout_s: float) -> Capture:
        """Give the next frame not yet given, in order, written into ``into``.

        ``into``: writable buffer of exactly the described shape and type, whose rows may lie apart; the capture's
        pixels are a read-only view of it. Called by one thread.

        Raises:
            FrameError: this frame is torn, truncated or of another size; the next one may be good.
            DeviceError: no frame within ``timeout_s`` (``lost`` False while the camera itself is well), or the camera
                is lost (``lost`` True). ``retry`` False: a source that has ended (a folder read once).
        """
        ...

    def flush(self) -> None:
        """Forget frames exposed before this call; the next ``grab`` gives one exposed after it."""
        ...


@runtime_checkable
class SelfWatching(Protocol):
    """A camera that notices its own loss while nobody grabs: the PLC then holds the belt before the next part comes."""

    def trouble(self) -> str:
        """Why it is lost now; "" while it is well. Never waits."""
        ...


@runtime_checkable
class Reopening(Protocol):
    """A camera that is opened anew after a loss, also after one that only the count of parts can tell."""

    def take_for_lost(self, reason: str) -> None:
        """Parts were counted, and it gave no frame. One that notices its silence ignores it. ``grab``'s thread."""
