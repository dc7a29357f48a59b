"""Figures over maps and boxes against slow counting, pixel by pixel."""

import cv2
import numpy as np
import pytest

from inspector.domain.geometry import Box
from tools.metrics import components, pixels


def upsampled(scores: np.ndarray, stride: int, shape: tuple[int, int]) -> np.ndarray:
    return np.kron(scores, np.ones((stride, stride)))[: shape[0], : shape[1]]


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mask = np.zeros((61, 83), np.uint8)
    cv2.line(mask, (5, 5), (60, 30), (1,), 2)
    mask[40:50, 60:75] = 2
    scores = rng.random((2, 8, 11)).astype(np.float32) * 0.6
    scores[0, 0:4, 0:8] += 0.3 * rng.random((4, 8)).astype(np.float32)
    return mask, scores


def test_cells_count_every_pixel_of_the_mask_and_of_the_frame_once() -> None:
    mask, _ = scene(0)
    truth = components.true_cells(mask, 8, 2)
    assert truth.pixels.sum() == (mask > 0).sum()
    assert truth.area.sum() == mask.size
    assert truth.labels.tolist() == [0, 1]
    assert truth.sizes_px.tolist() == [int(np.ptp(np.nonzero(mask == 1)[1])) + 1, 15]


def test_a_piece_is_right_from_a_quarter_of_its_cells_near_the_truth() -> None:
    mask = np.zeros((80, 320), np.uint8)
    mask[40:48, 40:48] = 1
    truth = components.true_cells(mask, 8, 2)

    def fired(columns: range) -> components.Compared:
        scores = np.zeros((2, 10, 40), np.float32)
        scores[0, 5, columns] = 0.9
        return components.compare(scores, truth, 0.5)

    assert fired(range(5, 8)).found.tolist() == [True]
    quarter = fired(range(5, 13))  # cells 5 and 6 of eight are near: a quarter
    assert quarter.piece_right.tolist() == [True]
    ninth = fired(range(5, 14))
    assert ninth.piece_right.tolist() == [False]
    assert ninth.found.tolist() == [False]


def test_one_piece_that_covers_the_frame_finds_nothing() -> None:
    mask = np.zeros((400, 400), np.uint8)
    mask[8:16, 8:16] = 1
    truth = components.true_cells(mask, 8, 1)
    everything = components.compare(np.ones((1, 50, 50), np.float32), truth, 0.5)
    assert not everything.found.any()
    assert everything.piece_right.tolist() == [False]


def test_a_defect_found_as_another_class_is_found_but_not_the_same() -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[40:48, 40:48] = 1
    scores = np.zeros((2, 10, 10), np.float32)
    scores[1, 5, 5] = 0.8
    seen = components.compare(scores, components.true_cells(mask, 8, 2), 0.5)
    assert seen.found.tolist() == [True]
    assert seen.same.tolist() == [False]
    assert seen.piece_label.tolist() == [1]
    assert seen.piece_same.tolist() == [False]


@pytest.mark.parametrize(
    ("size", "name"),
    [(1, "1"), (2, "2-4"), (4, "2-4"), (5, "5-16"), (64, "17-64"), (65, "65-256"), (256, "65-256"), (257, "over 256")],
)
def test_sizes_fall_into_their_bins(size: int, name: str) -> None:
    assert components.SIZE_NAMES[components.size_bin(size)] == name


def test_pixel_ap_equals_counting_every_pixel() -> None:
    from tools.metrics.ranking import average_precision

    mask, scores = scene(1)
    strongest = scores.max(axis=0)
    counts = pixels.count_pixels(strongest, components.true_cells(mask, 8, 2), mask, 8)
    level = pixels.levels(strongest)
    flat = upsampled(level, 8, mask.shape).ravel()
    expected = average_precision(flat.astype(float), (mask > 0).ravel())
    assert pixels.pixel_ap(counts.bad, counts.good) == pytest.approx(expected, abs=1e-12)


