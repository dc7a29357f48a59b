"""Reading anomaly maps: taught ratios, scores of other exporters, names, margins, scaled tiles."""

from typing import Any

import numpy as np
import pytest

from inspector.adapters.decode_map.anomaly import PLUGIN, AnomalyMapSettings
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.geometry import Box
from inspector.pipeline import tiling
from inspector.ports.model import OutputSpec, Tile, TileOutput
from inspector.ports.plugin import Context
from tests.fakes import card

CONTEXT = Context(station="s", data_dir="", run_dir="")
SIDE = 320
CELLS = 10


def decode(outputs: list[TileOutput], labels: tuple[str, ...] = ("anomaly",), **settings: Any) -> list[Detection]:
    bound = card(
        task="anomaly",
        decoder="anomaly_map",
        labels=labels,
        candidate_score=0.45,
        output=OutputSpec(name="map", dtype="float32", stride=32),
    )
    with PLUGIN.open(AnomalyMapSettings(**settings), CONTEXT, bound) as decoder:
        return list(decoder.decode(outputs, np.zeros((SIDE, SIDE), np.uint8)))


def whole(values: np.ndarray, *more: np.ndarray) -> list[TileOutput]:
    """One tile with a border of one cell, as the line pads it."""
    tile = Tile(x=-32, y=-32, width=384, height=384, keep=Box(x=0, y=0, width=SIDE, height=SIDE))
    arrays = [np.pad(array, [(0, 0)] * (array.ndim - 2) + [(1, 1), (1, 1)], mode="edge") for array in (values, *more)]
    return [TileOutput(tile=tile, arrays=tuple(array[None] for array in arrays))]


def quiet() -> np.ndarray:
    return np.full((1, CELLS, CELLS), 0.3, np.float32)


def test_the_limit_is_a_score_of_one_half_and_scores_grow_with_the_map() -> None:
    values = quiet()
    values[0, 2, 3], values[0, 7, 7] = 1.0, 3.0
    strong, limit = decode(whole(values), values="ratio")
    assert limit.score == pytest.approx(0.5)
    assert strong.score == pytest.approx(0.75)
    assert strong.box == Box(x=224, y=224, width=32, height=32)
    assert decode(whole(quiet()), values="ratio") == []


def test_scores_of_another_exporter_are_taken_as_they_are() -> None:
    values = quiet()
    values[0, 4, 4:7] = 0.9
    (found,) = decode(whole(values))
    assert found.score == pytest.approx(0.9)
    assert (found.length_px, found.width_px, found.area_px) == (96.0, 32.0, 3 * 32.0 * 32.0)


def test_the_frames_border_is_not_looked_at_where_the_card_says_so() -> None:
    values = quiet()
    values[0, 0, 5] = values[0, 5, 9] = 4.0
    assert len(decode(whole(values), values="ratio")) == 2
    assert decode(whole(values), values="ratio", edge_gain=(0.0,)) == []


def test_rings_at_the_border_are_weighed_as_the_card_says_and_a_frame_that_is_all_border_is_refused() -> None:
    values = np.full((1, CELLS, CELLS), 1.0, np.float32)
    (found,) = decode(whole(values), values="ratio", edge_gain=(0.0, 0.5))
    assert found.box == Box(x=64, y=64, width=192, height=192)
    with pytest.raises(FrameError, match="all border"):
        decode(whole(values), values="ratio", edge_gain=(0.0,) * 5)


def test_a_name_is_given_where_the_evidence_is_and_anomaly_where_it_is_not() -> None:
    values, names = quiet(), np.zeros((2, CELLS, CELLS), np.float32)
    values[0, 2, 2:4] = values[0, 7, 7] = 2.0
    names[1, 2, 2:4] = 0.8
    names[0, 7, 7] = 0.3
    found = decode(whole(values, names), labels=("anomaly", "dent", "scratch"), values="ratio")
    assert {(one.label, one.box.y) for one in found} == {("scratch", 64), ("anomaly", 224)}


