"""Pictures on the disk: whole or not at all, as the camera gave them or as people look at them."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.adapters.evidence_files import open_evidence
from inspector.adapters.evidence_reading import EvidenceReader
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.frame import PixelFormat
from inspector.ports.evidence import PictureState
from tests.adapters.evidence_frames import bgr_frame, defect, frame_of, noise

NAME = "2026/11/22/left-12-0193"


def read(path: Path) -> Any:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def files_in(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_a_picture_is_kept_as_jpeg_with_its_hash_and_a_crop_a_defect(tmp_path: Path) -> None:
    frame = bgr_frame(400, 300)
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(frame, (defect(100, 100, 200, 40), defect(5, 5, 4, 4)), name=NAME, lossless=False)
    assert (kept.path, kept.width, kept.height, kept.lossless) == (f"{NAME}.jpg", 400, 300, False)
    for number, crop in enumerate(kept.crops):
        digest = hashlib.sha256((tmp_path / crop).read_bytes()).hexdigest()[:16]
        assert crop == f"{NAME}_d{number}_{digest}.jpg", "the name tells what is in it"
    assert len(kept.crops) == 2
    assert kept.sha256 == hashlib.sha256((tmp_path / kept.path).read_bytes()).hexdigest()
    assert files_in(tmp_path) == {kept.path, *kept.crops}
    assert read(tmp_path / kept.path).shape == (300, 400, 3)
    assert read(tmp_path / kept.crops[0]).shape == (64, 300, 3), "a quarter around it, 64 px at least"
    assert read(tmp_path / kept.crops[1]).shape == (64, 64, 3), "pushed back into the picture at its corner"


def test_a_crop_shows_the_place_of_its_defect(tmp_path: Path) -> None:
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[200:240, 300:380] = 255
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(frame_of(pixels, PixelFormat.BGR8), (defect(300, 200, 80, 40),), name=NAME, lossless=False)
    crop = read(tmp_path / kept.crops[0])
    assert crop.shape == (64, 120, 3)
    assert crop[32, 60].min() > 250
    assert crop[2, 2].max() < 5


@pytest.mark.parametrize(
    ("pixel_format", "pixels", "suffix"),
    [
        (PixelFormat.BGR8, noise(48, 64, 3), ".png"),
        (PixelFormat.MONO8, noise(48, 64), ".png"),
        (PixelFormat.MONO16, noise(48, 64, dtype=np.uint16), ".png"),
        (PixelFormat.BAYER_RG8, noise(48, 64), ".BayerRG8.png"),
        (PixelFormat.BAYER_GB8, noise(48, 64), ".BayerGB8.png"),
    ],
)
def test_lossless_keeps_every_bit_that_the_camera_gave(
    tmp_path: Path, pixel_format: PixelFormat, pixels: Any, suffix: str
) -> None:
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(frame_of(pixels, pixel_format), (), name=NAME, lossless=True)
    assert kept.path == NAME + suffix
    assert kept.lossless
    found = read(tmp_path / kept.path)
    assert found.dtype == pixels.dtype
    assert np.array_equal(found, pixels)


@pytest.mark.parametrize(
    ("pixel_format", "row", "column"),
    [
        (PixelFormat.BAYER_RG8, 0, 0),
        (PixelFormat.BAYER_GR8, 0, 1),
        (PixelFormat.BAYER_GB8, 1, 0),
        (PixelFormat.BAYER_BG8, 1, 1),
    ],
)
def test_a_red_part_seen_through_any_mosaic_is_a_red_jpeg(
    tmp_path: Path, pixel_format: PixelFormat, row: int, column: int
) -> None:
    mosaic = np.zeros((64, 64), np.uint8)
    mosaic[row::2, column::2] = 200
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(frame_of(mosaic, pixel_format), (), name=NAME, lossless=False)
    blue, green, red = read(tmp_path / kept.path)[32, 32]
    assert red > 150
    assert max(blue, green) < 60


def test_sixteen_bits_are_eight_in_a_jpeg(tmp_path: Path) -> None:
    pixels = np.full((64, 64), 0x80FF, np.uint16)
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(frame_of(pixels, PixelFormat.MONO16), (), name=NAME, lossless=False)
    assert abs(int(read(tmp_path / kept.path)[32, 32]) - 0x80) <= 1


def test_of_many_defects_the_gravest_sixteen_get_a_crop_under_their_own_number(tmp_path: Path) -> None:
    defects = [defect(10 * at, 10, 5, 5, score=0.9 if at >= 4 else 0.1) for at in range(20)]
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(bgr_frame(300, 200), defects, name=NAME, lossless=False)
    assert [crop.rpartition("_")[0] for crop in kept.crops] == [f"{NAME}_d{at}" for at in range(4, 20)]
    reader = EvidenceReader(tmp_path)
    assert [reader.crop(kept, at).state for at in (3, 4, 19, 20)] == [
        PictureState.MISSING,
        PictureState.SOUND,
        PictureState.SOUND,
        PictureState.MISSING,
    ]


@pytest.mark.parametrize("box", [(-50, -50, 10, 10), (1000, 1000, 5, 5), (0, 0, 5000, 5000), (3, 3, 0, 0)])
def test_a_box_outside_the_picture_still_gives_a_crop(tmp_path: Path, box: tuple[float, ...]) -> None:
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(bgr_frame(40, 300), (defect(*box),), name=NAME, lossless=False)
    height, width = read(tmp_path / kept.crops[0]).shape[:2]
    assert width == 40, "the picture is narrower than 64 px"
    assert 64 <= height <= 300


@pytest.mark.parametrize(
    "name",
    ["../escape", "a/../../b", "/etc/passwd", "", ".", "a//b", "a/.hidden", "a b", "a\\b", "a\0b", "x" * 201, "a/"],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    root = tmp_path / "evidence"
    with open_evidence(root) as evidence, pytest.raises(JournalError, match="is refused"):
        evidence.put(bgr_frame(64, 64), (), name=name, lossless=False)
    assert files_in(tmp_path) == set()


def test_a_picture_is_never_overwritten(tmp_path: Path) -> None:
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(bgr_frame(64, 64), (), name=NAME, lossless=False)
        with pytest.raises(JournalError, match="never overwritten"):
            evidence.put(bgr_frame(64, 64), (), name=NAME, lossless=False)
    assert files_in(tmp_path) == {kept.path}


def test_a_picture_that_has_no_jpeg_is_an_error_in_plain_words(tmp_path: Path) -> None:
    with open_evidence(tmp_path) as evidence, pytest.raises(JournalError, match="evidence: a uint8 picture of"):
        evidence.put(frame_of(np.zeros((1, 70_000, 3), np.uint8), PixelFormat.BGR8), (), name=NAME, lossless=False)
    assert files_in(tmp_path) == set()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with (
        pytest.raises(ConfigError, match=r"evidence\.path = .*file/pictures"),
        open_evidence(tmp_path / "file/pictures"),
    ):
        pass


def test_a_folder_that_becomes_a_file_is_an_error_and_not_a_loss_in_silence(tmp_path: Path) -> None:
    with open_evidence(tmp_path) as evidence:
        (tmp_path / "2026").write_text("", encoding="utf-8")
        with pytest.raises(JournalError, match="not a directory"):
            evidence.put(bgr_frame(64, 64), (), name=NAME, lossless=False)


PUTTER = """
import sys
from pathlib import Path
from inspector.adapters.evidence_files import open_evidence
from tests.adapters.evidence_frames import bgr_frame, defect
frame = bgr_frame(640, 480)
with open_evidence(Path(sys.argv[1])) as evidence:
    for number in range(100000):
        kept = evidence.put(frame, (defect(50, 50, 80, 80),), name=f"2026/11/22/left-{number}", lossless=True)
        print(kept.path, kept.sha256, flush=True)
