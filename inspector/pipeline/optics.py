"""Whether a frame shows anything at all: a dead lamp or a lens cap must never pass a part.

This is the floor, which needs no reference. Lamp, lens, dirt and frozen frames against good parts: ``optics_guard``.
"""

import cv2
import numpy as np

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels

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
    planes = [sample] if sample.ndim == 2 else [sample[..., one] for one in range(sample.shape[2])]  # noqa: PLR2004 - grey
    levels = [cv2.calcHist([np.ascontiguousarray(one, np.uint8)], [0], None, [256], [0, 256]) for one in planes]
    counts = np.cumsum(np.sum(levels, axis=0).ravel())
    low = int(np.searchsorted(counts, counts[-1] * 0.01, side="right"))
    high = int(np.searchsorted(counts, counts[-1] * 0.99))
    seen = f"grey levels {low} to {high}"
    if high < DARK:
        raise FrameError(f"optics: the picture is dark ({seen}); is the lamp on, the lens cap off, the exposure right?")
    if low > BURNT:
        raise FrameError(f"optics: the picture is burnt out ({seen}); less exposure, gain or light would be right")
    if high - low < FLAT:
        raise FrameError(f"optics: the picture is flat ({seen}); is a part in view, is the lens clean and in focus?")


def sharpness(pixels: Pixels, pixel_format: PixelFormat) -> float:
    """How sharp the middle of a frame is, in thousandths: the variance of its Laplacian over its squared mean.

    Twice the light gives the same number, so that only the lens counts. It compares frames of one scene, not scenes.
    """
    height, width = pixels.shape[:2]
    middle = pixels[height // 4 : height - height // 4, width // 4 : width - width // 4]
    if pixel_format.is_bayer:
        top, left = height // 4 % 2, width // 4 % 2
        middle = middle[top::2, left::2]  # one colour of the mosaic: its neighbours are of other colours
    elif pixels.ndim > 2:  # noqa: PLR2004 - rows, columns, channels
        middle = middle[..., 1]
    grey = np.ascontiguousarray(middle, np.float32)
    mean = float(grey.mean())
    return 1e3 * float(cv2.Laplacian(grey, cv2.CV_32F).var()) / (mean * mean) if mean > 0 else 0.0