@pytest.mark.parametrize("strip_px", [64, 96, 160])
def test_strips_are_pasted_to_the_map_of_the_whole_frame(strip_px: int) -> None:
    values = quiet()
    values[0, 1:9, 4] = 2.0
    bound = card(output=OutputSpec(name="map", dtype="float32", stride=32), halo_px=64)
    outputs = []
    for tile in tiling.strips(SIDE, SIDE, bound, strip_px=strip_px):
        rows = np.clip(np.arange(tile.y // 32, (tile.y + tile.height) // 32), 0, CELLS - 1)
        columns = np.clip(np.arange(tile.x // 32, (tile.x + tile.width) // 32), 0, CELLS - 1)
        outputs.append(TileOutput(tile=tile, arrays=(values[:, rows][:, :, columns][None],)))
    (found,) = decode(outputs, values="ratio")
    assert found.box == Box(x=128, y=32, width=32, height=256)


def test_a_map_of_a_scaled_frame_is_brought_back_to_its_pixels() -> None:
    tile = Tile(x=0, y=0, width=160, height=160, keep=Box(x=0, y=0, width=SIDE, height=SIDE), scale_x=0.5, scale_y=0.5)
    values = np.zeros((1, 5, 5), np.float32)
    values[0, 1, 2] = 0.8
    (found,) = decode([TileOutput(tile=tile, arrays=(values,))])
    assert found.box == Box(x=128, y=64, width=64, height=64)
    assert found.length_px == 64.0


@pytest.mark.parametrize(("pad", "cells"), [(0.0, (5, 5)), (32.0, (3, 5))])
def test_people_see_the_frames_own_cells_of_a_map_and_never_its_padding(pad: float, cells: tuple[int, int]) -> None:
    height = SIDE - round(4 * pad)
    keep = Box(x=0, y=0, width=SIDE, height=height)
    tile = Tile(x=0, y=0, width=160, height=160, keep=keep, scale_x=0.5, scale_y=0.5, pad_y=pad)
    values = np.full((1, 5, 5), 0.2, np.float32)
    values[0, 0] = 0.9
    values[0, 2, 3] = 0.8
    bound = card(task="anomaly", output=OutputSpec(name="map", dtype="float32", stride=32))
    with PLUGIN.open(AnomalyMapSettings(), CONTEXT, bound) as decoder:
        heat = decoder.heat([TileOutput(tile=tile, arrays=(values,))], height, SIDE)
        assert (heat.shape, heat.dtype) == (cells, np.uint8)
        assert heat[2 - round(pad / 32), 3] == 204
        assert heat.max() == (230 if not pad else 204)
        assert decoder.heat(whole(quiet()), SIDE, SIDE).tolist() == [[76] * CELLS] * CELLS


def test_a_scene_full_of_anomalies_is_refused_and_numbers_that_are_none_never_pass() -> None:
    values = quiet()
    values[0, ::3, ::3] = 2.0
    with pytest.raises(FrameError, match="too many candidates: 16"):
        decode(whole(values), values="ratio", max_candidates=15, join_cells=0)
    values[0, 0, 0] = np.nan
    with pytest.raises(FrameError, match="NaN"):
        decode(whole(values), values="ratio")


def test_a_map_that_is_not_what_the_card_says_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not match its card"):
        decode(whole(quiet()), labels=("anomaly", "dent"))


def judged(values: np.ndarray, score: float, labels: tuple[str, ...] = ("anomaly",)) -> list[Detection]:
    """What is found where the graph gives a score of the whole picture too."""
    bound = card(
        task="anomaly",
        decoder="anomaly_map",
        labels=labels,
        candidate_score=0.45,
        output=OutputSpec(name="pred_score", dtype="float32", role="score"),
        further_outputs=(OutputSpec(name="anomaly_map", dtype="float32", role="map", stride=32),),
    )
    tile = Tile(x=0, y=0, width=SIDE, height=SIDE, keep=Box(x=0, y=0, width=SIDE, height=SIDE))
    output = TileOutput(tile=tile, arrays=(np.full((1, 1), score, np.float32), values[None]))
    with PLUGIN.open(AnomalyMapSettings(), CONTEXT, bound) as decoder:
        return list(decoder.decode([output], np.zeros((SIDE, SIDE), np.uint8)))


def test_the_models_own_score_of_the_picture_raises_the_strongest_detection_and_never_lowers_it() -> None:
    values = quiet()
    values[0, 2, 3], values[0, 7, 7] = 0.6, 0.8
    assert [found.score for found in judged(values, 0.9)] == pytest.approx([0.9, 0.6])
    assert [found.score for found in judged(values, 0.1)] == pytest.approx([0.8, 0.6])


def test_a_picture_that_the_model_rejects_as_a_whole_is_a_detection_even_where_its_map_is_quiet() -> None:
    (found,) = judged(quiet(), 0.7)
    assert (found.label, found.score, found.box) == (
        "anomaly",
        pytest.approx(0.7),
        Box(x=0, y=0, width=320, height=320),
    )
    assert judged(quiet(), 0.2) == []
