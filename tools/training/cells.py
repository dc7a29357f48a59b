"""Turn class masks into the cells that the net answers for."""

import numpy as np
from numpy.typing import NDArray

from tools.plan import STRIDE

IGNORED = 255
"""Target of a cell that teaches nothing: the rim of a defect, or what nobody has looked at."""
WEAK = 254
"""Target of a cell in a box whose pixels nobody drew: some of the box's cells are defect, no one knows which."""
UNKNOWN_PIXEL = 255
"""Mask value of a pixel that nobody has judged."""
BOXED = 100
"""Mask value ``BOXED + class``: a pixel in a box of that class."""
_SURE_PX = 4  # mask pixels in a cell from which it is a defect; fewer, but some, are ignored


def cell_targets(mask: NDArray[np.uint8], classes: int) -> NDArray[np.uint8]:
    """Turn a class mask (H, W) into cells (classes, H/8, W/8): 1 defect, 0 sound, ``WEAK`` or ``IGNORED``."""
    h, w = mask.shape
    targets = np.zeros((classes, h // STRIDE, w // STRIDE), np.uint8)
    for value in np.unique(mask):
        if value == 0:
            continue
        hit = (mask == value).reshape(h // STRIDE, STRIDE, w // STRIDE, STRIDE)
        count = hit.sum(axis=(1, 3), dtype=np.int32)
        if value == UNKNOWN_PIXEL:
            targets[:, count > 0] = IGNORED
        elif value > BOXED:
            targets[:, count > 0] = IGNORED
            targets[value - BOXED - 1][count > 0] = WEAK
        else:
            own = targets[value - 1]
            own[count > 0] = IGNORED
            own[count >= _SURE_PX] = 1
    return targets
