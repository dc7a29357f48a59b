"""Draws a verdict on a picture: boxes, labels and a banner a person can read from two metres."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box
from inspector.domain.verdict import Defect, Outcome, Verdict

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _INK = (255, 255, 255), (27, 24, 22)
_COLOUR = {Outcome.PASS: (140, 90, 0), Outcome.FAIL: (30, 38, 179), Outcome.UNDECIDED: (0, 150, 230)}
_GLYPH = {Outcome.PASS: "OK", Outcome.FAIL: "NG", Outcome.UNDECIDED: "?"}
_MAX_VALUE_8 = 255


def annotate(pixels: Pixels, verdict: Verdict, *, note: str = "") -> NDArray[np.uint8]:
    """A colour copy (height + banner, width, 3) with every defect boxed and the verdict above the picture.

    ``pixels``: (height, width) or (height, width, 3); 16-bit light is stretched to what is in the picture.
    ``note``: small print under the verdict.
    """
    canvas = _colour(pixels)
    height, width = canvas.shape[:2]
    unit = max(min(height, width) / 1000.0, 0.35)
    taken = [_draw_frame(canvas, defect, unit) for defect in verdict.defects]
    for defect, frame in zip(verdict.defects, tuple(taken), strict=True):
        _draw_label(canvas, _label(defect), frame, _shade(defect), unit, taken)
    return cast("NDArray[np.uint8]", np.vstack((_banner(width, verdict, note, unit), canvas)))


def _colour(pixels: Pixels) -> NDArray[np.uint8]:
    image = pixels
    if image.dtype != np.uint8:
        image = cast(
            "NDArray[np.uint8]", cv2.normalize(image, np.empty(0), 0, _MAX_VALUE_8, cv2.NORM_MINMAX, cv2.CV_8U)
        )
    if image.ndim == 2:  # noqa: PLR2004 - grey
        return cast("NDArray[np.uint8]", cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return cast("NDArray[np.uint8]", image.copy())


def _shade(defect: Defect) -> tuple[int, int, int]:
    return _COLOUR[Outcome.FAIL] if defect.sure else _COLOUR[Outcome.UNDECIDED]


def _draw_frame(canvas: NDArray[np.uint8], defect: Defect, unit: float) -> Box:
    """Box the defect; give the rectangle that was drawn."""
    box = defect.detection.box
    margin, line = round(6 * unit), max(round(2.5 * unit), 1)
    left, top = max(round(box.x) - margin, 0), max(round(box.y) - margin, 0)
    right, bottom = round(box.right) + margin, round(box.bottom) + margin
    cv2.rectangle(canvas, (left, top), (right, bottom), _WHITE, line + max(round(2 * unit), 1))
    cv2.rectangle(canvas, (left, top), (right, bottom), _shade(defect), line)
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def _label(defect: Defect) -> str:
    text = f"{defect.detection.label} {defect.detection.score:.2f}"
    if defect.length_mm is not None and defect.width_mm is not None:
        text += f"  {defect.length_mm:.1f} x {defect.width_mm:.2f} mm"
    return text if defect.sure else f"{text} doubtful"


def _draw_label(
    canvas: NDArray[np.uint8], text: str, frame: Box, colour: tuple[int, int, int], unit: float, taken: list[Box]
) -> None:
    """Write ``text`` beside its frame, where no other label or frame stands."""
    scale, thickness, pad = 0.75 * unit, max(round(1.5 * unit), 1), round(6 * unit)
    (width, height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    size = (width + 2 * pad, height + below + 2 * pad)
    place = _free_place(frame, size, canvas.shape[1], canvas.shape[0], taken)
    taken.append(place)
    x, y = round(place.x), round(place.y)
    cv2.rectangle(canvas, (x, y), (x + size[0], y + size[1]), colour, cv2.FILLED)
    cv2.putText(canvas, text, (x + pad, y + pad + height), _FONT, scale, _WHITE, thickness, cv2.LINE_AA)


def _free_place(frame: Box, size: tuple[int, int], width: int, height: int, taken: list[Box]) -> Box:
    """Above, below, right or left of the frame: the first place inside the picture that is free, else above."""
    wide, high = size
    left = min(frame.x, max(width - wide, 0))
    wishes = [
        (left, frame.y - high),
        (left, frame.bottom),
        (frame.right, frame.y),
        (frame.x - wide, frame.y),
        (left, frame.y - 2 * high),
        (left, frame.bottom + high),
    ]
    places = [
        Box(x=min(max(x, 0), max(width - wide, 0)), y=min(max(y, 0), max(height - high, 0)), width=wide, height=high)
        for x, y in wishes
    ]
    return next((place for place in places if not any(place.overlaps(other) for other in taken)), places[0])


def _banner(width: int, verdict: Verdict, note: str, unit: float) -> NDArray[np.uint8]:
    """The verdict in large letters, the note in small ones."""
    upper, lower = round(84 * unit), round(40 * unit) if note else 0
    banner = np.full((upper + lower, width, 3), _COLOUR[verdict.outcome], np.uint8)
    badge, pad = round(150 * unit), round(24 * unit)
    cv2.rectangle(banner, (0, 0), (badge, upper + lower), _WHITE, cv2.FILLED)
    glyph, bold = _GLYPH[verdict.outcome], max(round(5 * unit), 1)
    (glyph_width, glyph_height), _ = cv2.getTextSize(glyph, _FONT, 2.0 * unit, bold)
    place = ((badge - glyph_width) // 2, (upper + lower + glyph_height) // 2)
    cv2.putText(banner, glyph, place, _FONT, 2.0 * unit, _INK, bold, cv2.LINE_AA)
    room = Box(x=badge + pad, y=0, width=max(width - badge - round(40 * unit), 0), height=upper)
    _write_into(banner, f"{verdict.outcome.name}   {verdict.reason}", room, 1.3 * unit, max(round(2.6 * unit), 1))
    if note:
        below = Box(x=room.x, y=upper, width=room.width, height=max(lower - round(10 * unit), 0))
        _write_into(banner, note, below, 0.75 * unit, max(round(1.5 * unit), 1))
    return banner


def _write_into(banner: NDArray[np.uint8], text: str, room: Box, scale: float, thickness: int) -> None:
    """One white line, in the middle of the room's height, made smaller where it would not fit."""
    (width, height), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    if width > room.width > 0:
        scale *= room.width / width
    place = (round(room.x), round(room.y + (room.height + height) / 2))
    cv2.putText(banner, text, place, _FONT, scale, _WHITE, thickness, cv2.LINE_AA)
