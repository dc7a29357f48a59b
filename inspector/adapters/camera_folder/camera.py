"""A folder of image files as a camera."""

import time
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Self

import structlog
from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.adapters.camera_folder.files import (
    NO_LONGER_THERE,
    Files,
    Found,
    Loop,
    Once,
    Signature,
    Watch,
    images_in,
    signature_of,
)
from inspector.adapters.camera_folder.images import Expected, count_frames, describe_file, read_into
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import CameraStamp, Capture, PixelFormat, Pixels
from inspector.ports.camera import CameraInfo

log = structlog.get_logger(__name__)


class CameraFolderSettings(BaseModel):
    """Image files in a folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(description="The folder; PNG, JPEG, TIFF, BMP and DICOM files in it, no sub-folders.")
    mode: Literal["once", "loop", "watch"] = Field(
        "once", description="Read once and end; read round and round; or wait for new files."
    )
    pixel_format: Literal["auto", "Mono8", "Mono16", "BGR8", "BayerRG8", "BayerGR8", "BayerGB8", "BayerBG8"] = Field(
        "auto",
        description="auto: that of the first readable image. Mono8 and BGR8 convert; Bayer: raw mosaics in grey files.",
    )
    width: int | None = Field(None, ge=1, le=65535, description="Expected width, px; else the first readable image's.")
    height: int | None = Field(None, ge=1, le=65535, description="Expected height, px; else the first image's.")
    window: tuple[float, float] | None = Field(
        None, description="DICOM: the grey levels that become 0 and 255; else the file's own window."
    )
    settle_s: float = Field(
        0.5, ge=0.05, le=60, description="watch: a file without an end mark is whole once it did not grow for so long."
    )
    move_done: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="once and watch: sub-folder that a file goes to at the grab after its own; empty: they stay.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height: set both or none")
        if self.window is not None and not self.window[0] < self.window[1]:
            raise ValueError(f"window = {list(self.window)}: two rising grey levels would be right")
        if self.move_done and self.mode == "loop":
            raise ValueError('move_done with mode = "loop" would empty the folder; use "once" or "watch"')
        if self.move_done in {".", ".."}:
            raise ValueError(f"move_done = {self.move_done!r} is no sub-folder; a name like 'done' would be right")
        return self


class CameraFolder:
    """Gives every file once: good ones as captures, bad ones as one FrameError each.

    With ``move_done`` a file is moved at the next grab, or at the end: by then its part is opened. A line that dies in
    between finds the file again: it is then looked at twice, never not at all.
    """

    def __init__(self, settings: CameraFolderSettings) -> None:
        self._folder = settings.path
        self._device = f"camera folder {settings.path}"
        if not settings.path.exists():
            raise DeviceError(self._device, "the folder does not exist; make it, or set camera.path")
        self._done = settings.path / settings.move_done if settings.move_done else None
        self._expected = _expected(settings, self._device)
        self._files = _files(settings)
        self._paced = settings.mode == "watch"
        self._given: tuple[Path, Signature] | None = None
        self._left: deque[tuple[Found, int]] = deque()

    def close(self) -> None:
        """Put the last file away."""
        try:
            self._put_away()
        except DeviceError as error:
            log.warning("camera.file_stays", device=self._device, reason=error.reason)

    def describe(self) -> CameraInfo:
        """Size and format from the settings, or from the first readable image."""
        return CameraInfo(
            name="folder",
            serial=f"folder:{self._folder.name}",
            width=self._expected.width,
            height=self._expected.height,
            pixel_format=self._expected.pixel_format,
            counts_frames=False,
            paced=self._paced,
        )

    def grab(self, into: Pixels, timeout_s: float) -> Capture:
        """Decode the next file into ``into``. See the port for what is raised."""
        if not self._left:
            self._put_away()
            found = self._files.next(timeout_s)
            signature = signature_of(found.path)
            self._given = (found.path, signature) if signature is not None else None
            self._left.extend((found, index) for index in range(count_frames(found.path)))
        many = len(self._left) > 1 or self._left[0][1] > 0
        found, index = self._left.popleft()
        read_into(found.path, into, self._expected, index=index)
        pixels = into.view()
        pixels.flags.writeable = False
        return Capture(
            pixels=pixels,
            pixel_format=self._expected.pixel_format,
            frame_no=None,
            taken_at=found.taken_at,
            taken_utc=datetime.now(UTC) - timedelta(seconds=time.monotonic() - found.taken_at),
            camera=CameraStamp(serial=f"folder:{self._folder.name}"),
            source=f"{found.path}#{index + 1}" if many else str(found.path),
        )

    def trouble(self) -> str:
        """Why the folder that is watched is lost now; "" while it is there."""
        if not self._paced:
            return ""
        try:
            self._folder.stat()
        except OSError as error:
            return f"{self._device}: {NO_LONGER_THERE.format(reason=error.strerror)}"
        return ""

    def flush(self) -> None:
        """Watching without ``move_done``: forget files that are there now. Else nothing: what is there has its turn."""
        if self._paced:
            self._left.clear()
        self._files.flush()

    def _put_away(self) -> None:
        """Move the file that was given last, unless another picture stands under its name by now."""
        if self._done is None or self._given is None:
            return
        path, signature = self._given
        if signature_of(path) != signature:
            self._given = None
            return
        try:
            self._done.mkdir(exist_ok=True)
            target, copy = self._done / path.name, 1
            while target.exists():
                copy += 1
                target = self._done / f"{path.stem}-{copy}{path.suffix}"
            path.rename(target)
            self._given = None
        except OSError as error:
            raise DeviceError(
                self._device, f"{path.name} cannot be moved to {self._done}: {error.strerror}; mend its permissions"
            ) from error


def _files(settings: CameraFolderSettings) -> Files:
    if settings.mode == "once":
        return Once(settings.path)
    if settings.mode == "loop":
        return Loop(settings.path)
    return Watch(settings.path, settle_s=settings.settle_s, include_present=bool(settings.move_done))


def _expected(settings: CameraFolderSettings, device: str) -> Expected:
    named = None if settings.pixel_format == "auto" else PixelFormat(settings.pixel_format)
    if settings.width is not None and settings.height is not None and named is not None:
        images_in(settings.path)
        return Expected(
            width=settings.width, height=settings.height, pixel_format=named, convert=True, window=settings.window
        )
    width, height, found = _first_readable(settings.path, device)
    return Expected(
        width=settings.width or width,
        height=settings.height or height,
        pixel_format=named or found,
        convert=named is not None,
        window=settings.window,
    )


def _first_readable(folder: Path, device: str) -> tuple[int, int, PixelFormat]:
    bad = 0
    for path in images_in(folder):
        try:
            return describe_file(path)
        except FrameError:  # it is said again, by name, when its turn to be grabbed comes
            bad += 1
    raise DeviceError(
        device,
        f"no readable image in the folder ({bad} unreadable): its size and format are not known; "
        "put an image there or set camera.width, camera.height and camera.pixel_format",
    )
