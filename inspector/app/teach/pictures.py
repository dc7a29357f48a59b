"""Read the pictures of a teach folder; what cannot be used is set aside by name, with the reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspector.adapters.camera_folder.images import SUFFIXES, read_image
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.pipeline import preprocess


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that is not used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One usable file: grey pixels (height, width)."""

    path: Path
    pixels: preprocess.Image


def files(folder: Path) -> list[Path]:
    """The picture files of a folder, by name.

    Raises:
        ConfigError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; name one with pictures of good parts")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ConfigError(f"{folder}: has no pictures; {', '.join(sorted(SUFFIXES))} files would be right")
    return found


def read(paths: Sequence[Path], *, smallest_px: int) -> Iterator[Picture | Skipped]:
    """One by one, so that only one frame of twelve megapixels stands in memory."""
    for path in paths:
        try:
            yield _picture(path, smallest_px)
        except FrameError as error:
            yield Skipped(path=path, reason=str(error))


def _mosaic(path: Path) -> PixelFormat | None:
    """The raw colour mosaic that a collected frame's name tells of: part.BayerRG8.png."""
    return next((kind for kind in PixelFormat if kind.is_bayer and path.name.endswith(f".{kind.value}.png")), None)


def _picture(path: Path, smallest_px: int) -> Picture:
    try:
        pixels, pixel_format = read_image(path)
        image = preprocess.grey(pixels, _mosaic(path) or pixel_format)
    except FrameError as error:
        named = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise FrameError(named) from error
    if min(image.shape) < smallest_px:
        raise FrameError(f"{path}: {image.shape[1]} x {image.shape[0]} px; {smallest_px} px a side is the least")
    return Picture(path=path, pixels=image)
