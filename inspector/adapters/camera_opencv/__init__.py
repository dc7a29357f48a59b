"""The camera that OpenCV opens: a V4L2 device, a network stream, or a video file."""

from collections.abc import Iterator
from contextlib import contextmanager

from inspector.adapters.camera_opencv.settings import CameraOpencvSettings
from inspector.adapters.camera_opencv.stream import Stream
from inspector.adapters.camera_opencv.video_file import VideoFile
from inspector.ports.plugin import Context, Plugin


@contextmanager
def _open(settings: CameraOpencvSettings, _context: Context) -> Iterator[Stream | VideoFile]:
    with VideoFile(settings) if settings.is_file else Stream(settings) as camera:
        yield camera


PLUGIN = Plugin(settings_model=CameraOpencvSettings, open=_open)

__all__ = ["PLUGIN", "CameraOpencvSettings"]
