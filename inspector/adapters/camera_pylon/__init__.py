"""Basler's cameras by their own library, and its emulator."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from inspector.adapters.camera_pylon.feed import PylonFeed, seen_cameras
from inspector.adapters.camera_pylon.settings import CameraPylonSettings
from inspector.ports.plugin import Context, FoundCamera, Plugin


@contextmanager
def _open(settings: CameraPylonSettings, _context: Context) -> Iterator[PylonFeed]:
    with PylonFeed(settings) as feed:
        yield feed


def _find() -> Sequence[FoundCamera]:
    return seen_cameras()


PLUGIN = Plugin(settings_model=CameraPylonSettings, open=_open, feeds=True, find=_find)

__all__ = ["PLUGIN", "CameraPylonSettings", "PylonFeed"]
