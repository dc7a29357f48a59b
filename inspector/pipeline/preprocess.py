"""Turn a frame's pixels into the tensor a card asks for: no compression, and no copy that is not needed."""

from functools import lru_cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.ports.model import FrameSpec, InputSpec, Tile

_BAYER_TO_GREY = {
    # GenICam names the first two pixels of the first row; OpenCV's old names are shifted by one.
    PixelFormat.BAYER_RG8: cv2.COLOR_BayerRGGB2GRAY,
    PixelFormat.BAYER_GR8: cv2.COLOR_BayerGRBG2GRAY,
    PixelFormat.BAYER_GB8: cv2.COLOR_BayerGBRG2GRAY,
    PixelFormat.BAYER_BG8: cv2.COLOR_BayerBGGR2GRAY,
}
_BAYER_TO_BGR = {
    PixelFormat.BAYER_RG8: cv2.COLOR_BayerRGGB2BGR,
    PixelFormat.BAYER_GR8: cv2.COLOR_BayerGRBG2BGR,
    PixelFormat.BAYER_GB8: cv2.COLOR_BayerGBRG2BGR,
    PixelFormat.BAYER_BG8: cv2.COLOR_BayerBGGR2BGR,
}
_INTERPOLATION = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}
_TRIANGLES = frozenset({"antialias", "antialias_float"})
_MOST_BITS, _INT16 = 22, 1 << 15
"""torch's weights for 8-bit pictures: as many bits as fit into 16."""
Image = NDArray[np.uint8]
"""Shape (height, width), or (height, width, 3) as blue, green, red."""
Shown = NDArray[np.uint8] | NDArray[np.float32]
"""A picture on its way into a tensor: float32 where it was scaled without rounding."""


def grey(pixels: Pixels, pixel_format: PixelFormat, into: Image | None = None) -> Image:
    """Light as one 8-bit number a pixel, shape (height, width). Mono8 is passed through without a copy.

    ``into``: where the light is written, in the one pass that makes it; its rows may lie apart.

    Raises:
        FrameError: 16-bit pixels, which no shipped model takes.
    """
    if pixel_format is PixelFormat.MONO8:
        if into is None:
            return cast("Image", pixels)
        np.copyto(into, cast("Image", pixels))
        return into
    code = cv2.COLOR_BGR2GRAY if pixel_format is PixelFormat.BGR8 else _BAYER_TO_GREY.get(pixel_format)
    if code is None:
        raise FrameError(f"{pixel_format.value} pixels: the model takes 8-bit ones; set the camera to Mono8")
    return cast("Image", cv2.cvtColor(pixels, code, dst=into))


def picture(pixels: Pixels, pixel_format: PixelFormat, spec: InputSpec) -> Image:
    """What the model's input is cut from: grey for a grey model; for a colour model colour where the camera has it.

    Raises:
        FrameError: 16-bit pixels.
    """
    if spec.colour == "grey" or pixel_format is PixelFormat.MONO8:
        return grey(pixels, pixel_format)
    if pixel_format is PixelFormat.BGR8:
        return cast("Image", pixels)
    if pixel_format in _BAYER_TO_BGR:
        return cast("Image", cv2.cvtColor(pixels, _BAYER_TO_BGR[pixel_format]))
    raise FrameError(f"{pixel_format.value} pixels: the model takes 8-bit ones; set the camera to BGR8 or Mono8")


