"""What can be set on a camera that OpenCV opens."""

import stat
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.domain.errors import ConfigError


class CameraOpencvSettings(BaseModel):
    """A V4L2 device, a network stream, or a video file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        min_length=1,
        description="Device number ('0') or path ('/dev/video0'), URL ('rtsp://10.0.0.5/stream1'), or a video file.",
    )
    login_file: Path | None = Field(
        None, description="File with 'user:password' for the URL, readable by its owner only (mode 0600)."
    )
    pixel_format: Literal["BGR8", "Mono8"] = Field("BGR8", description="Mono8 converts colour to grey.")
    width: int | None = Field(None, ge=16, le=65535, description="Device only: width to ask for, px.")
    height: int | None = Field(None, ge=16, le=65535, description="Device only: height to ask for, px.")
    fps: float | None = Field(None, gt=0, le=10_000, description="Device only: frame rate to ask for.")
    fourcc: str = Field("", pattern=r"^([ -~]{4})?$", description="Device only: 'MJPG', 'YUYV' ...; empty: its own.")
    open_timeout_s: float = Field(3.0, gt=0, le=60, description="Give up connecting to a stream after this.")
    read_timeout_s: float = Field(2.0, gt=0, le=60, description="A source that is silent for so long is reopened.")
    silent_s: float = Field(
        0.8, ge=0.2, le=60, description="A live source that is silent for longer, and for two frames, is lost."
    )
    reopen_max_s: float = Field(0.5, gt=0, le=300, description="Longest pause between two attempts to reopen.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.is_url and urlsplit(self.source).password:
            raise ValueError("source holds a password; put 'user:password' into a file and name it in login_file")
        if self.login_file is not None and not self.is_url:
            raise ValueError("login_file is for a URL only")
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height: set both or none")
        return self

    @property
    def is_url(self) -> bool:
        """Whether the source is a network stream."""
        return "://" in self.source

    @property
    def is_file(self) -> bool:
        """Whether the source is a video file: neither a URL nor a device."""
        return not self.is_url and not self.source.isdigit() and not self.source.startswith("/dev/")

    def address(self) -> str:
        """The source as OpenCV wants it, login included: not for logs.

        Raises:
            ConfigError: the login file cannot be read, is open to others, or holds something else.
        """
        if self.login_file is None:
            return self.source
        user, password = _login(self.login_file)
        url = urlsplit(self.source)
        host = url.netloc.rpartition("@")[2]
        return urlunsplit(url._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"))


def _login(path: Path) -> tuple[str, str]:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(f"camera.login_file = {path}: others may read it; `chmod 600 {path}` would be right")
        user, colon, password = path.read_text().strip().partition(":")
    except OSError as error:
        raise ConfigError(f"camera.login_file = {path}: cannot be read: {error.strerror}") from error
    if not colon:
        raise ConfigError(f"camera.login_file = {path}: one line 'user:password' would be right")
    return user, password
