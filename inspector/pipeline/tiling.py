"""Lay a frame out as the tiles a model is run on; what they answer for covers every pixel once."""

from collections.abc import Sequence
from itertools import pairwise
from math import lcm

from inspector.domain.geometry import Box
from inspector.ports.model import FrameSpec, ModelCard, Tile

BORDER_PX = 32
"""How far the frame is continued beyond its border by repeating its edge: a net must not see a cliff there."""
_NUDGE = 0.1
"""Sends an odd pixel of padding to the right and below, as the training of letterboxed models did."""


def plan(height: int, width: int, card: ModelCard, *, strip_px: int = 0) -> tuple[Tile, ...]:
    """The tiles for a frame of ``height`` x ``width`` px, as the card wants it presented."""
    spec = card.frame
    if spec.fit == "tiles":
        return grid(height, width, spec, stride=lcm(card.output.stride, card.input.multiple))
    if spec.fit == "letterbox":
        return (letterbox(height, width, spec, multiple=card.input.multiple),)
    if spec.fit == "crop":
        return (crop(height, width, spec),)
    if not spec.native:
        return (_stretched(height, width, spec),)
    if card.border == "none":
        sides = _multiple_of(width, card.input.multiple), _multiple_of(height, card.input.multiple)
        return (Tile(x=0, y=0, width=sides[0], height=sides[1], keep=_whole(height, width)),)
    return strips(height, width, card, strip_px=strip_px)


def strips(height: int, width: int, card: ModelCard, *, strip_px: int = 0) -> tuple[Tile, ...]:
    """Full-width strips for a frame of ``height`` x ``width`` px.

    ``strip_px``: rows a strip answers for; 0 runs the frame whole. Keeps cover the frame exactly once; inner edges
    carry the card's halo of real pixels, outer edges ``BORDER_PX`` of repeated ones. All is rounded up to the input's
    multiple: a net's coarse cells must lie where they lie in the whole frame, or the strips see something else.
    """
    multiple = card.input.multiple
    step = _multiple_of(strip_px or height, multiple)
    border, halo = _multiple_of(BORDER_PX, multiple), _multiple_of(max(card.halo_px, BORDER_PX), multiple)
    tiles = []
    for top in range(0, height, step):
        bottom = min(top + step, height)
        above = border if top == 0 else halo
        below = border if bottom == height else halo
        tiles.append(
            Tile(
                x=-border,
                y=top - above,
                width=_multiple_of(width + 2 * border, multiple),
                height=_multiple_of(bottom - top + above + below, multiple),
                keep=Box(x=0, y=top, width=width, height=bottom - top),
            )
        )
    return tuple(tiles)


def grid(height: int, width: int, spec: FrameSpec, *, stride: int) -> tuple[Tile, ...]:
    """Tiles of the card's size in the frame's own pixels, each sharing ``overlap_px`` with its neighbours.

    The last of a row or column is moved back to end with the frame; only a frame smaller than a tile is padded.
    Tiles begin, and the parts they answer for meet, on the output's stride.
    """
    tiles = []
    for top, upper, lower in _spans(height, spec.height, spec.overlap_px, stride):
        for left, first, last in _spans(width, spec.width, spec.overlap_px, stride):
            keep = Box(x=first, y=upper, width=last - first, height=lower - upper)
            tiles.append(Tile(x=left, y=top, width=spec.width, height=spec.height, keep=keep))
    return tuple(tiles)


def letterbox(height: int, width: int, spec: FrameSpec, *, multiple: int) -> Tile:
    """One tile: the frame scaled to fit, its aspect kept, the rest padded around it or right and below."""
    ratio = min(spec.height / height, spec.width / width)
    picture = max(round(width * ratio), 1), max(round(height * ratio), 1)
    sides = (spec.width, spec.height)
    if spec.rect:
        sides = (_multiple_of(picture[0], multiple), _multiple_of(picture[1], multiple))
    pads = (0, 0)
    if spec.anchor == "centre":
        pads = (round((sides[0] - picture[0]) / 2 - _NUDGE), round((sides[1] - picture[1]) / 2 - _NUDGE))
    return Tile(
        x=0,
        y=0,
        width=sides[0],
        height=sides[1],
        keep=_whole(height, width),
        scale_x=picture[0] / width,
        scale_y=picture[1] / height,
        pad_x=pads[0],
        pad_y=pads[1],
    )


def crop(height: int, width: int, spec: FrameSpec) -> Tile:
    """One tile: the middle of the frame whose shorter side was scaled to ``resize_px``."""
    short = min(height, width)
    target = spec.resize_px or min(spec.width, spec.height)
    scaled = int(target * width / short), int(target * height / short)
    left, top = round((scaled[0] - spec.width) / 2), round((scaled[1] - spec.height) / 2)
    return Tile(
        x=0,
        y=0,
        width=spec.width,
        height=spec.height,
        keep=_whole(height, width),
        scale_x=scaled[0] / width,
        scale_y=scaled[1] / height,
        pad_x=-left,
        pad_y=-top,
    )


def largest(tiles: Sequence[Tile]) -> tuple[int, int]:
    """Height and width of a buffer that any of these tiles fits in."""
    return max(t.height for t in tiles), max(t.width for t in tiles)


def _stretched(height: int, width: int, spec: FrameSpec) -> Tile:
    return Tile(
        x=0,
        y=0,
        width=spec.width,
        height=spec.height,
        keep=_whole(height, width),
        scale_x=spec.width / width,
        scale_y=spec.height / height,
    )


def _spans(length: int, tile: int, overlap: int, stride: int) -> list[tuple[int, int, int]]:
    """Along one axis: where each tile begins, and from where to where it answers."""
    step = max((tile - overlap) // stride, 1) * stride
    last = _multiple_of(max(length - tile, 0), stride)
    starts = [*range(0, last, step), last]
    meets = [_multiple_of((before + after + tile) // 2, stride) for before, after in pairwise(starts)]
    bounds = [0, *meets, length]
    return [(start, bounds[i], bounds[i + 1]) for i, start in enumerate(starts)]


def _whole(height: int, width: int) -> Box:
    return Box(x=0, y=0, width=width, height=height)


def _multiple_of(length: int, step: int) -> int:
    return -(-length // step) * step