class Presenter:
    """Writes tiles of a picture into the tensors that a card asks for."""

    def __init__(self, spec: InputSpec, frame: FrameSpec) -> None:
        self._spec = spec
        self._frame = frame
        values = np.arange(256, dtype=np.float64) * spec.scale
        means, stds = spec.mean or (0.0,) * spec.channels, spec.std or (1.0,) * spec.channels
        self._tables = [((values - m) / s).astype(np.float32) for m, s in zip(means, stds, strict=True)]

    def tensor(self, tile: Tile) -> NDArray[Any]:
        """An empty tensor for this tile."""
        sides = (tile.height, tile.width)
        return np.zeros(input_shape(self._spec, sides), self._spec.dtype)

    def write(self, tensor: NDArray[Any], image: Image, tile: Tile) -> None:
        """Write the tile of ``image`` into its tensor."""
        planes = tensor if self._spec.layout == "CHW" else tensor[0]
        if self._spec.layout == "NHWC":
            planes = planes.transpose(2, 0, 1)
        if self._spec.plain and tile.native:
            fill(planes[0], image, tile, pad=self._frame.pad)
            return
        shown = _scaled(image, tile, self._frame) if not tile.native else _cut(image, tile, self._frame.pad)
        for index, channel in enumerate(_channels(shown, self._spec)):
            planes[index] = self._numbers(channel, index, tensor.dtype)

    def _numbers(self, channel: Shown, index: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """What the model is given for one channel."""
        if channel.dtype != np.uint8:
            if dtype == np.uint8:
                rounded: NDArray[Any] = np.clip(np.floor(channel + 0.5), 0, 255)
                return rounded
            table = self._tables[index]
            numbers: NDArray[np.float32] = channel * (table[1] - table[0]) + table[0]
            return numbers
        return channel if dtype == np.uint8 else cv2.LUT(channel, self._tables[index])


def input_shape(spec: InputSpec, sides: tuple[int, int]) -> tuple[int, ...]:
    """Shape of a tensor of these sides (height, width)."""
    if spec.layout == "NHWC":
        return (1, *sides, spec.channels)
    return (spec.channels, *sides) if spec.layout == "CHW" else (1, spec.channels, *sides)


def fill(tensor: Shown, image: Shown, tile: Tile, *, pad: int = -1) -> None:
    """Write the tile of ``image`` into ``tensor`` (tile height, tile width), in the frame's own pixels.

    Where the tile overhangs the image stands ``pad``; -1 repeats the image's edge (never reflects it: a reflected
    dark corner looks like a dent).
    """
    height, width = image.shape[:2]
    top, left = max(tile.y, 0), max(tile.x, 0)
    bottom, right = min(tile.y + tile.height, height), min(tile.x + tile.width, width)
    rows = slice(top - tile.y, bottom - tile.y)
    columns = slice(left - tile.x, right - tile.x)
    tensor[rows, columns] = image[top:bottom, left:right]
    if pad >= 0:
        tensor[rows, : columns.start] = tensor[rows, columns.stop :] = pad
        tensor[: rows.start] = tensor[rows.stop :] = pad
        return
    tensor[rows, : columns.start] = image[top:bottom, left : left + 1]
    tensor[rows, columns.stop :] = image[top:bottom, right - 1 : right]
    tensor[: rows.start] = tensor[rows.start]
    tensor[rows.stop :] = tensor[rows.stop - 1]


def _cut(image: Image, tile: Tile, pad: int) -> Image:
    """The tile in the frame's own pixels; a view where it lies inside."""
    height, width = image.shape[:2]
    if tile.x >= 0 and tile.y >= 0 and tile.x + tile.width <= width and tile.y + tile.height <= height:
        return image[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
    canvas = np.empty((tile.height, tile.width, *image.shape[2:]), np.uint8)
    fill(canvas, image, tile, pad=pad)
    return canvas


def _scaled(image: Image, tile: Tile, frame: FrameSpec) -> Shown:
    """The whole image, scaled as the tile says, on a canvas of the tile's size."""
    height, width = image.shape[:2]
    wide, high = round(width * tile.scale_x), round(height * tile.scale_y)
    small: Shown = image
    if (wide, high) != (width, height):
        small = resize(image, wide, high, frame.interpolation)
    if (wide, high) == (tile.width, tile.height):
        return small
    canvas: Shown = np.empty((tile.height, tile.width, *image.shape[2:]), small.dtype)
    place = Tile(x=-tile.pad_x, y=-tile.pad_y, width=tile.width, height=tile.height, keep=tile.keep)
    fill(canvas, small, place, pad=frame.pad)
    return canvas


def resize(image: Image, width: int, height: int, interpolation: str) -> Shown:
    """Scale as the model's training did: OpenCV's "linear" or "area", or "antialias" as torch does.

    "antialias" gives torch's own bits for 8-bit pictures (whole grey levels after each direction, weights of 16 bits);
    Pillow differs from it by one level in some pixels of a thousand. "antialias_float" does not round, as torch with
    pictures that are numbers from 0 to 1 already.
    """
    if interpolation not in _TRIANGLES:
        return cast("Image", cv2.resize(image, (width, height), interpolation=_INTERPOLATION[interpolation]))
    if interpolation == "antialias":
        return _shrunk(_shrunk(image, 1, width), 0, height)
    across, down = _triangle(image.shape[1], width), _triangle(image.shape[0], height)
    exact = [down @ (plane.astype(np.float32) @ across.T) for plane in cv2.split(image)]
    return cast("Shown", np.squeeze(cv2.merge(exact)))


def _shrunk(image: Image, axis: int, target: int) -> Image:
    """One direction of "antialias": sums of whole numbers, rounded once."""
    if image.shape[axis] == target:
        return image
    places, shares, bits = _taps(image.shape[axis], target)
    form = [1] * image.ndim
    form[axis] = target
    total: NDArray[np.int32] = np.array(1 << (bits - 1), np.int32)
    for place, share in zip(places, shares, strict=True):
        total = total + np.take(image, place, axis=axis) * share.reshape(form)
    shrunk: NDArray[np.uint8] = np.minimum(total >> bits, 255).astype(np.uint8)
    return shrunk


@lru_cache(maxsize=8)
def _taps(length: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.int32], int]:
    """Source pixels (taps, target), their weights as whole numbers, and the bits that these are shifted by."""
    weights = _weights(length, target)
    first = (weights > 0).argmax(axis=1)
    places = np.minimum(first + np.arange((weights > 0).sum(axis=1).max())[:, None], length - 1)
    bits = next(bits for bits in range(23) if bits == _MOST_BITS or 0.5 + weights.max() * 2 ** (bits + 1) >= _INT16)
    shares = np.floor(np.take_along_axis(weights.T, places, axis=0) * 2**bits + 0.5).astype(np.int32)
    shares[first + np.arange(len(places))[:, None] >= length] = 0
    return places, shares, bits


@lru_cache(maxsize=8)
def _triangle(length: int, target: int) -> NDArray[np.float32]:
    return _weights(length, target).astype(np.float32)


def _weights(length: int, target: int) -> NDArray[np.float64]:
    """Of every source pixel for every target pixel: a triangle as wide as the reduction."""
    ratio = length / target
    support = max(ratio, 1.0)
    centres = (np.arange(target) + 0.5) * ratio - 0.5
    weights = np.maximum(1.0 - np.abs(np.arange(length)[None, :] - centres[:, None]) / support, 0.0)
    return cast("NDArray[np.float64]", weights / weights.sum(axis=1, keepdims=True))


def _channels(image: Shown, spec: InputSpec) -> list[Shown]:
    """One plane for each channel, in the card's order."""
    if image.ndim == 2:  # noqa: PLR2004 - grey
        return [image] * spec.channels
    order = (2, 1, 0) if spec.colour == "rgb" else (0, 1, 2)
    return [cast("Image", cv2.extractChannel(image, channel)) for channel in order]
