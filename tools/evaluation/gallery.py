"""Draw a picture with its truth beside what the model saw."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.data.masks import truth_mask
from tools.data.record import is_shippable
from tools.evaluation.figures import Table
from tools.evaluation.looking import Look
from tools.evaluation.table import Row

_LONGEST_PX = 380
_SMALLEST_CUT_PX = 256
_TRUTH, _SEEN = (90, 200, 60), (40, 60, 235)
Image = NDArray[np.uint8]


def data_url(jpeg: bytes) -> str:
    """A JPEG as it stands inside a page."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def drawn(look: Look, labels: Sequence[str], *, aim: tuple[int, int] | None) -> bytes:
    """A JPEG: the picture with the truth's outline, then the map over it and the detections.

    ``aim``: row and column (px) to cut around; None shows the whole picture.
    """
    pixels = cast("Image", cv2.imdecode(np.fromfile(look.record.image, np.uint8), cv2.IMREAD_COLOR))
    mask = (truth_mask(look.record, labels) > 0).astype(np.uint8)
    heat = _heat(look)
    top, left, side = _window(pixels.shape[:2], aim)
    cut = (slice(top, top + side[0]), slice(left, left + side[1]))
    scale = _LONGEST_PX / max(side)
    size = (max(round(side[1] * scale), 1), max(round(side[0] * scale), 1))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    truth = cast("Image", cv2.resize(pixels[cut], size, interpolation=way))
    seen = truth.copy()
    outline, _ = cv2.findContours(
        cv2.resize(mask[cut], size, interpolation=cv2.INTER_NEAREST), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    cv2.drawContours(truth, outline, -1, _TRUTH, 1)
    glow = cv2.resize(heat[cut], size, interpolation=cv2.INTER_NEAREST)[:, :, None]
    seen = (seen * (1 - 0.55 * glow) + np.array(_SEEN) * 0.55 * glow).astype(np.uint8)
    for detection in look.detections:
        box = detection.box
        first = (round((box.x - left) * scale), round((box.y - top) * scale))
        last = (round((box.right - left) * scale), round((box.bottom - top) * scale))
        if last[0] < 0 or last[1] < 0 or first[0] >= size[0] or first[1] >= size[1]:
            continue
        cv2.rectangle(seen, first, last, _SEEN, 1)
        text = f"{detection.label} {detection.score:.2f}"
        place = (max(first[0], 2), max(first[1] - 4, 11))
        cv2.putText(seen, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(seen, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
    wide = size[0] > 1.3 * size[1]
    gap = np.full((6, size[0], 3) if wide else (size[1], 6, 3), 255, np.uint8)
    both = np.vstack((truth, gap, seen)) if wide else np.hstack((truth, gap, seen))
    _, packed = cv2.imencode(".jpg", both, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return packed.tobytes()


def _heat(look: Look) -> NDArray[np.float32]:
    """The strongest class of each cell on the picture's pixels, from 0.1 on."""
    strongest = look.scores.max(axis=0)
    strongest = np.where(strongest < 0.1, 0.0, strongest).astype(np.float32)  # noqa: PLR2004 - a tenth is no news
    large = np.repeat(np.repeat(strongest, look.stride, axis=0), look.stride, axis=1)
    return cast("NDArray[np.float32]", large[: look.record.height, : look.record.width])


def _window(shape: tuple[int, ...], aim: tuple[int, int] | None) -> tuple[int, int, tuple[int, int]]:
    """Top, left and size of the cut: a large picture is shown around its place of interest."""
    height, width = shape[0], shape[1]
    if aim is None or max(height, width) <= 4 * _SMALLEST_CUT_PX:
        return 0, 0, (height, width)
    side = min(3 * _SMALLEST_CUT_PX, height), min(3 * _SMALLEST_CUT_PX, width)
    top = min(max(aim[0] - side[0] // 2, 0), height - side[0])
    left = min(max(aim[1] - side[1] // 2, 0), width - side[1])
    return top, left, side


def place_of_interest(look: Look, labels: Sequence[str]) -> tuple[int, int]:
    """Where to look: of a bad picture its defect that was seen least, else the strongest cell."""
    mask = truth_mask(look.record, labels)
    if not look.record.good and mask.any():
        count, pieces = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
        strongest = look.scores.max(axis=0)
        weakest, best = 1, np.inf
        for piece in range(1, min(count, 200)):
            rows, columns = np.nonzero(pieces == piece)
            seen = float(strongest[rows // look.stride, columns // look.stride].max())
            if seen < best:
                weakest, best = piece, seen
        rows, columns = np.nonzero(pieces == weakest)
        return int(rows.mean()), int(columns.mean())
    row, column = np.unravel_index(int(look.scores.max(axis=0).argmax()), look.scores.shape[1:])
    return int(row) * look.stride, int(column) * look.stride


def examples(table: Table) -> list[Row]:
    """Three pictures to show: a hit, the worst miss, the worst false alarm; only what may be shown."""
    shown = [row for row in table.rows if is_shippable(row.record.licence)]
    bad = sorted((row for row in shown if not row.record.good), key=lambda row: row.score)
    good = sorted((row for row in shown if row.record.good), key=lambda row: -row.score)
    hits = [row for row in bad if row.hit == 1.0]
    return [*hits[-1:], *[row for row in bad if row.hit == 0.0][:1], *good[:1]]


def write_pictures(folder: Path, name: str, looks: Sequence[Look], labels: Sequence[str]) -> None:
    """Write each as ``NAME-N-WHAT.jpg``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, look in enumerate(looks, start=1):
        near = truth_mask(look.record, labels)
        row, column = np.unravel_index(int(look.scores.max(axis=0).argmax()), look.scores.shape[1:])
        place = near[row * look.stride : (row + 1) * look.stride, column * look.stride : (column + 1) * look.stride]
        what = "good" if look.record.good else "hit" if place.any() else "miss"
        strongest = int(row) * look.stride, int(column) * look.stride
        aim = strongest if what == "hit" else place_of_interest(look, labels)
        (folder / f"{name}-{number}-{what}.jpg").write_bytes(drawn(look, labels, aim=aim))
