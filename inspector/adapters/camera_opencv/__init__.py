"""The camera that OpenCV opens: a V4L2 device, a network stream, or a video file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from inspector.adapters.camera_opencv.found import seen_devices
from inspector.adapters.camera_opencv.settings import CameraOpencvSettings
from inspector.adapters.camera_opencv.stream import Stream
from inspector.adapters.camera_opencv.video_file import VideoFile
from inspector.ports.plugin import Context, FoundCamera, Plugin


@contextmanager
def _open(settings: CameraOpencvSettings, _context: Context) -> Iterator[Stream | VideoFile]:
    with VideoFile(settings) if settings.is_file else Stream(settings) as camera:
        yield camera


def _find() -> Sequence[FoundCamera]:
    return seen_devices()


PLUGIN = Plugin(settings_model=CameraOpencvSettings, open=_open, find=_find)

__all__ = ["PLUGIN", "CameraOpencvSettings"]
