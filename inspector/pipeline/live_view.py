"""Shows people the newest frame while they look: made small, with a piece at full size, focus and histogram.

    record thread: offer ─▶ one copy, four times a second at most, after gate, evidence and collector
    own thread:    figures, JPEG ─▶ stage
Nothing of it is on a verdict's way. While nobody looks it costs one look at a lease, four times a second.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import cv2
import numpy as np

from inspector.domain.frame import Frame, PixelFormat, Pixels
from inspector.pipeline import optics, preprocess
from inspector.pipeline.fixture import light_of
from inspector.pipeline.sight import Glance, Limits, glance
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.ticket import Judged
from inspector.ports.live_picture import LiveFrame, LiveStage, Wish
from inspector.ports.sight import Learned

EVERY_S = 0.25
WIDEST_PX = 1280
CROP_PX = (640, 360)
BINS = 64
_QUALITY, _CROP_QUALITY, _FAST = 80, 95, 1
_STEP_PX = 4
_THIRDS = 3


class LiveView:
    """``offer`` is the record thread's, ``run`` owns the live thread.

    ``reference``: what the camera showed of a recipe at its set-up, and how far off it may be; None: nothing is known.
    """

    def __init__(
        self,
        *,
        stage: LiveStage,
        reference: Callable[[str], tuple[Learned, Limits] | None],
        stop: threading.Event,
        pulse: Pulse,
    ) -> None:
        self._stage = stage
        self._reference = reference
        self._stop = stop
        self._pulse = pulse
        self._changed = threading.Condition()
        self._wish: Wish | None = None
        self._waiting: tuple[Frame, str] | None = None
        self._buffer: Pixels | None = None
        self._due = 0.0
        self._number = 0
        self._whole = 0

    # ---- the record thread

    def offer(self, judged: Judged) -> None:
        """Take a copy of the part's frame, if somebody looks and the last one has been shown; it never waits."""
        if self._wish is None or judged.frame is None or time.monotonic() < self._due:
            return
        with self._changed:
            if self._waiting is not None:
                return
            pixels = judged.frame.pixels
            if self._buffer is None or self._buffer.shape != pixels.shape or self._buffer.dtype != pixels.dtype:
                self._buffer = pixels.copy()
            else:
                self._buffer[...] = pixels
            capture = replace(judged.frame.capture, pixels=self._buffer)
            self._waiting = (replace(judged.frame, capture=capture), judged.ticket.recipe.stamp.name)
            self._due = time.monotonic() + EVERY_S
            self._changed.notify_all()

    # ---- the live thread

    def run(self) -> None:
        """Look for who looks, and show what waits, until stopped."""
        self._stage.clear()
        while not self._stop.is_set():
            self._pulse.beat()
            self._heed(self._stage.wished())
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None, EVERY_S)
                waiting, wish = self._waiting, self._wish
            if waiting is None:
                continue
            if wish is not None:
                self._stage.show(self._shown(*waiting, wish))
            with self._changed:
                self._waiting = None
        self._stage.clear()

    def _heed(self, wish: Wish | None) -> None:
        """Begin to show, or end."""
        if wish is None and self._wish is not None:
            self._stage.clear()
            with self._changed:
                self._waiting = self._buffer = None
        self._wish = wish

    def _shown(self, frame: Frame, recipe: str, wish: Wish) -> LiveFrame:
        pixels, pixel_format = frame.pixels, frame.capture.pixel_format
        self._number += 1
        box = None if wish.crop is None else crop_box(wish.crop, pixels)
        piece = None if box is None else pixels[box[1] : box[1] + box[3], box[0] : box[0] + box[2]]
        new_whole = bool(wish.whole) and wish.whole != self._whole
        self._whole = wish.whole or self._whole
        figures = {
            "number": self._number,
            "part_seq": frame.part.part_seq,
            "part_id": frame.part.serial,
            "taken_utc": frame.capture.taken_utc.isoformat().replace("+00:00", "Z"),
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "pixel_format": pixel_format.value,
            "exposure_us": frame.capture.camera.exposure_us,
            "gain_db": frame.capture.camera.gain_db,
            "recipe": recipe,
            "crop": box,
            "crop_focus": None if piece is None else round(optics.sharpness(piece, pixel_format), 3),
            "whole": self._whole,
            **figures_of(pixels, pixel_format),
            "reference": self._against(recipe),
        }
        return LiveFrame(
            small=_jpeg(_small(_visible(pixels, pixel_format)), _QUALITY),
            crop=None if piece is None else _jpeg(_visible(piece, pixel_format), _CROP_QUALITY),
            whole=_png(light_of(pixels, pixel_format)) if new_whole else None,
            figures=figures,
        )

    def _against(self, recipe: str) -> Mapping[str, Any] | None:
        known = self._reference(recipe)
        if known is None:
            return None
        (learned, limits), reference = known, known[0].reference
        return {
            "learned_utc": learned.learned_utc.isoformat().replace("+00:00", "Z"),
            "light": [round(value, 1) for value in reference.light],
            "sharpness": [round(value, 5) for value in reference.sharpness],
            "burnt": round(reference.burnt, 4),
            "dark": round(reference.dark, 4),
            "limits": {name: list(getattr(limits, name)) for name in ("light", "sharpness", "burnt", "dark")},
        }