def test_aupro_equals_thresholding_every_pixel_and_region() -> None:
    mask, scores = scene(2)
    strongest = scores.max(axis=0)
    counts = pixels.count_pixels(strongest, components.true_cells(mask, 8, 2), mask, 8)
    level = upsampled(pixels.levels(strongest), 8, mask.shape)
    count, regions = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
    fpr, pro = [0.0], [0.0]
    for threshold in np.unique(level)[::-1]:
        fired = level >= threshold
        fpr.append(float(fired[mask == 0].mean()))
        pro.append(float(np.mean([fired[regions == r].mean() for r in range(1, count)])))
    grid = np.linspace(0, 0.3, 200_001)
    expected = float(np.interp(grid, fpr, pro).mean())
    assert pixels.aupro(counts.good, counts.overlap, counts.regions) == pytest.approx(expected, abs=1e-4)


def test_a_perfect_map_has_perfect_pixel_figures() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[8:24, 16:32] = 1
    truth = components.true_cells(mask, 8, 1)
    counts = pixels.count_pixels((truth.pixels > 0).astype(np.float32), truth, mask, 8)
    assert pixels.pixel_ap(counts.bad, counts.good) == 1.0
    assert pixels.aupro(counts.good, counts.overlap, counts.regions) == 1.0


def test_no_defect_means_no_pixel_figure() -> None:
    mask = np.zeros((64, 64), np.uint8)
    counts = pixels.count_pixels(np.zeros((8, 8), np.float32), components.true_cells(mask, 8, 1), mask, 8)
    assert np.isnan(pixels.pixel_ap(counts.bad, counts.good))
    assert np.isnan(pixels.aupro(counts.good, counts.overlap, counts.regions))


def box(x: float, y: float, side: float = 20.0) -> Box:
    return Box(x=x, y=y, width=side, height=side)


def test_coco_map_of_one_class_equals_its_interpolated_curve() -> None:
    pytest.importorskip("faster_coco_eval", reason="the workshop needs it: make workshop")
    from tools.metrics.detection import Boxes, coco_map

    truth = [(0, box(10, 10)), (0, box(100, 10)), (0, box(10, 100)), (0, box(100, 100))]
    found = [
        (0, box(10, 10), 0.9),
        (0, box(200, 200), 0.8),
        (0, box(100, 10), 0.7),
        (0, box(10, 100), 0.6),
    ]
    got = coco_map([Boxes(width=300, height=300, truth=truth, found=found)], 1)
    curve = [(0.25, 1.0), (0.5, 2 / 3), (0.75, 3 / 4)]
    grid = [max((p for r, p in curve if r >= recall - 1e-9), default=0.0) for recall in np.linspace(0, 1, 101)]
    assert got.ap50 == pytest.approx(np.mean(grid), abs=1e-6)
    assert got.ap == pytest.approx(got.ap50, abs=1e-6)


def test_coco_map_falls_with_the_overlap_it_asks_for() -> None:
    pytest.importorskip("faster_coco_eval", reason="the workshop needs it: make workshop")
    from tools.metrics.detection import Boxes, coco_map

    shifted = Boxes(width=100, height=100, truth=[(0, box(10, 10))], found=[(0, box(12, 10), 0.9)])
    assert box(10, 10).iou(box(12, 10)) == pytest.approx(18 / 22)
    got = coco_map([shifted], 2)
    assert got.ap50 == pytest.approx(1.0)
    assert got.ap == pytest.approx(0.7)  # right at .50 to .80 of .50 to .95
    assert np.isnan(got.ap_by_class[1])
    nothing = Boxes(width=100, height=100, truth=[(0, box(10, 10))], found=[])
    assert coco_map([nothing], 1).ap == 0.0
    assert np.isnan(coco_map([Boxes(width=9, height=9, truth=[], found=[])], 1).ap)
