"""Measures a defect on the frame's own pixels: a map at stride 8 calls every crack 8 to 22 px wide."""

from dataclasses import dataclass
from math import hypot, pi, sqrt
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

GROUND_PX = 31
"""Side of the window that gives the ground around a thin defect."""
NOISE_SIGMAS = 3.0
"""How far above the texture's noise a pixel must stand to belong to the defect."""
MAD_TO_SIGMA = 1.4826
THIN = 4.0
THIN_WINDING = 10.0
"""From these length-to-width ratios on a defect is measured as a ribbon, else as a blob: straight and winding ones."""
STRAIGHT = 1.1
"""A ribbon winds where it is longer than this times the diagonal it spans."""
SPANNING = 0.4
"""A ribbon spans at least this share of the cells that fired; a shorter one is texture inside a blob."""
SMOOTH_PX = 3.0
"""Sigma of the blur before a blob is measured: its edge is soft, the texture's grain is not."""
MOST_WINDING = 1.3
"""The longest way a crack takes, as a multiple of the diagonal it spans."""
HOLLOW = 0.4
"""A ribbon fills at least this share of what its outline encloses."""
_MIN_PIXELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Length along, width across (px), and area (px²). ``thin``: measured as a ribbon, so the card's bias applies."""

    length: float
    width: float
    area: float
    thin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ribbon:
    """A thin piece and the diagonal that it spans, px."""

    size: Size
    span: float

    @property
    def is_thin(self) -> bool:
        """Whether it is a crack or scratch: long for its width, and the more so the more it winds (a rim winds)."""
        straight = self.size.length <= STRAIGHT * self.span
        return self.size.length >= (THIN if straight else THIN_WINDING) * self.size.width


def measure(patch: NDArray[np.uint8], cells: NDArray[np.uint8]) -> Size | None:
    """Size of the defect inside ``patch``.

    ``patch`` (height, width): frame pixels around the defect. ``cells``: same shape, 1 where the map fired.
    None if nothing stands out of the texture there (the caller then falls back to the cells themselves).
    """
    ribbon = _ribbon(_standing_out(_one_sided(patch, cells), cells, share=0.5))
    if ribbon is not None and ribbon.span >= SPANNING * _span(cells) and ribbon.is_thin:
        return ribbon.size
    outside = patch[cells == 0]
    level = _quantile(outside if outside.size else patch.ravel(), 0.5)
    smooth = cast("NDArray[np.uint8]", cv2.GaussianBlur(patch, (0, 0), SMOOTH_PX))
    return _blob(_standing_out(np.abs(smooth.astype(np.float32) - level), cells, share=0.25))


def warm_up() -> None:
    """Measure a drawn scratch and a drawn spot, so that the first defect of a line is not the slow one.

    numpy loads a part of itself at the first percentile: 40 to 80 ms in which no thread of the process runs, the one
    that listens to the PLC among them.
    """
    cells = np.zeros((64, 64), np.uint8)
    cells[16:48, 16:48] = 1
    for wide in (2, 16):
        patch = np.full(cells.shape, 128, np.uint8)
        patch[24:40, 24 : 24 + wide] = 20
        measure(patch, cells)


def _span(mask: NDArray[np.uint8]) -> float:
    """Diagonal of the box around a mask's pixels."""
    _, _, wide, high = cv2.boundingRect(mask)
    return hypot(wide, high)


def _one_sided(patch: NDArray[np.uint8], cells: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far each pixel leaves its ground in the defect's own direction (darker or brighter); 0 the other way."""
    light = patch.astype(np.float32)
    lift = light - cv2.blur(light, (GROUND_PX, GROUND_PX), borderType=cv2.BORDER_REPLICATE)
    inside = lift[cells > 0]
    if inside.size and -_quantile(inside, 0.01) > _quantile(inside, 0.99):
        lift = -lift
    return cast("NDArray[np.float32]", np.maximum(lift, 0.0))


def _standing_out(lift: NDArray[np.float32], cells: NDArray[np.uint8], *, share: float) -> NDArray[np.uint8]:
    """Pixels inside the cells that leave the ground by more than noise and ``share`` of the defect's own height."""
    outside = lift[(cells == 0) & (lift > 0)]
    noise = MAD_TO_SIGMA * _quantile(outside, 0.5) if outside.size else 0.0
    inside = lift[cells > 0]
    if not inside.size:
        return np.zeros(lift.shape, np.uint8)
    peak = _quantile(inside, 0.99)
    limit = max(NOISE_SIGMAS * noise, peak * share)
    standing: NDArray[np.uint8] = ((lift > limit) & (cells > 0)).astype(np.uint8)
    return standing


def _quantile(values: NDArray[Any], share: float) -> float:
    """As numpy's, interpolated between neighbours, without its hundred microseconds of checks."""
    at = (values.size - 1) * share
    low = int(at)
    high = min(low + 1, values.size - 1)
    parted = np.partition(values, (low, high))
    below, above = float(parted[low]), float(parted[high])
    return below + (above - below) * (at - low)


def _ribbon(mask: NDArray[np.uint8]) -> _Ribbon | None:
    """A ribbon's length and width from area A and perimeter P of its pixels: A = L w, P = 2 (L + w)."""
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    longest = max(contours, key=len)
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, [longest], -1, 1, cv2.FILLED)
    area = float((mask & filled).sum())
    if area < max(_MIN_PIXELS, HOLLOW * float(filled.sum())):
        return None  # a rim around a blob: its outline encloses more than its pixels fill
    # A contour runs through pixel centres: the outline of the pixels themselves is longer by about pi.
    half = (cv2.arcLength(longest, closed=True) + pi) / 2
    length = (half + sqrt(max(half * half - 4 * area, 0.0))) / 2
    _, _, wide, high = cv2.boundingRect(longest)
    span = hypot(wide, high)
    if length > MOST_WINDING * span:
        return None  # a ragged patch of texture, no ribbon: its outline winds more than any crack
    return _Ribbon(size=Size(length=length, width=max(area / length, 1.0), area=area, thin=True), span=span)


def _blob(mask: NDArray[np.uint8]) -> Size | None:
    """A blob's longest and shortest diameter: the smallest rectangle around the hull of its pixels.

    The hull joins the bright and the dark side of a dent.
    """
    kept = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    points = np.argwhere(kept)[:, ::-1].astype(np.int32)
    if len(points) < _MIN_PIXELS:
        return None
    hull = cv2.convexHull(points)
    (_, (a, b), _) = cv2.minAreaRect(hull)
    return Size(length=max(a, b) + 1, width=min(a, b) + 1, area=max(float(cv2.contourArea(hull)), float(len(points))))
