"""Components of a map: all cells, once each, grouped as a plain search groups them; too many are refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspector.adapters.decode_map import components
from inspector.adapters.decode_map.anomaly import PLUGIN as ANOMALY
from inspector.adapters.decode_map.segmentation import MEASURED_PX
from inspector.adapters.decode_map.segmentation import PLUGIN as SEGMENTATION
from inspector.domain.detection import Detection
from inspector.domain.errors import FrameError
from inspector.domain.geometry import Box
from inspector.ports.model import OutputSpec, Tile, TileOutput
from inspector.ports.plugin import Context
from tests.fakes import card

CONTEXT = Context(station="s", data_dir="", run_dir="")
STRIDE = 8
MAPS = arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24)))


def flooded(fired: np.ndarray, reach: int) -> set[frozenset[tuple[int, int]]]:
    """Groups of cells, of which each has another within ``reach`` in both directions."""
    left, groups = set(map(tuple, np.argwhere(fired).tolist())), set()
    while left:
        group, edge = set(), [left.pop()]
        while edge:
            row, column = edge.pop()
            group.add((row, column))
            near = {cell for cell in left if abs(cell[0] - row) <= reach and abs(cell[1] - column) <= reach}
            left -= near
            edge += near
        groups.add(frozenset(group))
    return groups


@given(MAPS, st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_cells_are_grouped_as_a_plain_search_groups_them(fired: np.ndarray, join_cells: int) -> None:
    found = components.find(fired, join_cells=join_cells, most=5000)
    wanted = flooded(fired, 2 * join_cells + 1)
    if found is None:
        assert wanted == set()
        return
    groups = [frozenset(zip(*(part.tolist() for part in found.cells(i)), strict=True)) for i in range(len(found))]
    assert set(groups) == wanted
    assert len(groups) == len(wanted)
    assert found.sizes.tolist() == [len(group) for group in groups]
    for group, box, window in zip(groups, found.boxes().tolist(), found.windows.tolist(), strict=True):
        rows, columns = zip(*group, strict=True)
        assert box == [min(columns), min(rows), max(columns) + 1, max(rows) + 1]
        assert window[0] <= box[0]
        assert window[1] <= box[1]
        assert box[2] <= window[0] + window[2]
        assert box[3] <= window[1] + window[3]


@given(MAPS, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_sums_and_highest_values_are_those_of_each_components_cells(fired: np.ndarray, seed: int) -> None:
    found = components.find(fired, join_cells=1, most=5000)
    if found is None:
        return
    values = np.random.default_rng(seed).random((2, *fired.shape), np.float32)
    sums, highest = (
        found.sums(values[:, found.rows, found.columns]),
        found.highest(values[0][found.rows, found.columns]),
    )
    for index in range(len(found)):
        rows, columns = found.cells(index)
        assert sums[:, index] == pytest.approx(values[:, rows, columns].sum(axis=1, dtype=np.float64))
        assert highest[index] == values[0, rows, columns].max()


@pytest.mark.parametrize("count", [0, 1, 10, 400, 401, 1000, 5000, 12_000])
@pytest.mark.parametrize("kind", ["segmentation", "anomaly_map"])
def test_as_many_components_as_the_card_allows_are_decoded_and_one_more_is_refused(kind: str, count: int) -> None:
    cells = np.zeros((375, 512), np.bool_)
    rows, columns = np.divmod(np.arange(count), 128)
    cells[rows * 4, columns * 4] = True
    if count <= 400:
        assert len(decoded(kind, cells)) == count
        return
    with pytest.raises(FrameError, match=f"too many candidates: {count} components, more than 400"):
        decoded(kind, cells)


def decoded(kind: str, fired: np.ndarray, *, fill: Any = 0, **settings: Any) -> tuple[Detection, ...]:
    """What a decoder makes of a map whose cells are ``fill`` or certain."""
    height, width = fired.shape[0] * STRIDE, fired.shape[1] * STRIDE
    tile = Tile(x=0, y=0, width=width, height=height, keep=Box(x=0, y=0, width=width, height=height))
    frame = np.full((height, width), 128, np.uint8)
    if kind == "segmentation":
        bound = card(output=OutputSpec(name="o", dtype="float32", stride=STRIDE))
        values = np.where(fired, np.float32(5), np.float32(fill or -5))
        plugin = SEGMENTATION
    else:
        bound = card(task="anomaly", labels=("anomaly",), output=OutputSpec(name="o", dtype="float32", stride=STRIDE))
        values = np.where(fired, np.float32(0.9), np.float32(fill))
        plugin = ANOMALY
    with plugin.open(plugin.settings_model(**settings), CONTEXT, bound) as decoder:
        found: tuple[Detection, ...] = decoder.decode([TileOutput(tile=tile, arrays=(values[None, None],))], frame)
        return found


@pytest.mark.parametrize("nothing", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["segmentation", "anomaly_map"])
def test_a_map_of_no_numbers_is_refused_never_read_as_empty(kind: str, nothing: float) -> None:
    cells = np.zeros((40, 40), np.bool_)
    with pytest.raises(FrameError, match="NaN or infinite"):
        decoded(kind, cells, fill=nothing)


@pytest.mark.parametrize("kind", ["segmentation", "anomaly_map"])
def test_a_scene_that_is_covered_is_one_component_of_the_whole_frame(kind: str) -> None:
    (found,) = decoded(kind, np.ones((375, 512), np.bool_))
    assert (found.box.width, found.box.height) == (4096, 3000)
    assert found.length_px >= 4096


@pytest.mark.parametrize("kind", ["segmentation", "anomaly_map"])
def test_stripes_aslant_across_the_whole_frame_are_each_found_and_never_called_short(kind: str) -> None:
    """Every one of their boxes is as large as the frame: what is measured on pixels must be bounded."""
    rows, columns = np.mgrid[:375, :512]
    found = decoded(kind, (rows + columns) % 40 < 2)
    assert len(found) == 23
    boxes = [one.box.width * one.box.height for one in found]
    assert sum(boxes) > 5 * MEASURED_PX
    assert all(one.length_px >= max(one.box.width, one.box.height) for one in found)


def test_grouping_knows_no_more_components_than_its_numbers_can_count() -> None:
    assert np.iinfo(np.uint16).max > components.MOST
