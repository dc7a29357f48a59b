"""What a station's camera showed of good parts when it was set up, and where that is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.ports.camera import CameraInfo

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the frames of good parts told. Grey levels are of 255, shares of the frame; pairs are lowest and highest.

    ``sharpness``: lowest and median. ``burnt``, ``dark``: highest. ``rough``: for each number of grey levels the
    highest share of neighbours that differ by more, (256,). ``low``, ``high``: what each place of the frame at a
    sixteenth of its size has shown, (height / 16, width / 16).
    """

    frames: int
    light: tuple[float, float]
    burnt: float
    dark: float
    sharpness: tuple[float, float]
    rough: Grey
    low: Grey
    high: Grey


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a reference was learned with. ``camera_sha256``: of the station's [camera] table."""

    recipe: str
    recipe_sha256: str
    serial: str
    width: int
    height: int
    pixel_format: str
    camera_sha256: str

    def other_camera(self, now: "Setup") -> str:
        """In words, how the camera of ``now`` is another, or set otherwise; "" if it is not."""
        if self.serial != now.serial:
            return f"camera {self.serial}, now it is {now.serial}"
        ours, theirs = (f"{one.width} x {one.height} px {one.pixel_format}" for one in (self, now))
        if ours != theirs:
            return f"{ours}, now it is {theirs}"
        return "other settings of the camera" if self.camera_sha256 != now.camera_sha256 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A reference, what it was learned with, when, and by whom ("line" or "command")."""

    setup: Setup
    reference: Reference
    learned_utc: datetime
    by: str


def setup_of(info: CameraInfo, camera_sha256: str) -> Setup:
    """What is known of the camera; which recipe looks through it is not said yet."""
    return Setup(
        recipe="",
        recipe_sha256="",
        serial=info.serial,
        width=info.width,
        height=info.height,
        pixel_format=info.pixel_format.value,
        camera_sha256=camera_sha256,
    )


class ReferenceBook(Protocol):
    """One reference a recipe, in the station's own folder."""

    def read(self, recipe: str) -> Learned | None:
        """The reference of this recipe; None if there is none.

        Raises:
            JournalError: it is there and cannot be read.
        """
        ...

    def keep(self, learned: Learned) -> None:
        """Keep it in place of the one before, whole or not at all.

        Raises:
            JournalError: the disk did not take it.
        """
        ...
