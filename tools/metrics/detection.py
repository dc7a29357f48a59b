"""COCO's mean average precision over boxes, by faster-coco-eval: nobody's figure but the reference's own."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from inspector.domain.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """One picture: true boxes with class index, detected boxes with class index and score."""

    width: int
    height: int
    truth: Sequence[tuple[int, Box]]
    found: Sequence[tuple[int, Box, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoFigures:
    """``ap``: mean over IoU .50 to .95 and classes; ``ap50``: at IoU .50. NaN: no true box."""

    ap: float
    ap50: float
    ap_by_class: tuple[float, ...]


def coco_map(pictures: Sequence[Boxes], classes: int, weights: NDArray[np.float64] | None = None) -> CocoFigures:
    """Evaluate detections of many pictures; a picture of weight n counts n times."""
    nothing = CocoFigures(ap=float("nan"), ap50=float("nan"), ap_by_class=(float("nan"),) * classes)
    times = [1] * len(pictures) if weights is None else [int(weight) for weight in weights]
    chosen = [picture for picture, n in zip(pictures, times, strict=True) for _ in range(n)]
    if not any(picture.truth for picture in chosen):
        return nothing
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(_truth(chosen, classes))
        found = _found(chosen)
        if not found:
            return CocoFigures(ap=0.0, ap50=0.0, ap_by_class=(0.0,) * classes)
        judge = COCOeval_faster(truth, truth.loadRes(found), iouType="bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision = np.asarray(judge.eval["precision"])[:, :, :, 0, -1]  # IoU, recall, class, all sizes, most detections
    by_class = [_mean(precision[:, :, index]) for index in range(classes)]
    return CocoFigures(ap=float(judge.stats[0]), ap50=float(judge.stats[1]), ap_by_class=tuple(by_class))


def _mean(precision: NDArray[np.float64]) -> float:
    kept = precision[precision > -1]
    return float(kept.mean()) if kept.size else float("nan")


def _truth(pictures: Sequence[Boxes], classes: int) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, start=1):
        annotations += [
            {
                "id": len(annotations) + place,
                "image_id": number,
                "category_id": label + 1,
                "bbox": [box.x, box.y, box.width, box.height],
                "area": box.width * box.height,
                "iscrowd": 0,
            }
            for place, (label, box) in enumerate(picture.truth, start=1)
        ]
    return {
        "info": {},
        "images": [
            {"id": number, "width": picture.width, "height": picture.height}
            for number, picture in enumerate(pictures, start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": index + 1, "name": str(index)} for index in range(classes)],
    }


def _found(pictures: Sequence[Boxes]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": number,
            "category_id": label + 1,
            "bbox": [box.x, box.y, box.width, box.height],
            "score": score,
        }
        for number, picture in enumerate(pictures, start=1)
        for label, box, score in picture.found
    ]
