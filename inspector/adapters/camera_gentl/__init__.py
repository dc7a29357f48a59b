"""The camera that a maker's GenTL producer (.cti) reaches: CoaXPress, Camera Link HS, and all others."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from inspector.adapters.camera_gentl.feed import GentlFeed
from inspector.adapters.camera_gentl.producers import seen_cameras
from inspector.adapters.camera_gentl.settings import CameraGentlSettings
from inspector.ports.plugin import Context, FoundCamera, Plugin


@contextmanager
def _open(settings: CameraGentlSettings, _context: Context) -> Iterator[GentlFeed]:
    with GentlFeed(settings) as feed:
        yield feed


def _find() -> Sequence[FoundCamera]:
    return seen_cameras()


PLUGIN = Plugin(settings_model=CameraGentlSettings, open=_open, feeds=True, find=_find)

__all__ = ["PLUGIN", "CameraGentlSettings", "GentlFeed"]
