"""Measures a defect on the frame's own pixels: a map at stride 8 calls every crack 8 to 22 px wide."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

GROUND_PX = 31
"""Side of the window that gives the ground around a thin defect."""
NOISE_SIGMAS = 3.0
"""How far above the texture's noise a pixel must stand to belong to the defect."""
MAD_TO_SIGMA = 1.4826
THIN_RATIO = 4.0
"""From this length-to-width ratio of its pixels on a defect is measured as a ribbon, else as a blob."""
_MIN_PIXELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Length along, width across (px), and area (px²)."""

    length: float
    width: float
    area: float


def measure(patch: NDArray[np.uint8], cells: NDArray[np.uint8]) -> Size | None:
    """Size of the defect inside ``patch``.

    ``patch`` (height, width): frame pixels around the defect. ``cells``: same shape, 1 where the map fired.
    None if nothing stands out of the texture there (the caller then falls back to the cells themselves).
    """
    thin = _standing_out(patch, cells, _ground(patch))
    ribbon = _ribbon(thin)
    if ribbon is not None and ribbon.length >= THIN_RATIO * ribbon.width:
        return ribbon
    outside = patch[cells == 0]
    level = float(np.median(outside)) if outside.size else float(np.median(patch))
    smooth = cv2.GaussianBlur(patch, (0, 0), 2.0)
    broad = _standing_out(cast("NDArray[np.uint8]", smooth), cells, np.full(patch.shape, level, np.float32))
    return _blob(broad)


def _ground(patch: NDArray[np.uint8]) -> NDArray[np.float32]:
    window = (GROUND_PX, GROUND_PX)
    return cast("NDArray[np.float32]", cv2.blur(patch.astype(np.float32), window, borderType=cv2.BORDER_REPLICATE))


def _standing_out(patch: NDArray[np.uint8], cells: NDArray[np.uint8], ground: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pixels inside the cells that stand out of the ground by more than noise and half of the defect's own height."""
    lift = np.abs(patch.astype(np.float32) - ground)
    outside = lift[cells == 0]
    noise = MAD_TO_SIGMA * float(np.median(outside)) if outside.size else 0.0
    inside = lift[cells > 0]
    if not inside.size:
        return np.zeros(patch.shape, np.uint8)
    peak = float(np.percentile(inside, 99.0))
    limit = max(NOISE_SIGMAS * noise, peak / 2)
    standing: NDArray[np.uint8] = ((lift > limit) & (cells > 0)).astype(np.uint8)
    return standing


def _ribbon(mask: NDArray[np.uint8]) -> Size | None:
    """A ribbon's length and width from area A and perimeter P of its pixels: A = L w, P = 2 (L + w)."""
    area = int(mask.sum())
    if area < _MIN_PIXELS:
        return None
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(contours, key=len)
    # A contour runs through pixel centres: the outline of the pixels themselves is longer by about pi.
    perimeter = cv2.arcLength(longest, closed=True) + pi
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, [longest], -1, 1, cv2.FILLED)
    own_area = float((mask & filled).sum())
    if own_area < _MIN_PIXELS:
        return None
    half = perimeter / 2
    root = max(half * half - 4 * own_area, 0.0)
    length = (half + sqrt(root)) / 2
    return Size(length=length, width=max(own_area / length, 1.0), area=own_area)


def _blob(mask: NDArray[np.uint8]) -> Size | None:
    """A blob's longest and shortest diameter: the smallest rectangle around its largest piece."""
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    largest = max(contours, key=cv2.contourArea)
    (_, (a, b), _) = cv2.minAreaRect(largest)
    area = cv2.contourArea(largest)
    if area < _MIN_PIXELS:
        return None
    return Size(length=max(a, b) + 1, width=min(a, b) + 1, area=float(area))
