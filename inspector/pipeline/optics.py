"""Whether a frame shows anything at all: a dead lamp or a lens cap must never pass a part.

The full optics health (focus, drift, dirt, frozen frames) comes with the cameras' own release; this is its floor.
"""

import numpy as np

from inspector.domain.errors import FrameError
from inspector.domain.frame import Pixels

STEP_PX = 16
"""Every 16th pixel of every 16th row is looked at: under a millisecond for 12 megapixels."""
DARK, BURNT = 12, 250
"""A frame is dark if its brightest, and burnt out if its darkest hundredth lies beyond these grey levels."""
FLAT = 4
"""A frame is flat if its darkest and brightest hundredths lie closer together than this."""


def check(pixels: Pixels) -> None:
    """Refuse an 8-bit frame (height, width[, 3]) that shows nothing.

    Raises:
        FrameError: dark, burnt out or flat; with the grey levels seen.
    """
    sample = pixels[::STEP_PX, ::STEP_PX]
    counts = np.cumsum(np.bincount(sample.ravel(), minlength=256))
    low = int(np.searchsorted(counts, counts[-1] * 0.01, side="right"))
    high = int(np.searchsorted(counts, counts[-1] * 0.99))
    seen = f"grey levels {low} to {high}"
    if high < DARK:
        raise FrameError(f"optics: the picture is dark ({seen}); is the lamp on, the lens cap off, the exposure right?")
    if low > BURNT:
        raise FrameError(f"optics: the picture is burnt out ({seen}); less exposure, gain or light would be right")
    if high - low < FLAT:
        raise FrameError(f"optics: the picture is flat ({seen}); is a part in view, is the lens clean and in focus?")
