"""What frames tell of lamp, lens and sensor, against what they told at the set-up. Pure: no clock, no log.

    glance(frame) ─▶ Glance ─▶ Health.look ─▶ findings: a warning; or grave: no verdict may rest on such a picture
A part changes from frame to frame; a lamp that ages, a lens that loosens and a speck on the glass do not. So light and
sharpness are judged by the middle of the last frames, and a speck is what stays where it is while parts change.
"""

from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.frame import PixelFormat, Pixels

STEP_PX = 16
"""Every 16th pixel of every 16th row is looked at; of a mosaic these are of one colour."""
_TILE_PX = 64
_TILES = 4
_BURNT, _DARK = 250, 5
_EIGHT_BITS = 255
_COLOUR_AXES = 3
_ALWAYS = 0.9

Grey = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What one frame tells. ``light``: mean grey level. ``burnt``, ``dark``: shares of the frame.

    ``sharpness``: variance of the Laplacian over the squared mean, of tiles across the frame: light does not count.
    ``mark``: the same for two frames only if they are the same, bit for bit, wherever it was looked.
    ``coarse``: the frame at a sixteenth of its size.
    """

    light: float
    burnt: float
    dark: float
    sharpness: float
    mark: bytes
    coarse: Grey


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far each may go: a warning, then grave. Shares and ratios of what was there at the set-up.

    ``speck``: grey levels, of 255, that a place must lie beyond all it had at the set-up, in ``speck_frames`` frames.
    ``frames``: how many the middle is taken of.
    """

    light: tuple[float, float] = (0.15, 0.35)
    burnt: tuple[float, float] = (0.02, 0.10)
    sharpness: tuple[float, float] = (0.30, 0.60)
    speck: tuple[float, float] = (12.0, 30.0)
    speck_frames: int = 30
    frames: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. ``grave``: the part is UNDECIDED("optics: ..."); else a warning stands."""

    kind: str
    text: str
    grave: bool


def glance(pixels: Pixels, pixel_format: PixelFormat) -> Glance:
    """Look at an 8-bit frame (height, width[, 3]) of at least 64 x 64 px: about a millisecond for 12 megapixels."""
    plane = pixels[..., 1] if pixels.ndim == _COLOUR_AXES else pixels
    sample = np.ascontiguousarray(plane[::STEP_PX, ::STEP_PX], np.uint8)
    return Glance(
        light=float(sample.mean()),
        burnt=float((sample >= _BURNT).mean()),
        dark=float((sample <= _DARK).mean()),
        sharpness=_sharpness(plane, step=2 if pixel_format.is_bayer else 1),
        mark=blake2b(sample.tobytes(), digest_size=16).digest(),
        coarse=sample.astype(np.float32),
    )


def _sharpness(plane: Pixels, *, step: int) -> float:
    height, width = plane.shape
    side = min(_TILE_PX, height, width)
    variances, means = [], []
    for row in range(_TILES):
        for column in range(_TILES):
            top = (height - side) * row // (_TILES - 1) // 2 * 2
            left = (width - side) * column // (_TILES - 1) // 2 * 2
            tile = np.ascontiguousarray(plane[top : top + side : step, left : left + side : step], np.float32)
            variances.append(float(cv2.Laplacian(tile, cv2.CV_32F).var()))
            means.append(float(tile.mean()))
    mean = float(np.mean(means))
    return float(np.mean(variances)) / (mean * mean) if mean > 0 else 0.0


@dataclass(slots=True, kw_only=True)
class Health:
    """Keeps what the last frames told. ``reference``: of the set-up, several frames of good parts.

    ``live``: two frames alike bit for bit mean a camera that hangs; not so where files are read.
    """

    reference: tuple[Glance, ...]
    limits: Limits = field(default_factory=Limits)
    live: bool = True
    _last: deque[Glance] = field(init=False)
    _before: bytes = field(init=False, default=b"")
    _speck: "_Speck" = field(init=False)

    def __post_init__(self) -> None:
        if not self.reference:
            raise ValueError("no frames of the set-up; at least one is needed")
        self._last = deque(maxlen=self.limits.frames)
        self._speck = _Speck(self.reference, self.limits)

    def look(self, seen: Glance) -> tuple[Finding, ...]:
        """Take in one frame; what is wrong now, the gravest first."""
        self._last.append(seen)
        frozen = self.live and seen.mark == self._before
        self._before = seen.mark
        found = (
            [Finding(kind="frozen", text="the picture is the one before, bit for bit", grave=True)] if frozen else []
        )
        found += _lamp(self._median("light"), _median(self.reference, "light"), self.limits.light)
        found += _burnt(self._median("burnt") - _median(self.reference, "burnt"), self.limits.burnt)
        if len(self._last) == self.limits.frames:
            found += _lens(self._median("sharpness"), _median(self.reference, "sharpness"), self.limits.sharpness)
        found += self._speck.look(seen)
        return tuple(sorted(found, key=lambda one: not one.grave))

    def _median(self, name: str) -> float:
        return _median(tuple(self._last), name)


class _Speck:
    """What stays where it is while parts change: a place outside of all that the set-up's frames had there, always."""

    def __init__(self, reference: tuple[Glance, ...], limits: Limits) -> None:
        frames = np.stack([one.coarse for one in reference])
        self._low, self._high = frames.min(axis=0), frames.max(axis=0)
        self._light = _median(reference, "light")
        self._limits = limits
        self._beyond = np.zeros_like(self._low)
        self._often = np.zeros_like(self._low)
        self._seen = 0

    def look(self, seen: Glance) -> list[Finding]:
        limits = self._limits
        if seen.coarse.shape != self._low.shape or seen.light <= 0:
            return []
        self._seen += 1
        weight = np.float32(1 / min(self._seen, limits.speck_frames))
        level = seen.coarse * np.float32(self._light / seen.light)
        beyond = np.abs(level - np.clip(level, self._low, self._high))
        self._beyond += weight * (beyond - self._beyond)
        self._often += weight * ((beyond > limits.speck[0] / 2) - self._often)
        if self._seen < limits.speck_frames:
            return []
        steady = np.where(self._often >= _ALWAYS, self._beyond, 0)
        strength = float(steady.max())
        if strength < limits.speck[0]:
            return []
        row, column = np.unravel_index(int(steady.argmax()), steady.shape)
        place = f"{int(column) * STEP_PX}, {int(row) * STEP_PX}"
        text = f"a speck at {place} px that stays while parts change ({strength:.0f} grey levels); clean the glass"
        return [Finding(kind="speck", text=text, grave=strength >= limits.speck[1])]


def _median(glances: tuple[Glance, ...], name: str) -> float:
    return float(np.median([getattr(one, name) for one in glances]))


def _lamp(now: float, then: float, limits: tuple[float, float]) -> list[Finding]:
    off = abs(now - then) / then if then > 0 else 1.0
    if off <= limits[0]:
        return []
    text = f"the light is {now:.0f} of {_EIGHT_BITS}, at the set-up it was {then:.0f}; look at lamp, exposure and shade"
    return [Finding(kind="light", text=text, grave=off > limits[1])]


def _burnt(more: float, limits: tuple[float, float]) -> list[Finding]:
    if more <= limits[0]:
        return []
    text = f"{more:.0%} of the picture more than at the set-up is burnt out; less light or exposure would be right"
    return [Finding(kind="burnt", text=text, grave=more > limits[1])]


def _lens(now: float, then: float, limits: tuple[float, float]) -> list[Finding]:
    lost = 1 - now / then if then > 0 else 0.0
    if lost <= limits[0]:
        return []
    text = f"the picture has lost {lost:.0%} of its sharpness; look at the lens, its glass and the working distance"
    return [Finding(kind="sharpness", text=text, grave=lost > limits[1])]
