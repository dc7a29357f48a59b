"""What training minimises: cell-wise cross entropy, steadied by soft dice per class."""

from typing import Any

import torch
from torch.nn import functional

from tools.cells import IGNORED

_DOUBT = 0.005
"""Targets stop short of 0 and 1: logits stay within about +-5, and int8 resolves what is left between."""


def segmentation_loss(logits: Any, targets: Any) -> Any:
    """Return 5 x BCE + 0.5 x soft dice over the cells that are not ignored.

    Args:
        logits: (n, 5, h, w) float.
        targets: (n, 5, h, w) uint8 of ``cell_targets``.
    """
    known = (targets != IGNORED).float()
    truth = (targets == 1).float()
    aimed = truth * (1.0 - 2.0 * _DOUBT) + _DOUBT
    bce = functional.binary_cross_entropy_with_logits(logits, aimed, weight=known, reduction="sum")
    bce = bce / known.sum().clamp_min(1.0)
    shown = torch.sigmoid(logits) * known
    overlap = (shown * truth).sum(dim=(0, 2, 3))
    total = shown.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    present = (truth.sum(dim=(0, 2, 3)) > 0).float()
    dice = (present * (1.0 - (2.0 * overlap + 1.0) / (total + 1.0))).sum() / present.sum().clamp_min(1.0)
    return 5.0 * bce + 0.5 * dice
