"""Measures pixels per millimetre on a picture of a board of known size: a checkerboard or a ChArUco board.

The corners are found to parts of a pixel; the plane map from millimetres to pixels that fits them best tells the scale
in the middle, how much it differs along and across, and how far the corners lie from where it says (the residual).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import ConfigError, FrameError

_LEAST_CORNERS = 12
_DIFFERS = 0.01
_RESIDUAL_PX = 1.0
_TILT = 0.01
_FEWEST = 3
_LEAST_REACH, _ROUNDS, _STILL_PX = 3, 60, 1e-3
_RIGHT = "right is checkerboard:11x8:5 (inner corners, mm) or charuco:12x9:5:3.5:DICT_4X4_250 (squares, mm, marker mm)"

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement. ``residual_px``: root mean square of what is left at the corners.

    ``squeeze``: by what share the scale differs between its two directions; ``tilt``: by what share it differs across
    the board: the camera does not look straight at it.
    """

    px_per_mm: float
    residual_px: float
    squeeze: float
    tilt: float
    corners: int


class Board(Protocol):
    """A board of known size."""

    @property
    def description(self) -> str:
        """In words, with its sizes."""
        ...

    def corners(self, image: NDArray[np.uint8]) -> tuple[Points, Points]:
        """Where its corners are on the board, mm, and on the picture (height, width), px; both (n, 2).

        Raises:
            FrameError: it is not seen.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkerboard:
    """``columns`` x ``rows`` inner corners, ``square_mm`` apart."""

    columns: int
    rows: int
    square_mm: float

    @property
    def description(self) -> str:
        """In words."""
        return f"checkerboard of {self.columns} x {self.rows} inner corners, {self.square_mm:g} mm squares"

    def corners(self, image: NDArray[np.uint8]) -> tuple[Points, Points]:
        """See ``Board``; the whole board must be in view."""
        flags = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY
        found, corners = cv2.findChessboardCornersSB(image, (self.columns, self.rows), flags=flags)
        if not found:
            raise FrameError(f"no {self.description} is seen whole; more light, less glare, or other numbers")
        columns, rows = np.meshgrid(np.arange(self.columns), np.arange(self.rows))
        on_board: Points = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64) * self.square_mm
        return on_board, _refined(image, np.asarray(corners, np.float32).reshape(-1, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Charuco:
    """``columns`` x ``rows`` squares, a marker of ``marker_mm`` in each white one; part of it may be out of view."""

    columns: int
    rows: int
    square_mm: float
    marker_mm: float
    dictionary: str = "DICT_4X4_250"

    @property
    def description(self) -> str:
        """In words."""
        return (
            f"ChArUco board of {self.columns} x {self.rows} squares of {self.square_mm:g} mm, markers of "
            f"{self.marker_mm:g} mm, {self.dictionary}"
        )

    def corners(self, image: NDArray[np.uint8]) -> tuple[Points, Points]:
        """See ``Board``."""
        words = cv2.aruco.getPredefinedDictionary(int(getattr(cv2.aruco, self.dictionary)))
        board = cv2.aruco.CharucoBoard((self.columns, self.rows), self.square_mm, self.marker_mm, words)
        found: Any = cv2.aruco.CharucoDetector(board).detectBoard(image)
        corners, ids = found[:2]
        seen = 0 if ids is None else len(ids)
        if seen < _LEAST_CORNERS:
            raise FrameError(f"{seen} corners of a {self.description} are seen, {_LEAST_CORNERS} are needed")
        on_board = np.asarray(board.getChessboardCorners(), np.float64)[np.asarray(ids).ravel(), :2]
        return on_board, _refined(image, np.asarray(corners, np.float32).reshape(-1, 2))


def _refined(image: NDArray[np.uint8], corners: NDArray[np.float32]) -> Points:
    """Each corner where the edges around it meet: now and then the detector misses one by pixels."""
    gaps = np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1)) + np.diag(np.full(len(corners), np.inf))
    reach = max(int(gaps.min(initial=np.inf) / 4), _LEAST_REACH)
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ROUNDS, _STILL_PX)
    refined = cv2.cornerSubPix(image, corners.reshape(-1, 1, 2), (reach, reach), (-1, -1), until)
    return np.asarray(refined, np.float64).reshape(-1, 2)


def board_of(text: str) -> Board:
    """The board that is named so: checkerboard:11x8:5, or charuco:12x9:5:3.5:DICT_4X4_250 (or without its last word).

    Raises:
        ConfigError: it names none; with what would be right.
    """
    kind, *words = text.split(":")
    known = tuple(sorted(name for name in dir(cv2.aruco) if name.startswith("DICT_")))
    try:
        columns, rows = (int(word) for word in words[0].lower().split("x"))
        sizes = [float(word) for word in words[1:3]]
    except (ValueError, IndexError) as error:
        raise ConfigError(f"--board {text!r}: {_RIGHT}") from error
    if min(columns, rows) < _FEWEST or not sizes or min(sizes) <= 0:
        raise ConfigError(f"--board {text!r}: {_FEWEST}x{_FEWEST} or more and sizes above 0; {_RIGHT}")
    if kind == "checkerboard" and len(words) == 2:  # noqa: PLR2004 - sides and size
        return Checkerboard(columns=columns, rows=rows, square_mm=sizes[0])
    if kind != "charuco" or len(sizes) != 2 or len(words) > 4:  # noqa: PLR2004 - a square and a marker, and a dictionary
        raise ConfigError(f"--board {text!r}: {_RIGHT}")
    dictionary = words[3] if len(words) == 4 else "DICT_4X4_250"  # noqa: PLR2004 - the fourth word
    if dictionary not in known:
        raise ConfigError(f"--board {text!r}: dictionary {dictionary!r} is unknown; there are: {', '.join(known)}")
    if sizes[1] >= sizes[0]:
        raise ConfigError(f"--board {text!r}: a marker of {sizes[1]:g} mm does not fit a square of {sizes[0]:g} mm")
    return Charuco(columns=columns, rows=rows, square_mm=sizes[0], marker_mm=sizes[1], dictionary=dictionary)


def measure(image: NDArray[np.uint8], board: Board) -> Measured:
    """Measure one picture (height, width).

    Raises:
        FrameError: the board is not seen, or the camera does not look straight at a flat board.
    """
    on_board, on_picture = board.corners(image)
    middle = on_board.mean(axis=0)
    fitted: Any = cv2.findHomography(on_board - middle, on_picture, 0)[0]
    if fitted is None:
        raise FrameError(f"the corners of the {board.description} do not lie in a plane")
    plain = np.asarray(fitted, np.float64)
    shown = cv2.perspectiveTransform((on_board - middle)[None], plain)[0]
    residual = float(np.sqrt(((shown - on_picture) ** 2).sum(axis=1).mean()))
    along = _local(plain, np.zeros(2))
    sides = np.linalg.svd(along, compute_uv=False)
    scale = float(np.sqrt(sides[0] * sides[1]))
    far = [np.sqrt(abs(np.linalg.det(_local(plain, corner)))) for corner in on_board - middle]
    measured = Measured(
        px_per_mm=scale,
        residual_px=residual,
        squeeze=float(sides[0] / sides[1] - 1),
        tilt=float((max(far) - min(far)) / scale),
        corners=len(on_board),
    )
    return _sound(measured)


def between(first: tuple[float, float], last: tuple[float, float], length_mm: float) -> Measured:
    """Of two points of a picture that lie a known length apart; what is wrong with it cannot be told."""
    px = float(np.hypot(last[0] - first[0], last[1] - first[1]))
    return Measured(px_per_mm=px / length_mm, residual_px=float("nan"), squeeze=0.0, tilt=0.0, corners=2)


def measured_on(text: str, lights: Sequence[NDArray[np.uint8]]) -> Measured:
    """The middle of what pictures (height, width) tell, or a known length between two points of the first.

    ``text``: a board as ``board_of`` reads it, or length:50:X1,Y1,X2,Y2 (mm, and its ends in px).

    Raises:
        ConfigError: the text is none of these; FrameError: the board is not seen.
    """
    kind, _, rest = text.partition(":")
    if kind != "length":
        known = board_of(text)
        return _middle([measure(light, known) for light in lights])
    height, width = lights[0].shape
    try:
        length, ends = rest.split(":")
        length_mm, (x1, y1, x2, y2) = float(length), [float(word) for word in ends.split(",")]
    except ValueError as error:
        raise ConfigError(f"--board {text!r}: length:50:200,1500,3800,1500 is right: mm, and its ends in px") from error
    inside = all(0 <= x <= width and 0 <= y <= height for x, y in ((x1, y1), (x2, y2)))
    if length_mm <= 0 or not inside or (x1, y1) == (x2, y2):
        raise ConfigError(f"--board {text!r}: a length above 0 and two places on a frame of {width} x {height} px")
    return between((x1, y1), (x2, y2), length_mm)


def _middle(measured: Sequence[Measured]) -> Measured:
    """The one whose scale is the middle of all."""
    middle = median(one.px_per_mm for one in measured)
    return min(measured, key=lambda one: abs(one.px_per_mm - middle))


def _local(plain: NDArray[np.float64], at: Points) -> NDArray[np.float64]:
    """How pixels change with millimetres at this place, (2, 2)."""
    x, y, w = plain @ np.array([at[0], at[1], 1.0])
    return np.array(
        [
            [(plain[0, k] * w - x * plain[2, k]) / w**2 for k in (0, 1)],
            [(plain[1, k] * w - y * plain[2, k]) / w**2 for k in (0, 1)],
        ]
    )


def _sound(measured: Measured) -> Measured:
    if measured.residual_px > _RESIDUAL_PX:
        raise FrameError(
            f"the corners lie {measured.residual_px:.2f} px from a plane grid, {_RESIDUAL_PX:g} px are allowed: is the "
            "board flat, in focus, and the lens free of distortion?"
        )
    if measured.squeeze > _DIFFERS:
        raise FrameError(
            f"the scale differs by {measured.squeeze:.1%} between its directions, {_DIFFERS:.0%} are allowed: "
            "does the camera look straight down?"
        )
    if measured.tilt > _TILT:
        raise FrameError(
            f"the scale differs by {measured.tilt:.1%} across the board, {_TILT:.0%} are allowed: "
            "does the camera look straight down?"
        )
    return measured
