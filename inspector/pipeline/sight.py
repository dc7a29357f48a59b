"""What frames tell of lamp, lens, glass and sensor, against what they told at the set-up. Pure: no clock, no log.

    glance(frame) ─▶ Glance ─▶ Health.look ─▶ findings: a warning; or grave: no PASS may rest on such a picture
A part changes from frame to frame; a lamp that ages, a lens that loosens and a speck on the glass do not. So light and
sharpness are judged by the middle of the last frames, and a speck is what stays where it is while parts change. A frame
that is covered, torn or full of what no good part had is judged by itself.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.frame import PixelFormat, Pixels
from inspector.ports.sight import Grey, Reference

STEP_PX = 16
"""Every 16th row is looked at; of a mosaic these are of one phase."""
_FEWER = 2
_TILE_PX = 64
_TILES = 4
_BURNT, _DARK = 250, 5
_EIGHT_BITS = 255
_COLOUR_AXES = 3
_ALWAYS = 0.9
_APART_PX = 4
"""Neighbours that are compared: of a mosaic they have one colour, and the edge of a thin line is between them."""
_RARE = 0.02
_WORD = 8
_FOLDED_BYTES = 4 << 20
"""So much of a frame is asked, bit for bit, whether it is new: of a larger one each second row, or third ... The noise
of a sensor makes every row new, and what is the picture before has no new row at all."""
_BANDS = 16
_SOMETHING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What one frame tells. ``light``: mean grey level. ``burnt``, ``dark``: shares of the frame.

    ``sharpness``: variance of the Laplacian over the squared mean, of tiles across the frame: light does not count.
    ``steps``: share of neighbours that differ by each number of grey levels, (256,).
    ``marks``: of bands of the frame, from its top: the same for two frames only if they are the same there, bit for
    bit; "" where there is nothing to see. ``rows``: how many a band has.
    ``coarse``: the frame at a sixteenth of its size.
    """

    light: float
    burnt: float
    dark: float
    sharpness: float
    steps: NDArray[np.float32]
    marks: tuple[bytes, ...]
    rows: int
    coarse: Grey


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far each may go beyond what was there at the set-up: a warning, then grave. Shares and ratios.

    ``busy``: share of the frame that is full of steps no good part had; ``strange``: share of its places that show
    what they never showed. Both are judged frame by frame. ``speck``: grey levels, of 255, that a place must lie beyond
    all it had at the set-up, in ``speck_frames`` frames. ``frames``: how many the middle is taken of.
    """

    light: tuple[float, float] = (0.15, 0.35)
    burnt: tuple[float, float] = (0.02, 0.10)
    dark: tuple[float, float] = (0.05, 0.20)
    sharpness: tuple[float, float] = (0.30, 0.60)
    busy: tuple[float, float] = (0.01, 0.02)
    strange: tuple[float, float] = (0.10, 0.25)
    speck: tuple[float, float] = (12.0, 30.0)
    speck_frames: int = 30
    frames: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. ``grave``: a part that would pass is UNDECIDED("optics: ..."); else a warning stands."""

    kind: str
    text: str
    grave: bool
    measured: float
    limit: float
    unit: str = "share"


def glance(pixels: Pixels, pixel_format: PixelFormat) -> Glance:
    """Look at an 8-bit frame (height, width[, 3]) of at least 64 x 64 px ("optics" in docs/performance.md)."""
    plane, rows = _green(pixels)
    fewer = rows[::_FEWER]
    levels = _histogram(fewer)
    return Glance(
        light=float(levels @ np.arange(256, dtype=np.float32)),
        burnt=float(levels[_BURNT:].sum()),
        dark=float(levels[: _DARK + 1].sum()),
        sharpness=_sharpness(plane, step=2 if pixel_format.is_bayer else 1),
        steps=_histogram(cast("NDArray[np.uint8]", cv2.absdiff(fewer[:, _APART_PX:], fewer[:, :-_APART_PX]))),
        marks=_marks(pixels, rows),
        rows=_band(pixels.shape[0]) * STEP_PX,
        coarse=_coarse(rows, every=2 if pixel_format.is_bayer else 1),
    )


def _green(pixels: Pixels) -> tuple[Pixels, NDArray[np.uint8]]:
    """Of a colour frame its green, of another all; and every sixteenth row of that in one piece."""
    if pixels.ndim == _COLOUR_AXES:
        return pixels[..., 1], np.asarray(cv2.extractChannel(pixels[::STEP_PX], 1), np.uint8)
    return pixels, np.ascontiguousarray(pixels[::STEP_PX], np.uint8)


