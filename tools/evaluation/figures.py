"""Every figure of merit over weighted rows; a figure that cannot be computed is NaN, never a fine number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.evaluation.table import PLAIN, THRESHOLDS, Floats, Row
from tools.metrics.components import SIZE_NAMES
from tools.metrics.confidence import calibration_error
from tools.metrics.detection import coco_map
from tools.metrics.pixels import aupro, pixel_ap
from tools.metrics.ranking import auroc, average_precision, escapes_at

FALSE_REJECTS = (0.01, 0.02, 0.05)
FALSE_PER_MP = (0.1, 1.0)
_SUMMED = (
    "wrong_t",
    "right_t",
    "found_tc",
    "same_tc",
    "defects_c",
    "pieces_tc",
    "same_pieces_tc",
    "found_ts",
    "defects_s",
    "pixels_bad_l",
    "pixels_good_l",
    "overlap_l",
    "regions",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A threshold at which pieces are counted, and why it was chosen."""

    name: str
    index: int

    @property
    def threshold(self) -> float:
        """The threshold itself."""
        return float(THRESHOLDS[self.index])


class Table:
    """Rows as arrays. Every method takes weights: how often each picture counts."""

    def __init__(self, rows: Sequence[Row], labels: Sequence[str]) -> None:
        self.rows = rows
        self.labels = tuple(labels)
        self.score = np.array([row.score for row in rows])
        self.bad = np.array([not row.record.good for row in rows], np.bool_)
        self.known = np.array([row.known for row in rows], np.bool_)
        self.megapixels = np.array([row.record.megapixels for row in rows])
        self.class_score = np.stack([row.class_scores for row in rows])
        self.class_bad = np.stack([row.class_bad for row in rows])
        self.removed = np.array([row.removed for row in rows])
        self.hit = np.array([row.hit for row in rows])
        self.chance = np.array([row.chance for row in rows])
        self._stacks = {
            name: np.stack([np.asarray(getattr(row, name), np.float64) for row in rows]) for name in _SUMMED
        }
        self._slices: dict[tuple[str, int], Floats] = {}
        self._owner = np.repeat(np.arange(len(rows)), [len(row.confidences) for row in rows])
        self._confidences = np.concatenate([row.confidences for row in rows])
        self._rights = np.concatenate([row.rights for row in rows]).astype(np.bool_)

    def total(self, name: str, weights: Floats) -> Floats:
        """Weighted sum over pictures."""
        return np.asarray(np.tensordot(weights, self._stacks[name], 1), np.float64)

    def _at(self, name: str, index: int, weights: Floats) -> Floats:
        """Weighted sum over pictures at one threshold."""
        if (name, index) not in self._slices:
            self._slices[name, index] = np.ascontiguousarray(self._stacks[name][:, index])
        return np.asarray(weights @ self._slices[name, index], np.float64)

    def points(self) -> tuple[Point, ...]:
        """0.5, and the lowest thresholds that keep to so many false pieces a good megapixel, where goods are there."""
        plain = Point(name="at 0.5", index=PLAIN)
        goods = (~self.bad & self.known).astype(np.float64)
        area = float(goods @ self.megapixels)
        if not area:
            return (plain,)
        false = self.total("wrong_t", goods)
        found = []
        for rate in FALSE_PER_MP:
            too_many = np.flatnonzero(false > np.floor(rate * area + 1e-9))
            index = min(int(too_many.max(initial=-1)) + 1, len(THRESHOLDS) - 1)
            found.append(Point(name=f"at <= {rate:g} false/MP", index=index))
        return (plain, *found)

    def figures(self, weights: Floats, points: Sequence[Point]) -> Mapping[str, float]:
        """Every figure but COCO's."""
        return {
            **self._images(weights),
            **self._controls(weights),
            **{key: value for point in points for key, value in self._pieces(weights, point).items()},
            **self._pixels(weights),
            "calibration_error": calibration_error(self._confidences, self._rights, weights[self._owner])
            if self._confidences.size
            else float("nan"),
        }

    def _images(self, weights: Floats) -> Mapping[str, float]:
        found = {
            "image_auroc": auroc(self.score, self.bad, weights),
            "image_ap": _both(self.bad, weights) * average_precision(self.score, self.bad, weights),
        }
        for share in FALSE_REJECTS:
            found[f"escapes at {share:.0%} false rejects"] = escapes_at(self.score, self.bad, share, weights)
        for index, label in enumerate(self.labels):
            chosen = self.class_bad[:, index] | ~self.bad
            own = self.class_bad[chosen, index]
            found[f"image_auroc {label}"] = auroc(self.class_score[chosen, index], own, weights[chosen])
        return found

    def _controls(self, weights: Floats) -> Mapping[str, float]:
        placed = np.isfinite(self.removed)
        chosen = placed | ~self.bad
        score = np.where(placed, self.removed, self.score)[chosen]
        place_weight = weights[placed]
        total = place_weight.sum()
        return {
            "control: auroc with the defect removed": auroc(score, self.bad[chosen], weights[chosen]),
            "control: strongest cell on the defect": float(place_weight @ self.hit[placed] / total)
            if total
            else float("nan"),
            "control: the same by chance": float(place_weight @ self.chance[placed] / total) if total else float("nan"),
        }

    def _pieces(self, weights: Floats, point: Point) -> Mapping[str, float]:
        t, name = point.index, point.name
        bad_weights = weights * self.bad
        found, same = self._at("found_tc", t, weights), self._at("same_tc", t, weights)
        defects = self.total("defects_c", weights)
        pieces, alike = self._at("pieces_tc", t, weights), self._at("same_pieces_tc", t, weights)
        right, right_bad = float(self._at("right_t", t, weights)), float(self._at("right_t", t, bad_weights))
        wrong, wrong_bad = float(self._at("wrong_t", t, weights)), float(self._at("wrong_t", t, bad_weights))
        good_area = float((weights * ~self.bad * self.known) @ self.megapixels)
        sizes, sized = self._at("found_ts", t, weights), self.total("defects_s", weights)
        return {
            f"component recall {name}": _share(float(sizes.sum()), float(sized.sum())),
            f"component precision {name}": _share(right, right + wrong),
            f"component precision on bad pictures {name}": _share(right_bad, right_bad + wrong_bad),
            f"false pieces a good MP {name}": _share(wrong - wrong_bad, good_area),
            **{f"recall {label} {name}": _share(found[c], defects[c]) for c, label in enumerate(self.labels)},
            **{f"recall as {label} {name}": _share(same[c], defects[c]) for c, label in enumerate(self.labels)},
            **{f"precision {label} {name}": _share(alike[c], pieces[c]) for c, label in enumerate(self.labels)},
            **{f"recall of {size} px {name}": _share(sizes[s], sized[s]) for s, size in enumerate(SIZE_NAMES)},
        }

    def _pixels(self, weights: Floats) -> Mapping[str, float]:
        bad, good = self.total("pixels_bad_l", weights), self.total("pixels_good_l", weights)
        overlap, regions = self.total("overlap_l", weights), float(self.total("regions", weights))
        return {"pixel_ap": pixel_ap(bad, good), "aupro": aupro(good, overlap, regions)}

    def coco(self, weights: Floats) -> Mapping[str, float]:
        """COCO's figures; slow, so apart."""
        got = coco_map([row.boxes for row in self.rows], len(self.labels), weights)
        by_class = zip(self.labels, got.ap_by_class, strict=True)
        return {"coco_map": got.ap, "coco_map50": got.ap50, **{f"coco_map {label}": ap for label, ap in by_class}}

    def count(self, name: str, index: int | None = None) -> int:
        """How many defects there are of a class or size, or altogether."""
        total = self._stacks[name].sum(axis=0)
        return int(total.sum() if index is None else total[index])

    @property
    def detections(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Confidence of every detection, and whether it is right."""
        return self._confidences, self._rights


def _both(bad: NDArray[np.bool_], weights: Floats) -> float:
    """1 where both kinds count, else NaN: an AP over bad pictures alone is always 1."""
    return 1.0 if (weights * bad).sum() and (weights * ~bad).sum() else float("nan")


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
