"""Finds what hangs together in a map of cells, in time bounded by the map's size, however torn the scene is."""

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import FrameError

MOST = 5000
"""The highest limit that a card may set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Components of a map, their cells laid one after the other.

    ``windows``: x, y, width, height in cells of what was joined, (n, 4). ``rows, columns``: of every cell that fired,
    grouped by component; ``starts``: where each group begins.
    """

    windows: NDArray[np.int32]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    starts: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Cells of each component."""
        return np.diff(np.append(self.starts, len(self.rows)))

    def boxes(self) -> NDArray[np.intp]:
        """Left, top, right and bottom (exclusive) of each component's own cells, (n, 4)."""
        edges = [
            np.minimum.reduceat(self.columns, self.starts),
            np.minimum.reduceat(self.rows, self.starts),
            np.maximum.reduceat(self.columns, self.starts) + 1,
            np.maximum.reduceat(self.rows, self.starts) + 1,
        ]
        return np.stack(edges, axis=1)

    def sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum of each component's cells; ``values``: (..., cells) in the order of ``rows``."""
        added: NDArray[np.float64] = np.add.reduceat(values.astype(np.float64), self.starts, axis=-1)
        return added

    def highest(self, values: NDArray[Any]) -> NDArray[Any]:
        """The highest of each component's cells; ``values``: (..., cells) in the order of ``rows``."""
        best: NDArray[Any] = np.maximum.reduceat(values, self.starts, axis=-1)
        return best

    def cells(self, index: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of one component."""
        end = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.rows)
        own = slice(int(self.starts[index]), int(end))
        return self.rows[own], self.columns[own]


def find(fired: NDArray[np.bool_], *, join_cells: int, most: int) -> Components | None:
    """Components of the cells that fired, or None where none did.

    Args:
        fired: (rows, columns).
        join_cells: gaps up to twice this many cells do not split a component.
        most: more components than this are an unusable scene.

    Raises:
        FrameError: too many.
    """
    if not fired.any():
        return None
    own = fired.view(np.uint8)
    joined = own
    if join_cells:
        side = 2 * join_cells + 1
        joined = cast("NDArray[np.uint8]", cv2.dilate(own, np.ones((side, side), np.uint8)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    if count - 1 > most:
        raise FrameError(
            f"too many candidates: {count - 1} components, more than {most}; the scene is torn, noisy or covered"
        )
    rows, columns = np.nonzero(fired)
    numbers = labels[rows, columns].astype(np.uint16)  # few enough for 16 bits, and those are sorted by their digits
    order = np.argsort(numbers, kind="stable")
    starts = np.searchsorted(numbers[order], np.arange(1, count, dtype=np.uint16))
    windows = np.asarray(stats[1:, :4], np.int32)
    return Components(windows=windows, rows=rows[order], columns=columns[order], starts=starts)
