"""What training minimises: cell-wise cross entropy, steadied by soft dice per class."""

from typing import Any

import torch
from torch.nn import functional

from tools.training.cells import WEAK

_DOUBT = 0.005
"""Targets stop short of 0 and 1: logits stay within about +-5, and int8 resolves what is left between."""
_WEAK_SHARE = 0.2
_WEAK_WEIGHT = 0.5


def segmentation_loss(logits: Any, targets: Any) -> Any:
    """Return 5 x BCE + 0.5 x soft dice over the cells that are known, + 0.5 x BCE of the boxes' strongest fifths.

    Args:
        logits: (n, classes, h, w) float.
        targets: (n, classes, h, w) uint8 of ``cell_targets``.
    """
    known = (targets < WEAK).float()
    truth = (targets == 1).float()
    aimed = truth * (1.0 - 2.0 * _DOUBT) + _DOUBT
    bce = functional.binary_cross_entropy_with_logits(logits, aimed, weight=known, reduction="sum")
    bce = bce / known.sum().clamp_min(1.0)
    shown = torch.sigmoid(logits) * known
    overlap = (shown * truth).sum(dim=(0, 2, 3))
    total = shown.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    present = (truth.sum(dim=(0, 2, 3)) > 0).float()
    dice = (present * (1.0 - (2.0 * overlap + 1.0) / (total + 1.0))).sum() / present.sum().clamp_min(1.0)
    return 5.0 * bce + 0.5 * dice + _WEAK_WEIGHT * _boxes(logits, targets)


def _boxes(logits: Any, targets: Any) -> Any:
    """Cross entropy that the strongest fifth of the cells in a crop's boxes of a class is that class."""
    weak = targets == WEAK
    terms = []
    for image, label in weak.flatten(2).any(dim=2).nonzero():
        inside = logits[image, label][weak[image, label]]
        strongest = inside.topk(max(int(_WEAK_SHARE * inside.numel()), 1)).values.mean()
        terms.append(functional.softplus(-strongest))
    return torch.stack(terms).mean() if terms else logits.sum() * 0.0


def distillation_loss(logits: Any, taught: Any) -> Any:
    """Return 5 x the cross entropy of every cell against the teacher's confidence in it (Hinton et al. 2015).

    Args:
        logits: (n, classes, h, w) of the student.
        taught: the teacher's logits, same shape.
    """
    return 5.0 * functional.binary_cross_entropy_with_logits(logits, torch.sigmoid(taught))