"""


def test_a_killed_process_leaves_whole_pictures_and_the_next_start_sweeps_the_rest(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", PUTTER, str(tmp_path)]
    kept: dict[str, str] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(root)}) as putter:
        assert putter.stdout is not None
        while len(kept) < 20:
            path, sha256 = putter.stdout.readline().split()
            kept[path] = sha256
        os.kill(putter.pid, signal.SIGKILL)
    for path, sha256 in kept.items():
        assert hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() == sha256
    draft = tmp_path / "2026/11/22" / f".left-x.png.{putter.pid}.part"
    draft.write_bytes(b"half")
    with open_evidence(tmp_path):
        pass
    names = files_in(tmp_path)
    assert not [name for name in names if name.endswith(".part")]
    for name in names:
        assert read(tmp_path / name) is not None
        if name.endswith(".png"):
            crop = name.replace(".png", "_d0_")
            assert [one for one in names if one.startswith(crop)], "where the picture stands, its crops stand"


def test_a_crop_that_does_not_fit_its_name_is_altered(tmp_path: Path) -> None:
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(bgr_frame(400, 300), (defect(1, 1, 9, 9), defect(50, 50, 9, 9)), name=NAME, lossless=True)
    reader = EvidenceReader(tmp_path)
    assert reader.crop(kept, 0).state is PictureState.SOUND
    path = tmp_path / kept.crops[0]
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert reader.crop(kept, 0).state is PictureState.ALTERED
    assert reader.crop(kept, 1).state is PictureState.SOUND
    path.write_bytes((tmp_path / kept.crops[1]).read_bytes())
    assert reader.crop(kept, 0).state is PictureState.ALTERED, "another defect's crop is not this one's"
    path.unlink()
    assert reader.crop(kept, 0).state is PictureState.MISSING


def test_a_crop_whose_name_was_written_without_a_digest_is_shown_as_it_is(tmp_path: Path) -> None:
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(bgr_frame(400, 300), (defect(1, 1, 9, 9),), name=NAME, lossless=True)
    old = replace(kept, crops=(f"{NAME}_d0.jpg", f"{NAME}_d10.jpg"))
    (tmp_path / kept.crops[0]).rename(tmp_path / old.crops[0])
    shown = EvidenceReader(tmp_path).crop(old, 0)
    assert (shown.state, shown.content) == (PictureState.SOUND, (tmp_path / old.crops[0]).read_bytes())
    assert EvidenceReader(tmp_path).crop(old, 1).state is PictureState.MISSING


def test_a_folder_that_is_not_ours_is_not_entered_and_does_not_hide_the_newest_day(tmp_path: Path) -> None:
    """``lost+found`` on a partition of its own: to be read by root alone, and after every year in the alphabet."""
    day = tmp_path / "2026/11/22"
    theirs = tmp_path / "lost+found"
    for folder in (day, theirs, day / "zip"):
        folder.mkdir(parents=True)
        (folder / ".left-x.png.999999999.part").write_bytes(b"half")
    theirs.chmod(0o000)
    try:
        with open_evidence(tmp_path):
            pass
    finally:
        theirs.chmod(0o700)
    swept = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.part")}
    assert swept == {f"{name}/.left-x.png.999999999.part" for name in ("lost+found", "2026/11/22/zip")}


def test_a_folder_that_cannot_be_looked_through_is_named(tmp_path: Path) -> None:
    stuck = tmp_path / "2026/11/22/.left-x.png.999999999.part"
    stuck.mkdir(parents=True)  # cannot be taken away as a file can
    with (
        pytest.raises((ConfigError, JournalError), match=re.escape(f"looked through at {stuck}: ")),
        open_evidence(tmp_path),
    ):
        pass


def test_a_models_map_is_kept_beside_the_picture_and_shown_as_a_glow(tmp_path: Path) -> None:
    heat = np.zeros((30, 40), np.uint8)
    heat[10, 20] = 255
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(bgr_frame(400, 300), (defect(1, 1, 9, 9),), name=NAME, lossless=True, heat=heat)
        plain = evidence.put(bgr_frame(400, 300), (), name=f"{NAME}-b", lossless=True)
    assert kept.heat == f"{NAME}_heat.png"
    assert files_in(tmp_path) == {kept.path, kept.heat, *kept.crops, plain.path}
    assert np.array_equal(cv2.imread(str(tmp_path / kept.heat), cv2.IMREAD_UNCHANGED), heat)
    reader = EvidenceReader(tmp_path)
    shown = reader.heat(kept)
    assert (shown.state, shown.media_type) == (PictureState.SOUND, "image/png")
    glow = cv2.imdecode(np.frombuffer(shown.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert glow.shape == (30, 40, 4)
    assert glow[10, 20, 3] == 200
    assert glow[10, 20, 2] > 2 * glow[10, 20, 1], "red where it was hot"
    assert not glow[0, 0, 3], "clear where it was not"
    assert reader.heat(plain).state is PictureState.MISSING
    (tmp_path / kept.heat).write_bytes(b"no picture")
    assert reader.heat(kept).state is PictureState.MISSING
    assert reader.heat(replace(kept, path="../../x.png")).state is PictureState.MISSING


@pytest.mark.parametrize("pixel_format", [PixelFormat.BAYER_RG8, PixelFormat.MONO8])
def test_a_mosaics_map_has_the_pictures_name(tmp_path: Path, pixel_format: PixelFormat) -> None:
    with open_evidence(tmp_path) as evidence:
        kept = evidence.put(
            frame_of(noise(48, 64), pixel_format), (), name=NAME, lossless=True, heat=np.zeros((6, 8), np.uint8)
        )
    assert kept.heat == f"{NAME}_heat.png"
    assert files_in(tmp_path) == {kept.path, kept.heat}
