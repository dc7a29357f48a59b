"""The camera that speaks GigE Vision or USB3 Vision, whoever made it, by the Aravis library."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from inspector.adapters.camera_aravis.feed import AravisFeed, seen_cameras
from inspector.adapters.camera_aravis.settings import CameraAravisSettings
from inspector.ports.plugin import Context, FoundCamera, Plugin


@contextmanager
def _open(settings: CameraAravisSettings, _context: Context) -> Iterator[AravisFeed]:
    with AravisFeed(settings) as feed:
        yield feed


def _find() -> Sequence[FoundCamera]:
    return seen_cameras()


PLUGIN = Plugin(settings_model=CameraAravisSettings, open=_open, feeds=True, find=_find)

__all__ = ["PLUGIN", "AravisFeed", "CameraAravisSettings"]
