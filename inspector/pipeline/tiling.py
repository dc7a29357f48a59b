"""Cut a frame into strips that cover every pixel once, each with its halo."""

from collections.abc import Sequence

from inspector.domain.geometry import Box
from inspector.ports.model import ModelCard, Tile

BORDER_PX = 32
"""How far the frame is continued beyond its border by repeating its edge: a net must not see a cliff there."""


def strips(height: int, width: int, card: ModelCard, *, strip_px: int = 0) -> tuple[Tile, ...]:
    """Full-width strips for a frame of ``height`` x ``width`` px.

    ``strip_px``: rows a strip answers for; 0 runs the frame whole. Keeps cover the frame exactly once and begin on
    the output's stride; inner edges carry the card's halo of real pixels, outer edges ``BORDER_PX`` of repeated ones.
    """
    step = _multiple_of(strip_px or height, card.output.stride)
    tiles = []
    for top in range(0, height, step):
        bottom = min(top + step, height)
        above = BORDER_PX if top == 0 else max(card.halo_px, BORDER_PX)
        below = BORDER_PX if bottom == height else max(card.halo_px, BORDER_PX)
        tiles.append(
            Tile(
                x=-BORDER_PX,
                y=top - above,
                width=_multiple_of(width + 2 * BORDER_PX, card.input.multiple),
                height=_multiple_of(bottom - top + above + below, card.input.multiple),
                keep=Box(x=0, y=top, width=width, height=bottom - top),
            )
        )
    return tuple(tiles)


def largest(tiles: Sequence[Tile]) -> tuple[int, int]:
    """Height and width of a buffer that any of these tiles fits in."""
    return max(t.height for t in tiles), max(t.width for t in tiles)


def _multiple_of(length: int, step: int) -> int:
    return -(-length // step) * step
