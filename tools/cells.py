"""Turn class masks into the cells that the net answers for."""

import numpy as np
from numpy.typing import NDArray

from tools.plan import LABELS, STRIDE

IGNORED = 255
_SURE_PX = 4  # mask pixels in a cell from which it is a defect; fewer, but some, are ignored


def cell_targets(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn a class mask (H, W) into cells (5, H/8, W/8): 1 defect, 0 sound, 255 ignored."""
    h, w = mask.shape
    targets = np.zeros((len(LABELS), h // STRIDE, w // STRIDE), np.uint8)
    for index in range(len(LABELS)):
        hit = (mask == index + 1).reshape(h // STRIDE, STRIDE, w // STRIDE, STRIDE)
        count = hit.sum(axis=(1, 3))
        targets[index] = np.where(count >= _SURE_PX, 1, np.where(count > 0, IGNORED, 0))
    return targets