def reference_of(glances: Sequence[Glance]) -> Reference:
    """What frames of good parts, one or more of one size, had in common."""
    if not glances:
        raise ValueError("no frames of the set-up; at least one is needed")
    coarse = np.stack([one.coarse for one in glances])
    light = [one.light for one in glances]
    sharpness = [one.sharpness for one in glances]
    return Reference(
        frames=len(glances),
        light=(min(light), max(light)),
        burnt=max(one.burnt for one in glances),
        dark=max(one.dark for one in glances),
        sharpness=(min(sharpness), float(np.median(sharpness))),
        rough=np.stack([_rough(one) for one in glances]).max(axis=0),
        low=coarse.min(axis=0),
        high=coarse.max(axis=0),
    )


def _histogram(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    counts = cv2.calcHist([values], [0], None, [256], [0, 256])
    return np.asarray(counts.ravel() / values.size, np.float32)


def _rough(seen: Glance) -> Grey:
    """For each number of grey levels the share of neighbours that differ by more, (256,)."""
    more: Grey = 1 - np.cumsum(seen.steps)
    return np.maximum(more, 0)


def _busy(seen: Glance, then: Grey) -> float:
    """How much more of the frame is full of steps; only of such as were rare at the set-up: texture has its own."""
    rare = then <= _RARE
    return float((_rough(seen) - then)[rare].max(initial=0.0))


def _coarse(rows: NDArray[np.uint8], *, every: int) -> Grey:
    """Each sixteen pixels of a row as one; of a mosaic those of one colour."""
    rows = rows[:, ::every]
    wide = max(rows.shape[1] * every // STEP_PX, 1)
    return np.asarray(cv2.resize(rows, (wide, rows.shape[0]), interpolation=cv2.INTER_AREA), np.float32)


def _band(height: int) -> int:
    """Rows of a band that are looked at."""
    return max(-(-height // STEP_PX) // _BANDS, 1)


def _marks(pixels: Pixels, rows: NDArray[np.uint8]) -> tuple[bytes, ...]:
    """A digest of each band: of its rows folded into one, so that every bit counts, and of some as they stand."""
    flat = pixels.reshape(pixels.shape[0], -1)
    whole = flat.shape[1] - flat.shape[1] % _WORD
    words, rest = flat[:, :whole].view(np.uint64), flat[:, whole:]
    sample = np.ascontiguousarray(rows[:, ::STEP_PX])
    shows = sample.max(axis=1).astype(int) - sample.min(axis=1) > _SOMETHING
    band = _band(pixels.shape[0])
    every = max(-(-pixels.nbytes // _FOLDED_BYTES), 1)
    marks = []
    for first in range(0, len(sample), band):
        seen = sample[first : first + band]
        if not shows[first : first + band].any():
            marks.append(b"")
            continue
        lines = slice(first * STEP_PX, (first + band) * STEP_PX, every)
        folded = np.bitwise_xor.reduce(words[lines], axis=0), np.bitwise_xor.reduce(rest[lines], axis=0)
        digest = hash((seen.tobytes(), *(one.tobytes() for one in folded)))  # of this process alone, and the fastest
        marks.append(digest.to_bytes(_WORD, "little", signed=True))
    return tuple(marks)


def stale_rows(now: Glance, before: Glance) -> tuple[int, int] | None:
    """First and last row of what is, bit for bit, the picture before; None if all that shows something is new."""
    if len(now.marks) != len(before.marks):
        return None
    same = [
        at for at, (mine, theirs) in enumerate(zip(now.marks, before.marks, strict=True)) if mine and mine == theirs
    ]
    return (same[0] * now.rows, (same[-1] + 1) * now.rows - 1) if same else None


def _sharpness(plane: Pixels, *, step: int) -> float:
    height, width = plane.shape
    side = min(_TILE_PX, height, width)
    variances, means = [], []
    for row in range(_TILES):
        for column in range(_TILES):
            top = (height - side) * row // (_TILES - 1) // 2 * 2
            left = (width - side) * column // (_TILES - 1) // 2 * 2
            tile: Any = np.ascontiguousarray(plane[top : top + side : step, left : left + side : step])
            _, spread = cv2.meanStdDev(cv2.Laplacian(tile, cv2.CV_32F))
            variances.append(float(spread[0, 0]) ** 2)
            means.append(cv2.mean(tile)[0])
    mean = float(np.mean(means))
    return float(np.mean(variances)) / (mean * mean) if mean > 0 else 0.0


@dataclass(slots=True, kw_only=True)
class Health:
    """Keeps what the last frames told. ``reference``: of the set-up, several frames of good parts."""

    reference: Reference
    limits: Limits = field(default_factory=Limits)
    _last: deque[Glance] = field(init=False)
    _beyond: Grey = field(init=False)
    _often: Grey = field(init=False)
    _seen: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._last = deque(maxlen=self.limits.frames)
        self._beyond = np.zeros_like(self.reference.low)
        self._often = np.zeros_like(self.reference.low)

    def look(self, seen: Glance) -> tuple[Finding, ...]:
        """Take in one frame; what is wrong now, the gravest first."""
        self._last.append(seen)
        then, limits = self.reference, self.limits
        found = _lamp(self._median("light"), then.light, limits.light)
        found += _more("burnt", self._median("burnt") - then.burnt, limits.burnt)
        found += _more("dark", self._median("dark") - then.dark, limits.dark)
        found += _more("busy", _busy(seen, then.rough), limits.busy)
        if len(self._last) == limits.frames:
            found += _lens(self._median("sharpness"), then.sharpness, limits.sharpness)
        found += self._places(seen)
        return tuple(sorted(found, key=lambda one: not one.grave))

    def _median(self, name: str) -> float:
        return float(median(getattr(one, name) for one in self._last))

    def _places(self, seen: Glance) -> list[Finding]:
        """What each place shows against all that it showed at the set-up, in this frame and in the last ones."""
        then, limits = self.reference, self.limits
        if seen.coarse.shape != then.low.shape or seen.light <= 0:
            return []
        level = seen.coarse * np.float32(float(np.clip(seen.light, *then.light)) / seen.light)
        beyond = np.abs(level - np.clip(level, then.low, then.high))
        strange = float((beyond > limits.speck[1]).mean())
        self._seen += 1
        weight = np.float32(1 / min(self._seen, limits.speck_frames))
        self._beyond += weight * (beyond - self._beyond)
        self._often += weight * ((beyond > limits.speck[0] / 2) - self._often)
        return [*_more("strange", strange, limits.strange), *self._speck()]

    def _speck(self) -> list[Finding]:
        limits = self.limits
        if self._seen < limits.speck_frames:
            return []
        steady = np.where(self._often >= _ALWAYS, self._beyond, 0)
        strength = float(steady.max())
        if strength < limits.speck[0]:
            return []
        row, column = np.unravel_index(int(steady.argmax()), steady.shape)
        place = f"{int(column) * STEP_PX}, {int(row) * STEP_PX}"
        text = f"a speck at {place} px that stays while parts change ({strength:.0f} grey levels); clean the glass"
        return [_finding("speck", text, strength, limits.speck, unit="grey levels")]


_MORE = {
    "burnt": "of the picture more than at the set-up is burnt out; less light or exposure would be right",
    "dark": "of the picture more than at the set-up is black; look at lamp, exposure and shade",
    "busy": "of the picture is full of edges that no good part had; is it covered, torn or noisy?",
    "strange": "of the picture shows what it never showed at the set-up; is it covered or torn?",
}


def _finding(kind: str, text: str, measured: float, limits: tuple[float, float], *, unit: str = "share") -> Finding:
    grave = measured >= limits[1]
    return Finding(
        kind=kind, text=text, grave=grave, measured=round(measured, 4), limit=limits[1 if grave else 0], unit=unit
    )


def _more(kind: str, more: float, limits: tuple[float, float]) -> list[Finding]:
    return [_finding(kind, f"{more:.1%} {_MORE[kind]}", more, limits)] if more > limits[0] else []


def _lamp(now: float, then: tuple[float, float], limits: tuple[float, float]) -> list[Finding]:
    nearest = float(np.clip(now, *then))
    off = abs(now - nearest) / nearest if nearest > 0 else 1.0
    if off <= limits[0]:
        return []
    was = f"{then[0]:.0f} to {then[1]:.0f}"
    text = f"the light is {now:.0f} of {_EIGHT_BITS}, at the set-up it was {was}; look at lamp, exposure and shade"
    return [_finding("light", text, off, limits)]


def _lens(now: float, then: tuple[float, float], limits: tuple[float, float]) -> list[Finding]:
    """Less than the middle of the set-up by the limit; and less than its least, where products differ by themselves."""
    least, middle = then
    lost = 1 - now / middle if middle > 0 else 0.0
    if lost <= limits[0] or now >= least:
        return []
    text = f"the picture has lost {lost:.0%} of its sharpness; look at the lens, its glass and the working distance"
    return [_finding("sharpness", text, lost, limits)]
