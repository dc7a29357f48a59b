"""Pictures of parts as files in a folder beside the journal: whole or not at all, named once, never overwritten."""

import errno
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.crops import crop_name
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.frame import Frame, PixelFormat, Pixels
from inspector.domain.geometry import Box
from inspector.domain.inspection import EvidenceRef
from inspector.domain.verdict import Defect

MOST_CROPS = 16
CROP_MARGIN = 0.25
CROP_MIN_PX = 64

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LONGEST_NAME = 200
_TEMPORARY = ".part"
_MISTAKES = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EEXIST,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.ELOOP,
    }
)
_PNG_SMALL = (cv2.IMWRITE_PNG_COMPRESSION, 4)
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)

# GenICam names a mosaic by its first row, OpenCV's aliases by both rows.
_DEMOSAIC = {
    PixelFormat.BAYER_RG8: cv2.COLOR_BayerRGGB2BGR,
    PixelFormat.BAYER_GR8: cv2.COLOR_BayerGRBG2BGR,
    PixelFormat.BAYER_GB8: cv2.COLOR_BayerGBRG2BGR,
    PixelFormat.BAYER_BG8: cv2.COLOR_BayerBGGR2BGR,
}


@contextmanager
def open_evidence(root: Path, *, quality: int = 90) -> Iterator["EvidenceFiles"]:
    """Open the folder, making it if need be. ``quality``: of the JPEGs, 1 to 100.

    Raises:
        ConfigError: the folder cannot be made or written, and a human must mend that.
        JournalError: the disk does not take it: full, damaged, read-only.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        if os.statvfs(root).f_flag & os.ST_RDONLY:
            raise JournalError(f"evidence.path = {root}: its file system is read-only: mend or mount it anew")
        if not os.access(root, os.W_OK | os.X_OK):
            raise ConfigError(f"evidence.path = {root}: the folder cannot be written: give its owner the right to")
        _sweep(root)
    except OSError as error:
        where = f" at {error.filename}" if error.filename not in {None, str(root)} else ""
        told = f"evidence.path = {root}: the folder cannot be made or looked through{where}: {error.strerror}"
        raise (ConfigError if error.errno in _MISTAKES else JournalError)(told) from error
    yield EvidenceFiles(root, quality=quality)


class EvidenceFiles:
    """Fulfils ``Evidence``. One thread writes; anyone may read.

        <root>/2026/11/22/twin-12-<id>.jpg            JPEG of the picture: colour mosaics as colour, 16 bit as 8 bit
                         twin-12-<id>.png             lossless: every bit the camera gave, 16 bit stay 16 bit
                         twin-12-<id>.BayerRG8.png    lossless mosaic, raw: the name says how to read it
                         twin-12-<id>_d0_<digest>.jpg crop of defect 0 with a quarter of its size around it; the digest
                                                      is the first 16 digits of its sha256
                         twin-12-<id>_heat.png        the model's map, where it gives one: grey, 255 for a score of 1

    The picture is renamed into place after its crops: where it stands, they stand.
    """

    def __init__(self, root: Path, *, quality: int) -> None:
        self._root = root
        self._quality = quality

    def put(
        self,
        frame: Frame,
        defects: Sequence[Defect],
        *,
        name: str,
        lossless: bool,
        heat: NDArray[np.uint8] | None = None,
    ) -> EvidenceRef:
        """Keep the frame under ``name``, and a crop of each of at most 16 defects (the gravest). See ``Evidence``."""
        stem = self._stem(name)
        pixels, pixel_format = frame.pixels, frame.capture.pixel_format
        colour = _for_people(pixels, pixel_format)
        suffix = _lossless_suffix(pixel_format) if lossless else ".jpg"
        whole = _encode(pixels, ".png", _PNG) if lossless else self._jpeg(colour)
        close = {at: self._jpeg(_crop(colour, defects[at].detection.box)) for at in _gravest(defects)}
        crops = {crop_name(name, at, content): content for at, content in close.items()}
        picture = f"{name}{suffix}"
        height, width = pixels.shape[:2]
        ref = EvidenceRef(
            path=picture,
            sha256=hashlib.sha256(whole).hexdigest(),
            width=width,
            height=height,
            lossless=lossless,
            crops=tuple(crops),
        )
        maps = {ref.heat: _encode(heat, ".png", _PNG_SMALL)} if heat is not None else {}
        self._write(stem.parent, {**crops, **maps, picture: whole})
        return ref

    def _stem(self, name: str) -> Path:
        if len(name) > _LONGEST_NAME or _NAME.fullmatch(name) is None or ".." in name:
            raise JournalError(
                f"evidence: the name {name!r} is refused: it must be a relative path of letters, digits, '.', '_', '-'"
            )
        return self._root / name

    def _jpeg(self, colour: Pixels) -> bytes:
        return _encode(colour, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, self._quality))

    def _write(self, folder: Path, files: dict[str, bytes]) -> None:
        """Write every file under a temporary name and to the disk, then rename them in order, then the folder.

        Raises:
            JournalError: the disk did not take it, or a file of that name stands already; nothing new is left.
        """
        temporary = {self._root / name: _temporary(self._root / name) for name in files}
        try:
            self._make(folder)
            for final in temporary:
                if final.exists():
                    raise JournalError(f"evidence {final}: stands already, a picture is never overwritten")
            for draft, content in zip(temporary.values(), files.values(), strict=True):
                _write_through(draft, content)
            for final, draft in temporary.items():
                draft.rename(final)
            _sync_folder(folder)
        except OSError as error:
            for draft in temporary.values():
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
            raise JournalError(f"evidence {folder}: {(error.strerror or str(error)).lower()}") from error

    def _make(self, folder: Path) -> None:
        """Make the folder and those above it, each name on the disk before a picture stands in it."""
        absent = [path for path in (folder, *folder.parents) if path.is_relative_to(self._root) and not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in absent:
            _sync_folder(path.parent)


def _lossless_suffix(pixel_format: PixelFormat) -> str:
    return f".{pixel_format.value}.png" if pixel_format.is_bayer else ".png"


def _for_people(pixels: Pixels, pixel_format: PixelFormat) -> Pixels:
    """The picture as 8-bit grey or BGR."""
    if pixel_format.is_bayer:
        return cast("Pixels", cv2.cvtColor(pixels, _DEMOSAIC[pixel_format]))
    if pixels.dtype == np.uint16:
        return (pixels >> 8).astype(np.uint8)
    return pixels


def _encode(pixels: Pixels, extension: str, options: Sequence[int]) -> bytes:
    try:
        done, encoded = cv2.imencode(extension, pixels, list(options))
    except cv2.error as error:
        raise JournalError(
            f"evidence: a {pixels.dtype} picture of {pixels.shape} has no {extension}: {error}"
        ) from error
    if not done:
        raise JournalError(
            f"evidence: a {pixels.dtype} picture of shape {pixels.shape} cannot be written as {extension}"
        )
    return encoded.tobytes()


def _gravest(defects: Sequence[Defect]) -> list[int]:
    """Positions of the defects that get a crop, in order."""
    gravest = sorted(
        range(len(defects)),
        key=lambda at: (defects[at].sure, defects[at].weight, defects[at].detection.score),
        reverse=True,
    )
    return sorted(gravest[:MOST_CROPS])


def _crop(picture: Pixels, box: Box) -> Pixels:
    """The box with a margin on each side, at least CROP_MIN_PX where the picture is that large."""
    height, width = picture.shape[:2]
    left, right = _span(box.x, box.width, width)
    top, bottom = _span(box.y, box.height, height)
    return picture[top:bottom, left:right].copy()


def _span(start: float, size: float, limit: int) -> tuple[int, int]:
    length = min(limit, max(CROP_MIN_PX, round(size * (1 + 2 * CROP_MARGIN))))
    first = round(start + size / 2 - length / 2)
    first = min(max(first, 0), limit - length)
    return first, first + length


def _temporary(final: Path) -> Path:
    return final.with_name(f".{final.name}.{os.getpid()}{_TEMPORARY}")


def _sweep(root: Path) -> None:
    """Remove what a killed process left half-written in the folder of the newest day (it wrote nowhere else).

    Only folders of our own are entered, whose names are digits: beside them may stand what is not ours to read, as
    ``lost+found`` on a partition of its own.
    """
    newest = root
    while folders := [path for path in newest.iterdir() if path.name.isdecimal() and path.is_dir()]:
        newest = max(folders)
    for draft in newest.glob(f".*{_TEMPORARY}"):
        pid = draft.name.removesuffix(_TEMPORARY).rpartition(".")[2]
        if pid == str(os.getpid()) or not Path("/proc", pid).exists():
            draft.unlink(missing_ok=True)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
