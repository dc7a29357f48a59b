"""Collected frames as files: to the bit, named by their mosaic, and never the last of the disk."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.adapters.collection_files import open_collection
from inspector.app.teach import pictures
from inspector.domain.errors import JournalError
from inspector.domain.frame import CameraStamp, Capture, Frame, PartId, PixelFormat, Pixels
from inspector.pipeline import preprocess

ABOUT = {"station": "left", "outcome": "PASS"}


def frame(pixels: Pixels, pixel_format: PixelFormat, part_seq: int = 42) -> Frame:
    now = datetime.now(UTC)
    capture = Capture(
        pixels=pixels,
        pixel_format=pixel_format,
        frame_no=1,
        taken_at=0.0,
        taken_utc=now,
        camera=CameraStamp(serial="1"),
    )
    return Frame(part=PartId(part_seq=part_seq, series=3), capture=capture)


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_every_bit_of_every_format_comes_back(tmp_path: Path, pixel_format: PixelFormat) -> None:
    top = 2**16 if pixel_format is PixelFormat.MONO16 else 256
    shape = (48, 64, 3) if pixel_format.channels > 1 else (48, 64)
    pixels = np.random.default_rng(1).integers(0, top, shape, pixel_format.dtype)
    name = open_collection(tmp_path / "a" / "b").keep(frame(pixels, pixel_format), ABOUT)
    kind = f".{pixel_format.value}" if pixel_format.is_bayer else ""
    assert name == f"left-3-000042{kind}.png"
    path = tmp_path / "a" / "b" / name
    assert (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) == pixels).all()
    (line,) = map(json.loads, (path.parent / "manifest.jsonl").read_text().splitlines())
    assert line["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert line["pixels_sha256"] == hashlib.sha256(pixels.tobytes()).hexdigest()
    assert (line["width"], line["height"], line["pixel_format"]) == (64, 48, pixel_format.value)
    if pixel_format is not PixelFormat.MONO16:
        (taught,) = pictures.read([path], smallest_px=16)
        assert isinstance(taught, pictures.Picture)
        assert (taught.pixels == preprocess.grey(pixels, pixel_format)).all()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.peer("root")
def test_a_disk_that_is_nearly_full_is_left_to_the_journal(small_disk: Path) -> None:
    files = open_collection(small_disk / "frames")
    with pytest.raises(JournalError, match="1024 MB are left to the journal and the evidence"):
        files.keep(frame(np.zeros((48, 64), np.uint8), PixelFormat.MONO8), ABOUT)
    assert list((small_disk / "frames").iterdir()) == []
