"""Makes what an engineer drew on the live picture into the text that a recipe has for it. Pure."""

import re
from collections.abc import Sequence
from enum import Enum

from inspector.domain.errors import ConfigError

KIND = "drawing"
MOST_CORNERS = 100
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_CORNERS = 3


class Shape(Enum):
    """What it is in a recipe."""

    ROI = "roi"
    ZONE = "zone"
    MASK = "mask"


def corners_of(text: str) -> tuple[tuple[int, int], ...]:
    """Corners from "10,20 300,20 300,400".

    Raises:
        ConfigError: it is no list of corners.
    """
    try:
        corners = tuple((int(x), int(y)) for x, y in (word.split(",") for word in text.split()))
    except ValueError as error:
        raise ConfigError(f'corners {text[:60]!r}: "10,20 300,20 300,400" is right, in frame pixels') from error
    if not _CORNERS <= len(corners) <= MOST_CORNERS:
        raise ConfigError(f"{len(corners)} corners: {_CORNERS} to {MOST_CORNERS} are right")
    return corners


def recipe_text(shape: Shape, name: str, corners: Sequence[tuple[int, int]], frame_px: tuple[int, int]) -> str:
    """The table as a recipe has it; a region of interest is the rectangle around what was drawn.

    Raises:
        ConfigError: it does not lie on the frame, encloses nothing, or its name is none.
    """
    width, height = frame_px
    outside = [corner for corner in corners if not (0 <= corner[0] <= width and 0 <= corner[1] <= height)]
    if outside:
        raise ConfigError(f"corner {outside[0][0]}, {outside[0][1]} is not on the frame of {width} x {height} px")
    left, top = (min(corner[axis] for corner in corners) for axis in (0, 1))
    right, bottom = (max(corner[axis] for corner in corners) for axis in (0, 1))
    if right == left or bottom == top or not _area(corners):
        raise ConfigError("the corners lie on one line: an area is right")
    if shape is Shape.ROI:
        return f"[roi]\nrect_px = [{left}, {top}, {right - left}, {bottom - top}]\n"
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name {name!r}: letters, digits, - and _ are right")
    outline = ", ".join(f"[{x}, {y}]" for x, y in corners)
    return f'[[{shape.value}s]]\nname = "{name}"\npolygon_px = [{outline}]\n'


def _area(corners: Sequence[tuple[int, int]]) -> float:
    """Twice the area that the corners enclose."""
    turned = [*corners[1:], corners[0]]
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(corners, turned, strict=True)))
