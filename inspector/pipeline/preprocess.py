"""Turn a frame's pixels into the tensor a card asks for: no shrinking, no compression, one copy."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.ports.model import Tile

_BAYER_TO_GREY = {
    # GenICam names the first two pixels of the first row; OpenCV's old names are shifted by one.
    PixelFormat.BAYER_RG8: cv2.COLOR_BayerRGGB2GRAY,
    PixelFormat.BAYER_GR8: cv2.COLOR_BayerGRBG2GRAY,
    PixelFormat.BAYER_GB8: cv2.COLOR_BayerGBRG2GRAY,
    PixelFormat.BAYER_BG8: cv2.COLOR_BayerBGGR2GRAY,
}


def grey(pixels: Pixels, pixel_format: PixelFormat) -> NDArray[np.uint8]:
    """Light as one 8-bit number a pixel, shape (height, width). Mono8 is passed through without a copy.

    Raises:
        FrameError: 16-bit pixels, which no shipped model takes.
    """
    if pixel_format is PixelFormat.MONO8:
        return cast("NDArray[np.uint8]", pixels)
    if pixel_format is PixelFormat.BGR8:
        return cast("NDArray[np.uint8]", cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY))
    if pixel_format in _BAYER_TO_GREY:
        return cast("NDArray[np.uint8]", cv2.cvtColor(pixels, _BAYER_TO_GREY[pixel_format]))
    raise FrameError(f"{pixel_format.value} pixels: the model takes 8-bit ones; set the camera to Mono8")


def fill(tensor: NDArray[np.uint8], image: NDArray[np.uint8], tile: Tile) -> None:
    """Write the tile of ``image`` (height, width) into ``tensor`` (tile height, tile width).

    Where the tile overhangs the image, the image's edge is repeated (never reflected: a reflected dark corner
    looks like a dent).
    """
    height, width = image.shape
    top, left = max(tile.y, 0), max(tile.x, 0)
    bottom, right = min(tile.y + tile.height, height), min(tile.x + tile.width, width)
    rows = slice(top - tile.y, bottom - tile.y)
    columns = slice(left - tile.x, right - tile.x)
    tensor[rows, columns] = image[top:bottom, left:right]
    tensor[rows, : columns.start] = image[top:bottom, left : left + 1]
    tensor[rows, columns.stop :] = image[top:bottom, right - 1 : right]
    tensor[: rows.start] = tensor[rows.start]
    tensor[rows.stop :] = tensor[rows.stop - 1]
