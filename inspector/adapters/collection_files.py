"""Collected frames as files in a folder: every bit the camera gave, one file a part, and their digests."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.frame import Frame

MANIFEST = "manifest.jsonl"
RESERVE_BYTES = 2**30
"""What a collection leaves free on the disk: journal and evidence may stand on it."""
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 0, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)
"""Not compressed: 18 ms of processor time at 12 megapixels instead of 210, which the line needs for judging."""


def open_collection(folder: Path) -> "CollectionFiles":
    """A folder of its own for one collection, made if need be.

    Raises:
        ConfigError: it holds something, or cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if next(folder.iterdir(), None) is not None:
            raise ConfigError(f"folder {folder}: is not empty; a new one is right, so that nothing is mixed up")
    except OSError as error:
        raise ConfigError(
            f"folder {folder}: cannot be made or read by the line: {(error.strerror or str(error)).lower()}; "
            "under systemd it may write below data_dir only"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"folder {folder}: cannot be written by the line; give its user the right to")
    return CollectionFiles(folder)


class CollectionFiles:
    """Fulfils ``FrameFolder``. One thread writes.

    left-1-000042.png             part 42 of series 1 of station left, as the camera gave it
    left-1-000042.BayerRG8.png    a colour mosaic, raw: the name says how to read it
    manifest.jsonl                one line a file, written after it: sha256 of the file and of its pixels, the part
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, frame: Frame, about: Mapping[str, Any]) -> str:
        """Write the frame, then its line in the manifest; give the file's name. See ``FrameFolder``."""
        pixels, pixel_format = frame.pixels, frame.capture.pixel_format
        kind = f".{pixel_format.value}" if pixel_format.is_bayer else ""
        name = f"{about['station']}-{frame.part.series}-{frame.part.part_seq:06}{kind}.png"
        free = shutil.disk_usage(self._folder).free
        if free < RESERVE_BYTES + pixels.nbytes:
            raise JournalError(
                f"collect {self._folder}: {free >> 20} MB are free on this disk, and {RESERVE_BYTES >> 20} MB are left "
                "to the journal and the evidence; make room, or collect into another disk"
            )
        done, encoded = cv2.imencode(".png", pixels, list(_PNG))
        if not done:
            raise JournalError(f"collect {self._folder / name}: a {pixels.dtype} picture of {pixels.shape} has no PNG")
        line = {
            "file": name,
            "sha256": hashlib.sha256(encoded.data).hexdigest(),
            "pixels_sha256": hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest(),
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "pixel_format": pixel_format.value,
            "taken_utc": frame.capture.taken_utc.isoformat().replace("+00:00", "Z"),
            **about,
        }
        draft = self._folder / f".{name}.part"
        try:
            with draft.open("xb") as file:
                file.write(encoded.data)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self._folder / name)
            with (self._folder / MANIFEST).open("a", encoding="utf-8") as manifest:
                manifest.write(json.dumps(line) + "\n")
                manifest.flush()
                os.fsync(manifest.fileno())
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise JournalError(f"collect {self._folder}: {(error.strerror or str(error)).lower()}") from error
        return name
