"""Lay a real defect of one picture on the sound ground of another: few defects are seen on many grounds."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.training.picture import Picture

_RIM_PX = 9
_GROUND_PX = 41
_LITTLE = 1e-3
_LARGEST_SHARE = 0.5
"""Of the crop's pixels: what covers more has no ground around it to tell it from."""
_STRENGTHS = (0.7, 1.3)


def paste_defect(
    rng: np.random.Generator, pixels: NDArray[np.uint8], mask: NDArray[np.uint8], source: Picture, label: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Paste one piece of class ``label`` of ``source`` into a crop, by how far it leaves its own ground.

    Returns:
        The crop and its mask; unchanged where the piece has no room.
    """
    found = _piece(rng, source, label)
    if found is None:
        return pixels, mask
    lift, own = found
    if rng.random() < 0.5:  # noqa: PLR2004 - as often as not
        lift, own = np.fliplr(lift), np.fliplr(own)
    if rng.random() < 0.5:  # noqa: PLR2004 - as often as not
        lift, own = np.flipud(lift), np.flipud(own)
    h, w = own.shape
    if h >= pixels.shape[0] or w >= pixels.shape[1] or own.sum() > _LARGEST_SHARE * pixels.size:
        return pixels, mask
    top, left = int(rng.integers(pixels.shape[0] - h)), int(rng.integers(pixels.shape[1] - w))
    place = (slice(top, top + h), slice(left, left + w))
    if (mask[place] != 0).any():
        return pixels, mask
    alpha = cv2.GaussianBlur(cv2.dilate(own.astype(np.float32), np.ones((5, 5), np.uint8)), (0, 0), 2.0)
    painted, marked = pixels.astype(np.float32), mask.copy()
    painted[place] += np.asarray(alpha, np.float32) * lift * np.float32(rng.uniform(*_STRENGTHS))
    marked[place][own] = label
    return np.clip(np.rint(painted), 0, 255).astype(np.uint8), marked


def _piece(
    rng: np.random.Generator, source: Picture, label: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    """Cut out one connected piece: how far its pixels leave their ground, and which they are."""
    count, pieces = cv2.connectedComponents((source.mask == label).astype(np.uint8), connectivity=8)
    if count < 2:  # noqa: PLR2004 - piece 0 is the rest
        return None
    own = np.asarray(pieces) == int(rng.integers(1, count))
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    top, left = max(int(rows[0]) - _RIM_PX, 0), max(int(columns[0]) - _RIM_PX, 0)
    cut = (slice(top, int(rows[-1]) + _RIM_PX + 1), slice(left, int(columns[-1]) + _RIM_PX + 1))
    light, inside = source.pixels[cut].astype(np.float32), own[cut]
    sound = (source.mask[cut] == 0).astype(np.float32)
    if sound.sum() < _RIM_PX * _RIM_PX:
        return None
    size = (_GROUND_PX, _GROUND_PX)
    weight = cv2.blur(sound, size, borderType=cv2.BORDER_REPLICATE)
    level = cv2.blur(light * sound, size, borderType=cv2.BORDER_REPLICATE)
    ground = np.where(weight > _LITTLE, level / np.maximum(weight, _LITTLE), (light * sound).sum() / sound.sum())
    return np.asarray(light - ground, np.float32), np.asarray(inside)
