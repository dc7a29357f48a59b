"""Turn compared parts into figures: recall per class, false alarms, escapes, size biases."""

from collections.abc import Sequence
from statistics import median

import numpy as np

from inspector.twin.scenes import DEFECT_LABELS
from tools.matching import Found, Part

_WIDE_PX = 2.0
_THIN = ("crack", "scratch")
_LIMIT_FALSE_PER_MP = 0.1


def _recall(found: Sequence[Found], threshold: float) -> tuple[int, int]:
    """Count the defects found at a threshold, and all."""
    return sum(1 for f in found if f.best is not None and f.best.score >= threshold), len(found)


def figures(parts: Sequence[Part], threshold: float) -> dict[str, float]:
    """Return flat figures at one threshold; every share stands beside its counts."""
    good = [part for part in parts if not part.bad]
    bad = [part for part in parts if part.bad]
    found = [f for part in bad for f in part.found]
    result: dict[str, float] = {"threshold": threshold, "good_parts": len(good), "bad_parts": len(bad)}
    for label in DEFECT_LABELS:
        own = [f for f in found if f.truth.label == label]
        hit, total = _recall(own, threshold)
        same = sum(1 for f in own if f.best and f.best.score >= threshold and f.best.label == label)
        result |= {f"{label}_found": hit, f"{label}_same_class": same, f"{label}_painted": total}
        result[f"{label}_recall"] = round(hit / max(total, 1), 4)
    wide = [f for f in found if f.truth.width_px >= _WIDE_PX]
    hit, total = _recall(wide, threshold)
    result |= {"wide_found": hit, "wide_painted": total, "wide_recall": round(hit / max(total, 1), 4)}
    area = sum(part.megapixels for part in good)
    alarms = sum(1 for part in good for d in part.false_alarms if d.score >= threshold)
    result |= {"false_alarms_on_good": alarms, "good_megapixels": round(area, 1)}
    result["false_alarms_per_mp"] = round(alarms / area, 5) if area else 0.0
    result["escapes"] = sum(1 for part in bad if part.score < threshold)
    result["false_rejects"] = sum(1 for part in good if part.score >= threshold)
    result["image_auroc"] = round(auroc([p.score for p in good], [p.score for p in bad]), 5)
    result["highest_good_score"] = round(max((part.score for part in good), default=0.0), 4)
    result["weakest_bad_score"] = round(min((part.score for part in bad), default=0.0), 4)
    return result | size_biases(found)


def auroc(good: Sequence[float], bad: Sequence[float]) -> float:
    """Return the probability that a bad part scores above a good one; ties count one half."""
    if not good or not bad:
        return 0.0
    difference = np.asarray(bad)[:, None] - np.asarray(good)[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def size_biases(found: Sequence[Found]) -> dict[str, float]:
    """Return the median of measured minus true length and width of thin defects, px."""
    pairs = [(f.truth, f.best) for f in found if f.best is not None and f.truth.label in _THIN]
    if not pairs:
        return {"thin_length_error_px": 0.0, "thin_width_error_px": 0.0}
    return {
        "thin_length_error_px": round(median(best.length_px - truth.length_px for truth, best in pairs), 2),
        "thin_width_error_px": round(median(best.width_px - truth.width_px for truth, best in pairs), 2),
    }


def best_thresholds(parts: Sequence[Part]) -> dict[str, float]:
    """Return, per class, the lowest threshold with at most 0.1 false alarms of that class per good megapixel."""
    good = [part for part in parts if not part.bad]
    allowed = int(_LIMIT_FALSE_PER_MP * sum(part.megapixels for part in good))
    thresholds = {}
    for label in DEFECT_LABELS:
        scores = sorted((d.score for p in good for d in p.false_alarms if d.label == label), reverse=True)
        thresholds[label] = round(scores[allowed] + 1e-3, 3) if len(scores) > allowed else 0.3
    return thresholds


def margins(parts: Sequence[Part]) -> dict[str, float]:
    """Return, per class, the highest score on sound ground of good parts and the weakest on a painted defect.

    Where the first lies below the second, any threshold between them makes no mistake on these parts; the middle
    of their logits is where 0.5 should lie.
    """
    result = {}
    for label in DEFECT_LABELS:
        false = [d.score for p in parts if not p.bad for d in p.false_alarms if d.label == label]
        right = [f.best.score for p in parts for f in p.found if f.best is not None and f.truth.label == label]
        result[f"{label}_highest_false"] = round(max(false, default=0.0), 4)
        result[f"{label}_weakest_true"] = round(min(right, default=0.0), 4)
    return result
