"""The camera that reads image files from a folder: once, round and round, or as they arrive."""

from collections.abc import Iterator
from contextlib import contextmanager

from inspector.adapters.camera_folder.camera import CameraFolder, CameraFolderSettings
from inspector.ports.plugin import Context, Plugin


@contextmanager
def _open(settings: CameraFolderSettings, _context: Context) -> Iterator[CameraFolder]:
    camera = CameraFolder(settings)
    try:
        yield camera
    finally:
        camera.close()


PLUGIN = Plugin(settings_model=CameraFolderSettings, open=_open)

__all__ = ["PLUGIN", "CameraFolder", "CameraFolderSettings"]