def figures_of(pixels: Pixels, pixel_format: PixelFormat) -> dict[str, Any]:
    """Focus, light and histogram of an 8-bit frame (height, width[, 3]).

    ``focus``: of its middle, in thousandths; ``histogram``: share of the frame in each 64th of the grey levels;
    ``thirds``: mean grey level of each ninth of the frame, row by row.
    """
    seen = glance(pixels, pixel_format)
    plane = light_of(pixels[::_STEP_PX, ::_STEP_PX], PixelFormat.BGR8 if pixels.ndim > 2 else PixelFormat.MONO8)  # noqa: PLR2004 - rows, columns, channels
    counts = cv2.calcHist([plane], [0], None, [BINS], [0, 256]).ravel() / plane.size
    return {
        "focus": round(optics.sharpness(pixels, pixel_format), 3),
        "sharpness": round(seen.sharpness, 5),
        "light": round(seen.light, 1),
        "burnt": round(seen.burnt, 4),
        "dark": round(seen.dark, 4),
        "histogram": [round(float(share), 5) for share in counts],
        "thirds": _thirds(seen),
    }


def _thirds(seen: Glance) -> list[float]:
    rows = np.array_split(seen.coarse, _THIRDS, axis=0)
    return [round(float(part.mean()), 1) for row in rows for part in np.array_split(row, _THIRDS, axis=1)]


def crop_box(middle: tuple[int, int], pixels: Pixels) -> tuple[int, int, int, int]:
    """The piece of a frame around a place: x, y, width, height; inside, and of a mosaic of one phase."""
    height, width = pixels.shape[:2]
    wide, high = min(CROP_PX[0], width), min(CROP_PX[1], height)
    x = min(max(middle[0] - wide // 2, 0), width - wide) // 2 * 2
    y = min(max(middle[1] - high // 2, 0), height - high) // 2 * 2
    return x, y, wide, high


def _visible(pixels: Pixels, pixel_format: PixelFormat) -> preprocess.Image:
    """As a person sees it: a mosaic as grey."""
    if pixel_format is PixelFormat.BGR8:
        return cast("preprocess.Image", pixels)
    return preprocess.grey(np.ascontiguousarray(pixels, np.uint8), pixel_format)


def _small(image: preprocess.Image) -> preprocess.Image:
    height, width = image.shape[:2]
    if width <= WIDEST_PX:
        return image
    size = (WIDEST_PX, max(height * WIDEST_PX // width, 1))
    return cast("preprocess.Image", cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _jpeg(image: preprocess.Image, quality: int) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _png(image: preprocess.Image) -> bytes:
    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, _FAST])[1].tobytes()
